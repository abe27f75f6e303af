//! The generations of the root key and the wrapping keys that are loaded.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use yaoku_model::{
    ids::{AccountId, InstanceId},
    random::Random,
};
use zeroize::Zeroizing;

use crate::{
    backend::BackendError,
    binding::{Label, bind, label},
    rootkey::{Generation, RootKey, WrappingKey, WrappingPlace},
    sealed,
};

/// The generations of the root key and the wrapping keys that are loaded, for any number of threads.
///
/// The server loads all of them at start, and each new one once its account or instance is
/// committed. Used when something is loaded into a cache, not on each call. There are two
/// generations while wrapping keys are moved from one to the next; a sealed one says which it needs.
pub struct Keyring {
    roots: RwLock<BTreeMap<Generation, Arc<RootKey>>>,
    wrapping: RwLock<HashMap<Owner, Arc<WrappingKey>>>,
}

type Owner = (AccountId, Option<InstanceId>);

/// Which short secret of an account it is: an access key's, say. Not for KMS secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CredentialPlace<'a> {
    /// What kind of thing has the secret: `"access-key"`, say. A constant of the caller's.
    pub kind: &'a str,
    /// Which one of them, unique within kind, account and instance.
    pub id: &'a str,
}

const CREDENTIAL: Label = label("yaoku 1: a short secret of an account");

impl CredentialPlace<'_> {
    fn aad(&self, owner: &WrappingPlace<'_>) -> Vec<u8> {
        let instance = owner.instance.map(InstanceId::as_str);
        let parts = [Some(owner.account.as_str()), instance, Some(self.kind), Some(self.id)];
        bind(CREDENTIAL, &parts)
    }
}

impl Keyring {
    /// A ring without wrapping keys.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = RootKey>) -> Self {
        let roots = roots.into_iter().map(|it| (it.generation(), Arc::new(it))).collect();
        Self { roots: RwLock::new(roots), wrapping: RwLock::default() }
    }

    /// A generation of the root key.
    pub fn root(&self, generation: Generation) -> Result<Arc<RootKey>, BackendError> {
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner);
        roots.get(&generation).cloned().ok_or(BackendError::NoRootKey)
    }

    /// The generations that are loaded, oldest first.
    #[must_use]
    pub fn generations(&self) -> Vec<Generation> {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Puts a generation of the root key in the ring.
    pub fn add_root(&self, root: RootKey) {
        let mut roots = self.roots.write().unwrap_or_else(PoisonError::into_inner);
        roots.insert(root.generation(), Arc::new(root));
    }

    /// Takes every generation but these out of the ring; each is wiped once nothing uses it.
    pub fn keep_roots(&self, generations: &[Generation]) {
        let mut roots = self.roots.write().unwrap_or_else(PoisonError::into_inner);
        roots.retain(|it, _| generations.contains(it));
    }

    /// Makes a wrapping key, sealed under that generation of the root key for the store.
    /// [`Keyring::load`] it once it is committed.
    pub fn create(
        &self,
        owner: &WrappingPlace<'_>,
        generation: Generation,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        self.root(generation)?.new_wrapping_key(owner, random)
    }

    /// Seals a wrapping key again, under another generation of the root key. The key stays the same.
    pub fn reseal(
        &self,
        owner: &WrappingPlace<'_>,
        sealed: &[u8],
        generation: Generation,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let old = self.root(generation_of(sealed)?)?;
        self.root(generation)?.reseal_wrapping_key(&old, owner, sealed, random)
    }

    /// Opens a wrapping key and puts it in the ring, in place of the one that was there.
    pub fn load(&self, owner: &WrappingPlace<'_>, sealed: &[u8]) -> Result<(), BackendError> {
        let root = self.root(generation_of(sealed)?)?;
        let key = Arc::new(root.open_wrapping_key(owner, sealed)?);
        let mut all = self.wrapping.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(key_of(owner), key);
        Ok(())
    }

    /// Whether the wrapping key of `owner` is loaded.
    #[must_use]
    pub fn has(&self, owner: &WrappingPlace<'_>) -> bool {
        self.wrapping_key(owner).is_ok()
    }

    /// Takes a wrapping key out of the ring and wipes it, once nothing uses it.
    pub fn unload(&self, owner: &WrappingPlace<'_>) {
        let mut all = self.wrapping.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(&key_of(owner));
    }

    /// Seals a short secret under its owner's wrapping key.
    pub fn seal_credential(
        &self,
        owner: &WrappingPlace<'_>,
        place: &CredentialPlace<'_>,
        bytes: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        self.wrapping_key(owner)?.seal(&place.aad(owner), bytes, random)
    }

    /// Opens a short secret. Fails with `DoesNotOpen` unless it was sealed for this very place.
    pub fn open_credential(
        &self,
        owner: &WrappingPlace<'_>,
        place: &CredentialPlace<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.wrapping_key(owner)?.open(&place.aad(owner), sealed)
    }

    pub(crate) fn wrapping_key(
        &self,
        owner: &WrappingPlace<'_>,
    ) -> Result<Arc<WrappingKey>, BackendError> {
        let all = self.wrapping.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&key_of(owner)).cloned().ok_or(BackendError::NoWrappingKey)
    }
}

/// The generation of the root key that sealed a wrapping key, as the sealed bytes say.
pub fn generation_of(sealed: &[u8]) -> Result<Generation, BackendError> {
    sealed::generation_of(sealed).ok_or(BackendError::DoesNotOpen)
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_tuple("Keyring").field(&roots.values()).finish()
    }
}

fn key_of(owner: &WrappingPlace<'_>) -> Owner {
    (owner.account.clone(), owner.instance.cloned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use yaoku_model::ids::{AccountId, InstanceId};

    use super::{CredentialPlace, Keyring};
    use crate::{
        backend::BackendError,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
    };

    fn root(generation: u32) -> RootKey {
        RootKey::generate(Generation(generation), &SystemRandom).unwrap()
    }

    fn ring(owners: &[WrappingPlace<'_>]) -> Keyring {
        let ring = Keyring::new([root(1)]);
        for owner in owners {
            let sealed = ring.create(owner, Generation::FIRST, &SystemRandom).unwrap();
            ring.load(owner, &sealed).unwrap();
        }
        ring
    }

    #[test]
    fn a_credential_opens_at_its_place_only() {
        let accounts: [AccountId; 2] = ["1", "2"].map(|it| it.parse().unwrap());
        let instance: InstanceId = "kst-1".parse().unwrap();
        let [one, two] = &accounts;
        let owners = [
            WrappingPlace { account: one, instance: None },
            WrappingPlace { account: one, instance: Some(&instance) },
            WrappingPlace { account: two, instance: None },
        ];
        let ids = [("access-key", "a"), ("access-key", "b"), ("password", "a")];
        let ids = ids.map(|(kind, id)| CredentialPlace { kind, id });
        let places: Vec<_> = owners.iter().flat_map(|it| ids.map(|id| (*it, id))).collect();
        // Owners differ by their wrapping keys too: that alone must not be what keeps them apart.
        let aads: HashSet<_> = places.iter().map(|(owner, id)| id.aad(owner)).collect();
        assert_eq!(aads.len(), places.len());
        let ring = ring(&owners);
        for home in &places {
            let sealed = ring.seal_credential(&home.0, &home.1, b"hunter2", &SystemRandom).unwrap();
            for place in &places {
                let opened = ring.open_credential(&place.0, &place.1, &sealed);
                let expected = if place == home { Ok(()) } else { Err(BackendError::DoesNotOpen) };
                assert_eq!(
                    opened.map(|it| assert_eq!(*it, b"hunter2")),
                    expected,
                    "{home:?} at {place:?}"
                );
            }
        }
    }

    #[test]
    fn an_unloaded_wrapping_key_opens_nothing_until_it_is_loaded_again() {
        let account = "1".parse().unwrap();
        let owner = WrappingPlace { account: &account, instance: None };
        let place = CredentialPlace { kind: "access-key", id: "a" };
        let ring = ring(&[]);
        let wrapping = ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
        let seal = || ring.seal_credential(&owner, &place, b"hunter2", &SystemRandom);
        assert_eq!(seal(), Err(BackendError::NoWrappingKey), "used before it is committed");

        ring.load(&owner, &wrapping).unwrap();
        let sealed = seal().unwrap();
        ring.unload(&owner);
        let opened = ring.open_credential(&owner, &place, &sealed);
        assert_eq!(opened, Err(BackendError::NoWrappingKey));

        ring.load(&owner, &wrapping).unwrap();
        assert_eq!(*ring.open_credential(&owner, &place, &sealed).unwrap(), b"hunter2");
    }

    #[test]
    fn a_wrapping_key_that_does_not_open_moves_nothing() {
        let account = "1".parse().unwrap();
        let owner = WrappingPlace { account: &account, instance: None };
        let place = CredentialPlace { kind: "access-key", id: "a" };
        let ring = ring(&[owner]);
        let sealed = ring.seal_credential(&owner, &place, b"hunter2", &SystemRandom).unwrap();
        assert_eq!(ring.load(&owner, b"garbage"), Err(BackendError::DoesNotOpen));
        assert_eq!(*ring.open_credential(&owner, &place, &sealed).unwrap(), b"hunter2");
    }

    #[test]
    fn a_wrapping_key_moves_to_the_next_root_key_and_stays_the_same() {
        let account = "1".parse().unwrap();
        let owner = WrappingPlace { account: &account, instance: None };
        let place = CredentialPlace { kind: "access-key", id: "a" };
        let [one, two] = [1, 2].map(Generation);
        let ring = ring(&[]);
        let old = ring.create(&owner, one, &SystemRandom).unwrap();
        ring.load(&owner, &old).unwrap();
        let sealed = ring.seal_credential(&owner, &place, b"hunter2", &SystemRandom).unwrap();
        let resealed = |ring: &Keyring| ring.reseal(&owner, &old, two, &SystemRandom);
        assert_eq!(resealed(&ring), Err(BackendError::NoRootKey), "before there is one");

        ring.add_root(root(2));
        assert_eq!(ring.generations(), [one, two]);
        let new = resealed(&ring).unwrap();
        ring.keep_roots(&[two]);
        assert_eq!(ring.load(&owner, &old), Err(BackendError::NoRootKey));
        ring.unload(&owner);
        ring.load(&owner, &new).unwrap();
        assert_eq!(*ring.open_credential(&owner, &place, &sealed).unwrap(), b"hunter2");
    }

    #[test]
    fn debug_shows_no_key() {
        let ring = ring(&[]);
        let root = ring.root(Generation::FIRST).unwrap();
        assert_eq!(format!("{ring:?}"), format!("Keyring([RootKey(1, {})])", root.check()));
    }
}
