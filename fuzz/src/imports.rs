//! Material that strangers wrap: what we did not wrap never comes in, what comes in is a key, and
//! neither tokens nor public keys are made up.

use std::sync::LazyLock;

use aws_lc_rs::cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use yaoku_crypto::{
    backend::Backend,
    export::{ExportError, wrap_for_export},
    import::{ImportError, ImportParameters, ImportPlace},
    random::SystemRandom,
};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, WrappingAlgorithm, WrappingKeySpec},
    key::KeySpec,
    time::Timestamp,
};

use crate::home::Home;

const NOW: Timestamp = Timestamp::from_unix_seconds(0);
const LATER: Timestamp = Timestamp::from_unix_seconds(1);

/// The key between that of the wrap and the material.
const BETWEEN: [u8; 32] = [7; 32];

/// The first byte says what the rest is, since unwrapping takes its time.
pub(crate) fn run(input: &[u8]) {
    let Some((what, rest)) = input.split_first() else { return };
    let number = usize::from(what / 4);
    match what % 4 {
        0 => must_not_come_in(&WORLD.offers[number % WORLD.offers.len()], rest),
        1 => comes_in_as_a_key_or_not(&WORLD.pairs[number % WORLD.pairs.len()], rest),
        2 => must_be_no_token(rest),
        _ => exports_to_a_key_or_not(rest),
    }
}

/// Beginnings of keys, and bytes as long as each algorithm's.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for number in 0..WORLD.offers.len() {
        let what = u8::try_from(number * 4).expect("few algorithms");
        for len in [113, 145, 256, 272, 1472] {
            seeds.push([&[what][..], &vec![7; len]].concat());
        }
    }
    let heads = [
        "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420",
        "303e020100301006072a8648ce3d020106052b8104000a042730250201010420",
        "3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420",
        "308204bd020100300d06092a864886f70d0101010500048204a7308204a3020100",
    ];
    for (number, head) in heads.iter().enumerate() {
        let what = u8::try_from(number * 4 + 1).expect("few pairs");
        seeds.push([&[what][..], &hex::decode(head).expect("hex"), &[7; 32]].concat());
    }
    let token = &WORLD.offers[0].2.token;
    seeds.push([&[2][..], token].concat());
    seeds.push([&[2][..], &token[1..]].concat());
    seeds.push([&[3][..], &WORLD.offers[0].2.public_key].concat());
    seeds
}

type Offer = (KeySpec, WrappingAlgorithm, ImportParameters);

fn must_not_come_in((spec, algorithm, offer): &Offer, wrapped: &[u8]) {
    let place = WORLD.home.place();
    let imported =
        WORLD.home.backend.import(*spec, &place, &offer.token, wrapped, NOW, None, &SystemRandom);
    assert_eq!(imported, Err(ImportError::Material), "{algorithm}");
}

fn comes_in_as_a_key_or_not((spec, _, offer): &Offer, material: &[u8]) {
    let key = wrap_for_export(
        &offer.public_key,
        WrappingKeySpec::Rsa2048,
        EncryptionAlgorithm::OaepSha256,
        &BETWEEN,
        &SystemRandom,
    );
    let mut body = material.to_vec();
    let between = UnboundCipherKey::new(&AES_256, &BETWEEN).expect("a key");
    let between = PaddedBlockEncryptingKey::ecb_pkcs7(between).expect("a cipher");
    between.encrypt(&mut body).expect("it encrypts");
    let wrapped = [key.expect("a public key"), body].concat();
    let place = WORLD.home.place();
    let backend = &WORLD.home.backend;
    match backend.import(*spec, &place, &offer.token, &wrapped, NOW, None, &SystemRandom) {
        Ok(imported) => drop(backend.load(*spec, &place, &imported.sealed.0).expect("a key")),
        Err(error) => assert_eq!(error, ImportError::Material, "{spec}"),
    }
}

/// One of ours is one for every offer to the same key.
fn must_be_no_token(token: &[u8]) {
    if WORLD.offers.iter().any(|(_, _, offer)| offer.token == token) {
        return;
    }
    for spec in [KeySpec::Aes256, KeySpec::EcSm2] {
        let place = WORLD.home.place();
        let backend = &WORLD.home.backend;
        let imported = backend.import(spec, &place, token, b"", NOW, None, &SystemRandom);
        assert_eq!(imported, Err(ImportError::Token), "{spec}");
    }
}

fn exports_to_a_key_or_not(public: &[u8]) {
    for (spec, algorithm, len) in [
        (WrappingKeySpec::Rsa2048, EncryptionAlgorithm::OaepSha256, 256),
        (WrappingKeySpec::EcSm2, EncryptionAlgorithm::Sm2Pke, 129),
    ] {
        match wrap_for_export(public, spec, algorithm, &[7; 32], &SystemRandom) {
            Ok(wrapped) => assert_eq!(wrapped.len(), len),
            Err(error) => assert_eq!(error, ExportError::Unfit),
        }
    }
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// What every algorithm wraps with; and what pairs of each kind but the slow ones are wrapped with.
struct World {
    home: Home,
    offers: Vec<Offer>,
    pairs: Vec<Offer>,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        let offer = |spec: KeySpec, algorithm: WrappingAlgorithm| {
            let place = ImportPlace::from(&home.place());
            let offer = home.backend.begin_import(spec, &place, algorithm, LATER, &SystemRandom);
            (spec, algorithm, offer.expect("it fits"))
        };
        let any = |it: &&WrappingAlgorithm| {
            let specs = [KeySpec::Aes256, KeySpec::EcSm2];
            let spec = specs.into_iter().find(|spec| it.fits(*spec)).expect("a spec");
            offer(spec, **it)
        };
        let offers = WrappingAlgorithm::ALL.iter().map(|it| any(&it)).collect();
        let specs = [KeySpec::EcP256, KeySpec::EcP256K, KeySpec::EcSm2, KeySpec::Rsa2048];
        let pairs = specs.map(|it| offer(it, WrappingAlgorithm::OaepSha256Aes256)).to_vec();
        Self { home, offers, pairs }
    }
}
