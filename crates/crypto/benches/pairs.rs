//! What signing takes here and by the library alone. `cargo bench -p yaoku-crypto --bench pairs`.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../tests/support/world.rs"]
mod world;

use std::hint::black_box;

use aws_lc_rs::{
    digest::{Digest, SHA256},
    rsa::KeySize,
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
    backend::{Backend as _, KeyHandle},
    random::SystemRandom,
};
use yaoku_model::{algorithm::SignatureAlgorithm, key::KeySpec};

const DIGEST: [u8; 32] = [7; 32];

criterion_group!(pairs, rsa, p256, sm2);
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

fn imported() -> Digest {
    Digest::import_less_safe(black_box(&DIGEST), &SHA256).unwrap()
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
