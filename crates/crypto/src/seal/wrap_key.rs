//! The key of one wrap: it seals the root key, and nothing else.

use std::fmt;

use yaoku_model::{ids::WrapName, random::Random};

use crate::{
    backend::BackendError,
    binding::{Label, bind, label},
    memory::{Protected, SECRET_LEN},
    rootkey::{Generation, KeyCheck, RootKey, derive, open_key},
    sealed,
};

const ROOT_KEY: Label = label("yaoku 1: the root key, sealed by one of its wraps");

const SEALING: &[u8] = b"yaoku wrap key 1: sealing";
const CHECK: &[u8] = b"yaoku wrap key 1: check value";

/// 32 bytes in the arena that one wrap seals the root key by. `Debug` shows its check value.
///
/// As with the root key, one key derived from it seals and another is its check value.
pub struct WrapKey {
    bytes: Protected,
    sealing: Protected,
    check: KeyCheck,
}

impl WrapKey {
    /// A fresh one.
    pub fn generate(random: &dyn Random) -> Result<Self, BackendError> {
        Self::new(Protected::generate(random)?)
    }

    pub(crate) fn new(bytes: Protected) -> Result<Self, BackendError> {
        let sealing = Protected::filled(|to| bytes.expose(|it| derive(it, SEALING, to)))?;
        let mut check = [0; SECRET_LEN];
        bytes.expose(|it| derive(it, CHECK, &mut check))?;
        Ok(Self { bytes, sealing, check: KeyCheck(check) })
    }

    /// What tells it from other wrap keys. Not a secret.
    #[must_use]
    pub fn check(&self) -> &KeyCheck {
        &self.check
    }

    /// Seals the root key for the wrap called `name`.
    pub fn seal_root(
        &self,
        name: &WrapName,
        root: &RootKey,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let (generation, aad) = (root.generation(), aad(name, root.generation()));
        self.sealing.expose(|key| root.expose(|it| sealed::seal(key, generation, &aad, it, random)))
    }

    /// Opens a generation of the root key. Fails with `DoesNotOpen` unless this key sealed it for
    /// the wrap called `name`.
    pub fn open_root(
        &self,
        name: &WrapName,
        generation: Generation,
        sealed: &[u8],
    ) -> Result<RootKey, BackendError> {
        let aad = aad(name, generation);
        let bytes = self.sealing.expose(|key| open_key(key, generation, &aad, sealed))?;
        RootKey::new(bytes, generation)
    }

    /// The root key of a store from before there were wraps: there, the key file held the root key
    /// itself. From then on it is the key of a wrap too, until the first rotation parts the two.
    /// Which root key that is, [`RootKey::must_be`] tells.
    pub fn as_first_root(&self) -> Result<RootKey, BackendError> {
        RootKey::new(self.expose(Protected::copy_of)?, Generation::FIRST)
    }

    /// Lends the bytes to what keeps them.
    pub(crate) fn expose<T>(&self, use_it: impl FnOnce(&[u8; SECRET_LEN]) -> T) -> T {
        self.bytes.expose(use_it)
    }
}

impl fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrapKey({})", self.check)
    }
}

fn aad(name: &WrapName, generation: Generation) -> Vec<u8> {
    bind(ROOT_KEY, &[Some(name.as_str()), Some(&generation.0.to_string())])
}

#[cfg(test)]
mod tests {
    use yaoku_model::ids::WrapName;

    use super::WrapKey;
    use crate::{
        backend::BackendError,
        random::SystemRandom,
        rootkey::{Generation, RootKey},
    };

    #[test]
    fn a_root_key_opens_by_its_wrap_and_generation_only() {
        let [name, other]: [WrapName; 2] = ["a", "b"].map(|it| it.parse().unwrap());
        let [one, two] = [Generation::FIRST, Generation(2)];
        let [key, stranger] = [0; 2].map(|_| WrapKey::generate(&SystemRandom).unwrap());
        let root = RootKey::generate(two, &SystemRandom).unwrap();
        let sealed = key.seal_root(&name, &root, &SystemRandom).unwrap();
        assert_eq!(key.open_root(&name, two, &sealed).unwrap().check(), root.check());
        for (key, name, generation) in
            [(&stranger, &name, two), (&key, &other, two), (&key, &name, one)]
        {
            let opened = key.open_root(name, generation, &sealed).map(drop);
            assert_eq!(opened, Err(BackendError::DoesNotOpen), "{key:?} {name} {generation:?}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open_root(&name, two, &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn what_the_wrap_key_and_the_root_key_of_old_show_has_nothing_in_common() {
        let key = WrapKey::generate(&SystemRandom).unwrap();
        let root = key.as_first_root().unwrap();
        assert_eq!(root.generation(), Generation::FIRST);
        assert_ne!(root.check(), key.check());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = WrapKey::generate(&SystemRandom).unwrap();
        assert_eq!(format!("{key:?}"), format!("WrapKey({})", key.check()));
    }
}
