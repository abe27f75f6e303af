//! The root key and the wrapping keys that are loaded.

use std::{
    collections::HashMap,
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
    rootkey::{RootKey, WrappingKey, WrappingPlace},
};

/// The root key and the wrapping keys that are loaded, for any number of threads.
///
/// The server loads all of them at start, and each new one once its account or instance is
/// committed. Used when something is loaded into a cache, not on each call.
pub struct Keyring {
    root: RootKey,
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
    pub fn new(root: RootKey) -> Self {
        Self { root, wrapping: RwLock::default() }
    }

    /// The root key.
    #[must_use]
    pub fn root(&self) -> &RootKey {
        &self.root
    }

    /// Makes a wrapping key, sealed for the store. [`Keyring::load`] it once it is committed.
    pub fn create(
        &self,
        owner: &WrappingPlace<'_>,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        self.root.new_wrapping_key(owner, random)
    }

    /// Opens a wrapping key and puts it in the ring, in place of the one that was there.
    pub fn load(&self, owner: &WrappingPlace<'_>, sealed: &[u8]) -> Result<(), BackendError> {
        let key = Arc::new(self.root.open_wrapping_key(owner, sealed)?);
        let mut all = self.wrapping.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(key_of(owner), key);
        Ok(())
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

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:?})", self.root)
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
        rootkey::{RootKey, WrappingPlace},
    };

    fn ring(owners: &[WrappingPlace<'_>]) -> Keyring {
        let ring = Keyring::new(RootKey::generate(&SystemRandom).unwrap());
        for owner in owners {
            ring.load(owner, &ring.create(owner, &SystemRandom).unwrap()).unwrap();
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
        let wrapping = ring.create(&owner, &SystemRandom).unwrap();
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
    fn debug_shows_no_key() {
        let ring = ring(&[]);
        assert_eq!(format!("{ring:?}"), format!("Keyring(RootKey(1, {}))", ring.root().check()));
    }
}
