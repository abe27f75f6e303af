//! A backend and one place in it, for targets that need keys nobody has used.

use std::sync::Arc;

use yaoku_crypto::{
    backend::{Backend, KeyHandle, KeyPlace},
    keyring::Keyring,
    random::SystemRandom,
    rootkey::{Generation, RootKey, WrappingPlace},
    software::Software,
};
use yaoku_model::{
    ids::{AccountId, KeyId, KeyVersionId},
    key::KeySpec,
};

/// A version's id.
pub(crate) const VERSION: &str = "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf";

/// The backend and the place.
pub(crate) struct Home {
    pub(crate) account: AccountId,
    pub(crate) ring: Arc<Keyring>,
    pub(crate) backend: Software,
    key: KeyId,
    version: KeyVersionId,
}

impl Home {
    pub(crate) fn new() -> Self {
        let account: AccountId = "1".parse().expect("an account");
        let owner = WrappingPlace { account: &account, instance: None };
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).expect("a root key");
        let ring = Arc::new(Keyring::new([root]));
        let wrapping =
            ring.create(&owner, Generation::FIRST, &SystemRandom).expect("a wrapping key");
        ring.load(&owner, &wrapping).expect("it opens");
        let backend = Software::new(Arc::clone(&ring));
        let (key, version) = ("k".parse().expect("a key"), VERSION.parse().expect("a version"));
        Self { account, ring, backend, key, version }
    }

    pub(crate) fn place(&self) -> KeyPlace<'_> {
        let (key, version) = (&self.key, &self.version);
        KeyPlace { account: &self.account, instance: None, key, version }
    }

    /// A fresh key.
    pub(crate) fn key(&self, spec: KeySpec) -> KeyHandle {
        let material = self.backend.create(spec, &self.place(), &SystemRandom).expect("a key");
        self.backend.load(spec, &self.place(), &material.0).expect("it opens")
    }
}
