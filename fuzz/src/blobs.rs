//! Ciphertext blobs: taken apart and put together again; what we did not seal never opens.

use std::sync::{Arc, LazyLock};

use yaoku_crypto::{
    backend::{Backend, BackendError, KeyHandle, KeyPlace},
    envelope::{DataKey, Envelope, SecretPlace},
    keyring::Keyring,
    random::SystemRandom,
    rootkey::{Generation, RootKey, WrappingPlace},
    software::Software,
};
use yaoku_model::{
    context::CiphertextBlob,
    ids::{AccountId, KeyId, KeyVersionId, SecretName, VersionId},
    key::KeySpec,
};

const VERSION: &str = "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf";

pub(crate) fn run(input: &[u8]) {
    if let Ok(blob) = CiphertextBlob::decode(input) {
        let again = [blob.version.as_str().as_bytes(), &blob.sealed].concat();
        assert_eq!(again, input, "put together otherwise");
        must_not_open(&WORLD.key, &blob.sealed);
    }
    must_not_open(&WORLD.key, input);
    must_not_open(&WORLD.sm4, input);
    let place = SecretPlace {
        account: &WORLD.account,
        instance: None,
        name: &WORLD.secret,
        version: &WORLD.secret_version,
    };
    let (data_key, value) = input.split_at(input.len() / 2);
    let envelope = Envelope { data_key: data_key.to_vec(), value: value.to_vec() };
    let opened = envelope.open(&WORLD.backend, &WORLD.key, &place);
    assert_eq!(opened, Err(BackendError::DoesNotOpen));
    assert!(DataKey::open(&WORLD.backend, &WORLD.key, &place, input).is_err());
    let owner = WrappingPlace { account: &WORLD.account, instance: None };
    assert!(WORLD.ring.load(&owner, input).is_err(), "a wrapping key out of nothing");
    let loaded = WORLD.backend.load(KeySpec::Aes256, &WORLD.place(), input);
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
        let opened = WORLD.backend.open(key, aad, sealed);
        assert_eq!(opened, Err(BackendError::DoesNotOpen));
    }
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Keys that nobody has used.
struct World {
    account: AccountId,
    key_id: KeyId,
    version: KeyVersionId,
    secret: SecretName,
    secret_version: VersionId,
    ring: Arc<Keyring>,
    backend: Software,
    key: KeyHandle,
    sm4: KeyHandle,
}

impl World {
    fn new() -> Self {
        let account: AccountId = "1".parse().expect("an account");
        let (key_id, version): (KeyId, KeyVersionId) =
            ("k".parse().expect("a key"), VERSION.parse().expect("a version"));
        let owner = WrappingPlace { account: &account, instance: None };
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).expect("a root key");
        let ring = Arc::new(Keyring::new([root]));
        let wrapping =
            ring.create(&owner, Generation::FIRST, &SystemRandom).expect("a wrapping key");
        ring.load(&owner, &wrapping).expect("it opens");
        let backend = Software::new(Arc::clone(&ring));
        let place = KeyPlace { account: &account, instance: None, key: &key_id, version: &version };
        let key = |spec| {
            let material = backend.create(spec, &place, &SystemRandom).expect("a key");
            backend.load(spec, &place, &material.0).expect("it opens")
        };
        let (key, sm4) = (key(KeySpec::Aes256), key(KeySpec::Sm4));
        Self {
            secret: "s".parse().expect("a secret"),
            secret_version: "v".parse().expect("a version"),
            account,
            key_id,
            version,
            ring,
            backend,
            key,
            sm4,
        }
    }

    fn place(&self) -> KeyPlace<'_> {
        KeyPlace {
            account: &self.account,
            instance: None,
            key: &self.key_id,
            version: &self.version,
        }
    }
}
