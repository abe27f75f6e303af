//! What every backend promises of material that its owner brings.

use aws_lc_rs::{
    cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey},
    rsa::{
        OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey,
        Pkcs1PublicEncryptingKey, PublicEncryptingKey,
    },
};
use sm4::{
    Sm4,
    cipher::{Block, BlockCipherEncrypt as _, KeyInit as _},
};
use yaoku_model::{
    algorithm::{SignatureAlgorithm, WrappingAlgorithm},
    key::KeySpec,
    time::Timestamp,
};

use super::{Ids, Never};
use crate::{
    backend::{Backend, BackendError, KeyHandle, KeyPlace},
    import::{ImportError, ImportParameters, ImportPlace, Imported},
    material::Material,
    pair::Sm2Public,
    random::SystemRandom,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000);
const EXPIRES: Timestamp = NOW.plus_seconds(86_400);

pub(crate) fn material_comes_wrapped_as_its_spec_says_only(backend: &dyn Backend, ids: &Ids) {
    for spec in KeySpec::ALL {
        for algorithm in WrappingAlgorithm::ALL.iter().filter(|it| !it.fits(*spec)) {
            let begun = backend
                .begin_import(*spec, &home(ids), *algorithm, EXPIRES, &SystemRandom)
                .map(drop);
            assert_eq!(begun, Err(BackendError::Unsupported), "{spec}, {algorithm}");
        }
    }
}

pub(crate) fn a_token_is_of_its_key_and_spec_alone(backend: &dyn Backend, ids: &Ids) {
    let offer = Offer::new(backend, ids, KeySpec::Aes128, WrappingAlgorithm::OaepSha256);
    let wrapped = offer.wrap(&[7; 16]);
    let home = ids.place();
    for place in ids.places() {
        let imported = offer.import_at(KeySpec::Aes128, &place, &wrapped).map(drop);
        let same = ImportPlace::from(&place) == ImportPlace::from(&home);
        let expected = if same { Ok(()) } else { Err(ImportError::Token) };
        assert_eq!(imported, expected, "{place:?}");
    }
    for spec in KeySpec::ALL.iter().filter(|it| **it != KeySpec::Aes128) {
        let imported = offer.import_at(*spec, &home, &wrapped).map(drop);
        assert_eq!(imported, Err(ImportError::Token), "{spec}");
    }
}

pub(crate) fn a_token_that_was_cut_or_changed_is_none(backend: &dyn Backend, ids: &Ids) {
    let offer = Offer::new(backend, ids, KeySpec::Sm4, WrappingAlgorithm::Sm2Pke);
    let wrapped = offer.wrap(&[7; 16]);
    let token = &offer.given.token;
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1;
        for token in [&changed[..], &token[..at], &token[at + 1..]] {
            let imported = offer.import_by(token, &wrapped, None).map(drop);
            assert_eq!(imported, Err(ImportError::Token), "byte {at}");
        }
    }
}

pub(crate) fn a_token_serves_until_it_expires(backend: &dyn Backend, ids: &Ids) {
    let offer = Offer::new(backend, ids, KeySpec::Sm4, WrappingAlgorithm::Sm2Pke);
    let wrapped = offer.wrap(&[7; 16]);
    let last = Timestamp::from_unix_ms(EXPIRES.unix_ms() - 1);
    for (now, expected) in [
        (NOW, Ok(())),
        (last, Ok(())),
        (EXPIRES, Err(ImportError::Expired)),
        (EXPIRES.plus_seconds(1), Err(ImportError::Expired)),
    ] {
        let token = &offer.given.token;
        let imported =
            backend.import(KeySpec::Sm4, &ids.place(), token, &wrapped, now, None, &SystemRandom);
        assert_eq!(imported.map(drop), expected, "{now}");
    }
}

pub(crate) fn what_was_cut_or_changed_is_invalid(backend: &dyn Backend, ids: &Ids) {
    for (spec, algorithm) in each_algorithm() {
        let offer = Offer::new(backend, ids, spec, algorithm);
        let wrapped = offer.wrap(&material(spec));
        let imported = |bytes: &[u8]| offer.import(bytes).map(drop);
        // SM4-ECB guards nothing: another number under it is another key. Source: keys.md §12.2.
        let guarded = wrapped.len() - usize::from(algorithm == WrappingAlgorithm::Sm2PkeSm4) * 32;
        for at in (0..guarded).step_by(23).chain([guarded - 1]) {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            for bytes in [&changed[..], &wrapped[..at], &wrapped[at + 1..]] {
                assert_eq!(imported(bytes), Err(ImportError::Material), "{algorithm}, byte {at}");
            }
        }
        let longer = [&wrapped[..], b"x"].concat();
        assert_eq!(imported(&longer), Err(ImportError::Material), "{algorithm}");
        let stranger = Offer::new(backend, ids, spec, algorithm).wrap(&material(spec));
        assert_eq!(imported(&stranger), Err(ImportError::Material), "{algorithm}");
        assert_eq!(imported(&wrapped), Ok(()), "{algorithm}");
    }
}

pub(crate) fn keys_of_a_wrong_length_are_invalid(backend: &dyn Backend, ids: &Ids) {
    use WrappingAlgorithm::{OaepSha1, OaepSha256, Pkcs1, Sm2Pke};
    for algorithm in [Pkcs1, OaepSha1, OaepSha256, Sm2Pke] {
        let offer = Offer::new(backend, ids, KeySpec::Aes192, algorithm);
        for len in [1, 16, 23, 25, 32, 190] {
            let imported = offer.import(&offer.wrap(&vec![7; len])).map(drop);
            assert_eq!(imported, Err(ImportError::Material), "{algorithm}, {len} bytes");
        }
    }
}

pub(crate) fn keys_of_another_spec_are_invalid(backend: &dyn Backend, ids: &Ids) {
    let brought = PAIRS.map(|spec| (spec, material(spec)));
    for spec in PAIRS {
        let offer = Offer::new(backend, ids, spec, WrappingAlgorithm::OaepSha256Aes256);
        for (brought, material) in &brought {
            let imported = offer.import(&offer.wrap(material)).map(drop);
            let expected = if *brought == spec { Ok(()) } else { Err(ImportError::Material) };
            assert_eq!(imported, expected, "{brought} as {spec}");
        }
        for bytes in [&b""[..], b"x", &[0; 32], &[0xff; 32], &[0x30; 1200]] {
            let imported = offer.import(&offer.wrap(bytes)).map(drop);
            assert_eq!(imported, Err(ImportError::Material), "{spec}");
        }
    }
}

pub(crate) fn what_was_wrapped_is_imported(backend: &dyn Backend, ids: &Ids) {
    for spec in KeySpec::ALL {
        let material = material(*spec);
        for algorithm in WrappingAlgorithm::ALL.iter().filter(|it| it.fits(*spec)) {
            let offer = Offer::new(backend, ids, *spec, *algorithm);
            let imported = offer.import(&offer.wrap(&material)).unwrap();
            let key = backend.load(*spec, &ids.place(), &imported.sealed.0).unwrap();
            assert_eq!(key.spec(), *spec, "{algorithm}");
            works(backend, &key);
        }
    }
}

pub(crate) fn later_imports_bring_the_same_material(backend: &dyn Backend, ids: &Ids) {
    for (spec, algorithm) in each_algorithm() {
        let offer = Offer::new(backend, ids, spec, algorithm);
        let wrapped = offer.wrap(&material(spec));
        let first = offer.import(&wrapped).unwrap();
        let again = |wrapped: &[u8], known: &[u8]| {
            offer.import_by(&offer.given.token, wrapped, Some(known))
        };
        let second = again(&wrapped, &first.fingerprint).unwrap();
        assert_ne!(first.fingerprint, second.fingerprint, "{algorithm}: it is sealed");
        assert!(again(&wrapped, &second.fingerprint).is_ok(), "{algorithm}");
        let other = offer.wrap(&material(spec));
        let changed = again(&other, &first.fingerprint).map(drop);
        assert_eq!(changed, Err(ImportError::Material), "{algorithm}");
        let unknown = again(&wrapped, b"no fingerprint").map(drop);
        assert_eq!(unknown, Err(ImportError::Backend(BackendError::DoesNotOpen)), "{algorithm}");
    }
}

/// PKCS#8 may leave the public key out. Source: RFC 5915 §3, RFC 5208.
pub(crate) fn a_key_written_in_another_way_is_the_same(backend: &dyn Backend, ids: &Ids) {
    for (spec, head) in [
        (
            KeySpec::EcP256,
            "3041020100301306072a8648ce3d020106082a8648ce3d0301070427302502010104 20",
        ),
        (KeySpec::EcP256K, "303e020100301006072a8648ce3d020106052b8104000a0427302502010104 20"),
        (KeySpec::EcSm2, "3041020100301306072a8648ce3d020106082a811ccf5501822d0427302502010104 20"),
    ] {
        let offer = Offer::new(backend, ids, spec, WrappingAlgorithm::OaepSha256Aes256);
        let whole = material(spec);
        let first = offer.import(&offer.wrap(&whole)).unwrap();
        // All three libraries write the private number after the same 36 or 33 bytes.
        let number = &whole[whole.len() - 102..][..32];
        let short = [hex::decode(head.replace(' ', "")).unwrap(), number.to_vec()].concat();
        let again =
            offer.import_by(&offer.given.token, &offer.wrap(&short), Some(&first.fingerprint));
        assert_eq!(again.map(drop), Ok(()), "{spec}");
    }
}

pub(crate) fn an_sm2_key_may_come_as_its_number_alone(backend: &dyn Backend, ids: &Ids) {
    use WrappingAlgorithm::{OaepSha1Aes256, OaepSha256Aes256, Pkcs1Aes256, Sm2PkeSm4};
    for algorithm in [OaepSha1Aes256, OaepSha256Aes256, Pkcs1Aes256, Sm2PkeSm4] {
        let offer = Offer::new(backend, ids, KeySpec::EcSm2, algorithm);
        assert!(offer.import(&offer.wrap(&[7; 32])).is_ok(), "{algorithm}");
        for no_number in [[0; 32], [0xff; 32], SM2_ORDER_LESS_1] {
            let imported = offer.import(&offer.wrap(&no_number)).map(drop);
            assert_eq!(imported, Err(ImportError::Material), "{algorithm}");
        }
    }
}

pub(crate) fn without_randomness_nothing_is_imported(backend: &dyn Backend, ids: &Ids) {
    let (spec, algorithm) = (KeySpec::Sm4, WrappingAlgorithm::Sm2Pke);
    let failed = BackendError::Failed("no randomness");
    let begun = backend.begin_import(spec, &home(ids), algorithm, EXPIRES, &Never).map(drop);
    assert_eq!(begun, Err(failed));
    let offer = Offer::new(backend, ids, spec, algorithm);
    let wrapped = offer.wrap(&[7; 16]);
    let token = &offer.given.token;
    let imported = backend.import(spec, &ids.place(), token, &wrapped, NOW, None, &Never);
    assert_eq!(imported.map(drop), Err(ImportError::Backend(failed)));
}

/// It has no inverse once 1 is added, so it cannot sign. Source: GB/T 32918.5, appendix.
const SM2_ORDER_LESS_1: [u8; 32] = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x72, 0x03, 0xdf, 0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x22,
];

const PAIRS: [KeySpec; 6] = [
    KeySpec::Rsa2048,
    KeySpec::Rsa3072,
    KeySpec::Rsa4096,
    KeySpec::EcP256,
    KeySpec::EcP256K,
    KeySpec::EcSm2,
];

/// Every algorithm, with a spec that comes wrapped by it.
fn each_algorithm() -> Vec<(KeySpec, WrappingAlgorithm)> {
    let cheap = [KeySpec::Aes256, KeySpec::EcP256, KeySpec::EcSm2];
    let first = |it: WrappingAlgorithm| cheap.into_iter().find(|spec| it.fits(*spec)).unwrap();
    WrappingAlgorithm::ALL.iter().map(|it| (first(*it), *it)).collect()
}

/// Fresh material, as its owner would bring it.
fn material(spec: KeySpec) -> Vec<u8> {
    Material::generate(spec, &SystemRandom).unwrap().expose().to_vec()
}

/// Fails unless the key can do what its spec can.
fn works(backend: &dyn Backend, key: &KeyHandle) {
    let spec = key.spec();
    if spec.cipher_key_len().is_some() {
        let sealed = backend.seal(key, b"", b"hello", &SystemRandom).unwrap();
        assert_eq!(*backend.open(key, b"", &sealed).unwrap(), b"hello", "{spec}");
        return;
    }
    let algorithm = SignatureAlgorithm::ALL.iter().find(|it| it.fits(spec)).unwrap();
    let signature = backend.sign(key, *algorithm, &[7; 32], &SystemRandom).unwrap();
    assert_eq!(backend.verify(key, *algorithm, &[7; 32], &signature), Ok(true), "{spec}");
}

fn home(ids: &Ids) -> ImportPlace<'_> {
    ImportPlace::from(&ids.place())
}

/// What a backend gave to wrap material with, and where it goes.
struct Offer<'a> {
    backend: &'a dyn Backend,
    place: KeyPlace<'a>,
    spec: KeySpec,
    algorithm: WrappingAlgorithm,
    given: ImportParameters,
}

impl<'a> Offer<'a> {
    fn new(
        backend: &'a dyn Backend,
        ids: &'a Ids,
        spec: KeySpec,
        algorithm: WrappingAlgorithm,
    ) -> Self {
        let given =
            backend.begin_import(spec, &home(ids), algorithm, EXPIRES, &SystemRandom).unwrap();
        assert!(given.token.len() <= 1536, "{} bytes", given.token.len());
        Self { backend, place: ids.place(), spec, algorithm, given }
    }

    fn import(&self, wrapped: &[u8]) -> Result<Imported, ImportError> {
        self.import_by(&self.given.token, wrapped, None)
    }

    fn import_by(
        &self,
        token: &[u8],
        wrapped: &[u8],
        known: Option<&[u8]>,
    ) -> Result<Imported, ImportError> {
        let (spec, place) = (self.spec, &self.place);
        self.backend.import(spec, place, token, wrapped, NOW, known, &SystemRandom)
    }

    fn import_at(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        wrapped: &[u8],
    ) -> Result<Imported, ImportError> {
        let token = &self.given.token;
        self.backend.import(spec, place, token, wrapped, NOW, None, &SystemRandom)
    }

    /// Wraps as the owner does. Source: keys.md §12.2.
    fn wrap(&self, material: &[u8]) -> Vec<u8> {
        let key = &self.given.public_key;
        match self.algorithm {
            WrappingAlgorithm::Pkcs1 => pkcs1(key, material),
            WrappingAlgorithm::OaepSha1 => oaep(key, &OAEP_SHA1_MGF1SHA1, material),
            WrappingAlgorithm::OaepSha256 => oaep(key, &OAEP_SHA256_MGF1SHA256, material),
            WrappingAlgorithm::Sm2Pke => sm2(key, material),
            WrappingAlgorithm::Pkcs1Aes256 => [pkcs1(key, &[9; 32]), aes(material)].concat(),
            WrappingAlgorithm::OaepSha1Aes256 => {
                [oaep(key, &OAEP_SHA1_MGF1SHA1, &[9; 32]), aes(material)].concat()
            }
            WrappingAlgorithm::OaepSha256Aes256 => {
                [oaep(key, &OAEP_SHA256_MGF1SHA256, &[9; 32]), aes(material)].concat()
            }
            WrappingAlgorithm::Sm2PkeSm4 => {
                // Of PKCS#8, the private number alone.
                let number = material.len().checked_sub(102).map_or(material, |it| &material[it..]);
                [sm2(key, &[9; 16]), sm4(&number[..32])].concat()
            }
        }
    }
}

fn pkcs1(key: &[u8], material: &[u8]) -> Vec<u8> {
    let key = Pkcs1PublicEncryptingKey::new(PublicEncryptingKey::from_der(key).unwrap()).unwrap();
    key.encrypt(material, &mut [0; 256]).unwrap().to_vec()
}

fn oaep(key: &[u8], algorithm: &'static OaepAlgorithm, material: &[u8]) -> Vec<u8> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(key).unwrap()).unwrap();
    key.encrypt(algorithm, material, &mut [0; 256], None).unwrap().to_vec()
}

fn sm2(key: &[u8], material: &[u8]) -> Vec<u8> {
    Sm2Public::from_der(key).unwrap().encrypt(material, &SystemRandom).unwrap()
}

fn aes(material: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, &[9; 32]).unwrap();
    let mut out = material.to_vec();
    PaddedBlockEncryptingKey::ecb_pkcs7(key).unwrap().encrypt(&mut out).unwrap();
    out
}

fn sm4(number: &[u8]) -> Vec<u8> {
    let mut out = number.to_vec();
    let (blocks, _) = Block::<Sm4>::slice_as_chunks_mut(&mut out);
    Sm4::new_from_slice(&[9; 16]).unwrap().encrypt_blocks(blocks);
    out
}
