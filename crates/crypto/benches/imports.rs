//! What imports take that are refused for different reasons. `cargo bench -p yaoku-crypto --bench imports`.
//!
//! The cases take turns, and the tenth part of each that was fastest counts: so a machine that is busy
//! with other things is so for all of them alike.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::print_stdout, reason = "it is there to print")]

#[expect(dead_code, reason = "of the other benches")]
#[path = "../tests/support/world.rs"]
mod world;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{
        KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
        PublicEncryptingKey,
    },
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use world::World;
use yaoku_crypto::{
    backend::Backend as _,
    import::{ImportError, ImportPlace, Imported},
    random::SystemRandom,
};
use yaoku_model::{algorithm::WrappingAlgorithm, key::KeySpec, time::Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(0);
const LATER: Timestamp = Timestamp::from_unix_seconds(1);

/// How often each case is timed.
const ROUNDS: usize = 300;

/// How many of these times count.
const FASTEST: u32 = 30;

/// An import that is to be refused, and why.
struct Case {
    name: &'static str,
    wrapped: Vec<u8>,
    took: Vec<Duration>,
}

/// A key that waits for its material again: its first import is known.
struct Offer {
    world: World,
    spec: KeySpec,
    public_key: Vec<u8>,
    token: Vec<u8>,
}

impl Offer {
    fn of(spec: KeySpec) -> Self {
        let (world, way) = (World::new(), WrappingAlgorithm::OaepSha256Aes256);
        let place = ImportPlace::from(&world.place());
        let begun = world.backend.begin_import(spec, &place, way, LATER, &SystemRandom).unwrap();
        Self { world, spec, public_key: begun.public_key, token: begun.token }
    }

    fn import(&self, wrapped: &[u8], known: Option<&[u8]>) -> Result<Imported, ImportError> {
        let (backend, place) = (&self.world.backend, self.world.place());
        backend.import(self.spec, &place, &self.token, wrapped, NOW, known, &SystemRandom)
    }

    fn cases(&self) -> Vec<Case> {
        let key = oaep(&self.public_key, &[9; 32]);
        let under = |text: &[u8]| [&key[..], &aes(text)].concat();
        let mut no_padding = aes(b"twice sixteen bytes, nearly all.");
        no_padding.truncate(32);
        let garbage = aes(&[1; 1200]);
        let short = oaep(&self.public_key, &[9; 31]);
        [
            ("it is not the first import's", under(&private(self.spec))),
            ("the key does not unwrap", [&[7; 256][..], &garbage].concat()),
            ("the key is short", [&short[..], &garbage].concat()),
            ("the padding is wrong", [&key[..], &no_padding].concat()),
            ("it is no DER", under(&[1; 1200])),
            ("it is another curve's", under(&secp256k1())),
        ]
        .map(|(name, wrapped)| Case { name, wrapped, took: Vec::with_capacity(ROUNDS) })
        .into()
    }
}

fn main() {
    for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::EcP256] {
        let offer = Offer::of(spec);
        let first = [oaep(&offer.public_key, &[9; 32]), aes(&private(spec))].concat();
        let first = offer.import(&first, None).unwrap().fingerprint;
        let mut cases = offer.cases();
        for _ in 0..ROUNDS {
            for case in &mut cases {
                let start = now();
                let refused = black_box(offer.import(&case.wrapped, Some(&first)));
                case.took.push(now() - start);
                assert_eq!(refused, Err(ImportError::Material), "{}", case.name);
            }
        }
        let whole = fast(&mut cases[0]);
        for case in &mut cases {
            let took = fast(case);
            let share = 100.0 * took / whole;
            println!("{spec}: {}: {:.3} ms, {share:.0} %", case.name, 1000.0 * took);
        }
    }
}

/// The mean of the fastest tenth, in seconds.
fn fast(case: &mut Case) -> f64 {
    case.took.sort_unstable();
    let fastest: Duration = case.took.iter().zip(0..FASTEST).map(|(it, _)| it).sum();
    (fastest / FASTEST).as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "a bench times what it does")]
fn now() -> Instant {
    Instant::now()
}

fn oaep(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(key).unwrap()).unwrap();
    key.encrypt(&OAEP_SHA256_MGF1SHA256, text, &mut [0; 256], None).unwrap().to_vec()
}

fn aes(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let key = UnboundCipherKey::new(&AES_256, &[9; 32]).unwrap();
    PaddedBlockEncryptingKey::ecb_pkcs7(key).unwrap().encrypt(&mut out).unwrap();
    out
}

/// PKCS#8 of a fresh pair.
fn private(spec: KeySpec) -> Vec<u8> {
    let size = match spec {
        KeySpec::Rsa2048 => KeySize::Rsa2048,
        KeySpec::Rsa3072 => KeySize::Rsa3072,
        KeySpec::Rsa4096 => KeySize::Rsa4096,
        _ => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
            return pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        }
    };
    let der: Pkcs8V1Der<'_> = PrivateDecryptingKey::generate(size).unwrap().as_der().unwrap();
    der.as_ref().to_vec()
}

/// PKCS#8 of a private number of 7s.
fn secp256k1() -> Vec<u8> {
    let head = "303e020100301006072a8648ce3d020106052b8104000a042730250201010420";
    [hex::decode(head).unwrap(), vec![7; 32]].concat()
}
