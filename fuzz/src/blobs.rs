//! Ciphertext blobs: taken apart and put together again; what we did not seal never opens.

use std::sync::LazyLock;

use yaoku_crypto::{
    backend::{Backend, BackendError, KeyHandle},
    envelope::{DataKey, Envelope, SecretPlace},
    rootkey::WrappingPlace,
};
use yaoku_model::{
    context::CiphertextBlob,
    ids::{SecretName, VersionId},
    key::KeySpec,
};

use crate::home::{Home, VERSION};

pub(crate) fn run(input: &[u8]) {
    if let Ok(blob) = CiphertextBlob::decode(input) {
        let again = [blob.version.as_str().as_bytes(), &blob.sealed].concat();
        assert_eq!(again, input, "put together otherwise");
        must_not_open(&WORLD.key, &blob.sealed);
    }
    must_not_open(&WORLD.key, input);
    must_not_open(&WORLD.sm4, input);
    let place = SecretPlace {
        account: &WORLD.home.account,
        instance: None,
        name: &WORLD.secret,
        version: &WORLD.secret_version,
    };
    let (data_key, value) = input.split_at(input.len() / 2);
    let envelope = Envelope { data_key: data_key.to_vec(), value: value.to_vec() };
    let opened = envelope.open(&WORLD.home.backend, &WORLD.key, &place);
    assert_eq!(opened, Err(BackendError::DoesNotOpen));
    assert!(DataKey::open(&WORLD.home.backend, &WORLD.key, &place, input).is_err());
    let owner = WrappingPlace { account: &WORLD.home.account, instance: None };
    assert!(WORLD.home.ring.load(&owner, input).is_err(), "a wrapping key out of nothing");
    let loaded = WORLD.home.backend.load(KeySpec::Aes256, &WORLD.home.place(), input);
    assert!(loaded.is_err(), "a key out of nothing");
}

/// What other keys have sealed.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![VERSION.as_bytes().to_vec()];
    for length in [1, 16, 32, 6 * 1024] {
        seeds.push([VERSION.as_bytes(), &vec![7; 28 + length]].concat());
        seeds.push(vec![7; 28 + length]);
    }
    let mut generation = 1_u32.to_be_bytes().to_vec();
    generation.extend([7; 60]);
    seeds.push(generation);
    seeds
}

fn must_not_open(key: &KeyHandle, sealed: &[u8]) {
    for aad in [&[][..], &[7; 32]] {
        let opened = WORLD.home.backend.open(key, aad, sealed);
        assert_eq!(opened, Err(BackendError::DoesNotOpen));
    }
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Keys that nobody has used.
struct World {
    home: Home,
    secret: SecretName,
    secret_version: VersionId,
    key: KeyHandle,
    sm4: KeyHandle,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        Self {
            secret: "s".parse().expect("a secret"),
            secret_version: "v".parse().expect("a version"),
            key: home.key(KeySpec::Aes256),
            sm4: home.key(KeySpec::Sm4),
            home,
        }
    }
}
