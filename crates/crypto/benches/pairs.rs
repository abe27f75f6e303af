//! What signing takes here and by the library alone, and what imports take that are refused for
//! different reasons. `cargo bench -p yaoku-crypto --bench pairs`.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/support/world.rs"]
mod world;

use std::hint::black_box;

use aws_lc_rs::{
    cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey},
    digest::{Digest, SHA256},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{
        KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
        PublicEncryptingKey,
    },
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaEncoding, RsaKeyPair,
    },
};
use criterion::{Criterion, criterion_group, criterion_main};
use sm2::{
    SecretKey,
    dsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _},
};
use world::World;
use yaoku_crypto::{
    backend::{Backend, KeyHandle},
    import::{ImportError, ImportPlace},
    random::SystemRandom,
};
use yaoku_model::{
    algorithm::{SignatureAlgorithm, WrappingAlgorithm},
    key::KeySpec,
    time::Timestamp,
};

const DIGEST: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp::from_unix_seconds(0);
const LATER: Timestamp = Timestamp::from_unix_seconds(1);

criterion_group!(pairs, rsa, p256, sm2, imports);
criterion_main!(pairs);

fn rsa(criterion: &mut Criterion) {
    let world = World::new();
    let key = world.create(KeySpec::Rsa2048);
    let alone = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    for (algorithm, encoding) in [
        (SignatureAlgorithm::PssSha256, &RSA_PSS_SHA256 as &'static dyn RsaEncoding),
        (SignatureAlgorithm::Pkcs1Sha256, &RSA_PKCS1_SHA256),
    ] {
        let name = format!("{algorithm} 2048");
        world.bench_sign(criterion, &name, &key, algorithm);
        criterion.bench_function(&format!("{name}, the library"), |bench| {
            bench.iter(|| {
                let mut signature = vec![0; 256];
                alone.sign_digest(encoding, &imported(), &mut signature).unwrap();
                black_box(signature)
            });
        });
    }
}

fn p256(criterion: &mut Criterion) {
    let world = World::new();
    let key = world.create(KeySpec::EcP256);
    world.bench_sign(criterion, "P-256", &key, SignatureAlgorithm::EcdsaSha256);
    let alone = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    criterion.bench_function("P-256, the library", |bench| {
        bench.iter(|| black_box(alone.sign_digest(&imported()).unwrap()));
    });
}

fn sm2(criterion: &mut Criterion) {
    let world = World::new();
    let key = world.create(KeySpec::EcSm2);
    world.bench_sign(criterion, "SM2", &key, SignatureAlgorithm::Sm2Dsa);
    let secret = SecretKey::from_slice(&[7; 32]).unwrap();
    let alone = SigningKey::new("1234567812345678", &secret).unwrap();
    criterion.bench_function("SM2, the library", |bench| {
        bench.iter(|| {
            let signature: Signature = alone.sign_prehash(black_box(&DIGEST)).unwrap();
            black_box(signature.to_der())
        });
    });
}

/// They differ by less than the network's noise, whatever is wrong.
fn imports(criterion: &mut Criterion) {
    let world = World::new();
    for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::EcP256] {
        let way = WrappingAlgorithm::OaepSha256Aes256;
        let place = ImportPlace::from(&world.place());
        let offer = world.backend.begin_import(spec, &place, way, LATER, &SystemRandom).unwrap();
        let key = oaep(&offer.public_key, &[9; 32]);
        let mut no_padding = aes(b"twice sixteen bytes, nearly all.");
        no_padding.truncate(32);
        let import = |wrapped: &[u8], known: Option<&[u8]>| {
            let (place, token) = (world.place(), &offer.token);
            world.backend.import(spec, &place, token, wrapped, NOW, known, &SystemRandom)
        };
        let [first, other] =
            [private(spec), private(spec)].map(|it| [&key[..], &aes(&it)].concat());
        let first = import(&first, None).unwrap().fingerprint;
        for (name, wrapped) in [
            ("it is not the first import's", other),
            ("the key does not unwrap", [&[7; 256][..], &aes(&[1; 1200])].concat()),
            ("the key is short", [oaep(&offer.public_key, &[9; 31]), aes(&[1; 1200])].concat()),
            ("the padding is wrong", [&key[..], &no_padding].concat()),
            ("it is no DER", [&key[..], &aes(&[1; 1200])].concat()),
            ("it is another curve's", [&key[..], &aes(&secp256k1())].concat()),
        ] {
            let import = || import(&wrapped, Some(&first));
            assert_eq!(import(), Err(ImportError::Material), "{name}");
            criterion.bench_function(&format!("import {spec}: {name}"), |bench| {
                bench.iter(|| black_box(import()));
            });
        }
    }
}

fn imported() -> Digest {
    Digest::import_less_safe(black_box(&DIGEST), &SHA256).unwrap()
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

impl World {
    fn bench_sign(
        &self,
        criterion: &mut Criterion,
        name: &str,
        key: &KeyHandle,
        algorithm: SignatureAlgorithm,
    ) {
        criterion.bench_function(name, |bench| {
            bench.iter(|| {
                let digest = black_box(&DIGEST);
                black_box(self.backend.sign(key, algorithm, digest, &SystemRandom).unwrap())
            });
        });
    }
}
