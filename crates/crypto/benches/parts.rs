//! What sealing and opening take. `cargo bench -p yaoku-crypto`; counted by `cargo xtask instructions`,
//! which looks into `counted_<name>` alone. Each is called once before, so that nothing is cold.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use yaoku_crypto::{
    backend::{Backend, KeyHandle, KeyPlace},
    keyring::Keyring,
    random::SystemRandom,
    rootkey::{Generation, RootKey, WrappingPlace},
    software::Software,
};
use yaoku_model::key::KeySpec;

/// As long as an AES-256 key in Base64.
const PLAINTEXT: &[u8] = b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

type Ready = (Software, KeyHandle, Vec<u8>);

criterion_group!(parts, seal, open);
criterion_main!(parts);

fn seal(criterion: &mut Criterion) {
    let it = ready();
    criterion.bench_function("seal", |bench| bench.iter(|| counted_seal(&it)));
}

fn open(criterion: &mut Criterion) {
    let it = ready();
    it.0.open(&it.1, &[], &it.2).unwrap();
    criterion.bench_function("open", |bench| bench.iter(|| counted_open(&it)));
}

#[inline(never)]
fn counted_seal((backend, key, _): &Ready) {
    black_box(backend.seal(key, &[], black_box(PLAINTEXT), &SystemRandom).unwrap());
}

#[inline(never)]
fn counted_open((backend, key, sealed): &Ready) {
    black_box(backend.open(key, &[], black_box(sealed)).unwrap());
}

/// A key, and what it has sealed.
fn ready() -> Ready {
    let account = "1".parse().unwrap();
    let (id, version) = ("k".parse().unwrap(), "v".repeat(36).parse().unwrap());
    let owner = WrappingPlace { account: &account, instance: None };
    let place = KeyPlace { account: &account, instance: None, key: &id, version: &version };
    let ring = Keyring::new([RootKey::generate(Generation::FIRST, &SystemRandom).unwrap()]);
    ring.load(&owner, &ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap()).unwrap();
    let backend = Software::new(Arc::new(ring));
    let material = backend.create(KeySpec::Aes256, &place, &SystemRandom).unwrap();
    let key = backend.load(KeySpec::Aes256, &place, &material.0).unwrap();
    let sealed = backend.seal(&key, &[], PLAINTEXT, &SystemRandom).unwrap();
    (backend, key, sealed)
}
