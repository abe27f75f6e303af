//! A backend and a place in it, for tests and benches from outside.

use std::sync::Arc;

use yaoku_crypto::{
    backend::{Backend as _, KeyHandle, KeyPlace},
    keyring::Keyring,
    random::SystemRandom,
    rootkey::{Generation, RootKey, WrappingPlace},
    software::Software,
};
use yaoku_model::{
    ids::{AccountId, KeyId, KeyVersionId},
    key::KeySpec,
};

/// A backend of software keys, and a place in it.
pub(crate) struct World {
    pub(crate) backend: Software,
    pub(crate) account: AccountId,
    pub(crate) key: KeyId,
    pub(crate) version: KeyVersionId,
}

impl World {
    pub(crate) fn new() -> Self {
        let account = "1".parse().unwrap();
        let owner = WrappingPlace { account: &account, instance: None };
        let ring = Keyring::new([RootKey::generate(Generation::FIRST, &SystemRandom).unwrap()]);
        let wrapping = ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
        ring.load(&owner, &wrapping).unwrap();
        let (key, version) = ("k".parse().unwrap(), "v".repeat(36).parse().unwrap());
        Self { backend: Software::new(Arc::new(ring)), account, key, version }
    }

    pub(crate) fn place(&self) -> KeyPlace<'_> {
        let (key, version) = (&self.key, &self.version);
        KeyPlace { account: &self.account, instance: None, key, version }
    }

    pub(crate) fn create(&self, spec: KeySpec) -> KeyHandle {
        let sealed = self.backend.create(spec, &self.place(), &SystemRandom).unwrap();
        self.backend.load(spec, &self.place(), &sealed.0).unwrap()
    }
}
