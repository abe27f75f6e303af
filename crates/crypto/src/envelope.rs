//! Envelopes: a secret version's value under a data key of its own, and that under a KMS key.
//!
//! So an HSM or a proxy seals 32 bytes whatever the value's size, and the value opens only while
//! the key may be used. Source: secrets.md §0, object model; architecture.md, "Keys at rest".

use std::{fmt, sync::Arc};

use yaoku_model::{
    ids::{AccountId, InstanceId, SecretName, VersionId},
    key::KeySpec,
    random::Random,
};
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, BackendError, KeyHandle},
    binding::{Label, bind, label},
    cipher::Cipher,
    material::Material,
};

/// Where a secret version lives. Moved to another, its envelope does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SecretPlace<'a> {
    /// The secret's owner.
    pub account: &'a AccountId,
    /// The instance it lives in, if it does.
    pub instance: Option<&'a InstanceId>,
    /// The secret.
    pub name: &'a SecretName,
    /// The version.
    pub version: &'a VersionId,
}

const DATA_KEY: Label = label("yaoku 1: the data key of a secret version");
const VALUE: Label = label("yaoku 1: the value of a secret version");

impl SecretPlace<'_> {
    /// Always longer than 32 bytes, so that `Decrypt` opens no data key: its AAD is empty or a
    /// SHA-256. Source: keys.md §9.2.
    fn aad(&self, what: Label) -> Vec<u8> {
        let parts = [
            Some(self.account.as_str()),
            self.instance.map(InstanceId::as_str),
            Some(self.name.as_str()),
            Some(self.version.as_str()),
        ];
        bind(what, &parts)
    }
}

/// Sealed bytes, fit for a row. `Debug` shows lengths only.
#[derive(Clone, Eq, PartialEq)]
pub struct Envelope {
    /// The data key, sealed by the KMS key in its backend: IV, ciphertext, tag.
    pub data_key: Vec<u8>,
    /// The value, sealed by the data key (AES-256-GCM): IV, ciphertext, tag.
    pub value: Vec<u8>,
}

impl Envelope {
    /// Seals `value` under a fresh data key, and that under `key`.
    pub fn seal(
        backend: &dyn Backend,
        key: &KeyHandle,
        place: &SecretPlace<'_>,
        value: &[u8],
        random: &dyn Random,
    ) -> Result<Self, BackendError> {
        let fresh = Material::generate(SPEC, random)?;
        let mut sealed = Vec::new();
        Cipher::new(SPEC, fresh.expose())?.seal_into(
            &place.aad(VALUE),
            value,
            random,
            &mut sealed,
        )?;
        let data_key = backend.seal(key, &place.aad(DATA_KEY), fresh.expose(), random)?;
        Ok(Self { data_key, value: sealed })
    }

    /// Opens the value: the data key by `key`, then the value by the data key.
    pub fn open(
        &self,
        backend: &dyn Backend,
        key: &KeyHandle,
        place: &SecretPlace<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        DataKey::open(backend, key, place, &self.data_key)?.open_value(place, &self.value)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({} + {} bytes)", self.data_key.len(), self.value.len())
    }
}

/// The opened data key of one secret version, for a cache that holds the value sealed.
///
/// Clones share the bytes, which are wiped with the last of them. They are on the heap beside the
/// keys that could open them anyway; the arena is for root and wrapping keys alone. Our choice.
#[derive(Clone, Debug)]
pub struct DataKey(Arc<Material>);

const SPEC: KeySpec = KeySpec::Aes256;

impl DataKey {
    /// Opens a data key. Fails with `DoesNotOpen` unless `key` sealed it for `place`.
    pub fn open(
        backend: &dyn Backend,
        key: &KeyHandle,
        place: &SecretPlace<'_>,
        sealed: &[u8],
    ) -> Result<Self, BackendError> {
        let opened = backend.open(key, &place.aad(DATA_KEY), sealed)?;
        if SPEC.cipher_key_len() != Some(opened.len()) {
            return Err(BackendError::DoesNotOpen);
        }
        Ok(Self(Arc::new(Material::from_opened(opened))))
    }

    /// Opens the value of the version at `place`.
    pub fn open_value(
        &self,
        place: &SecretPlace<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        Cipher::new(SPEC, self.0.expose())?.open(&place.aad(VALUE), sealed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{collection::vec, prelude::any, proptest};
    use yaoku_model::{
        ids::{AccountId, InstanceId, SecretName, VersionId},
        key::KeySpec,
    };

    use super::{DATA_KEY, DataKey, Envelope, SecretPlace, VALUE};
    use crate::{
        backend::{Backend, BackendError, KeyHandle, KeyPlace},
        keyring::Keyring,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
        software::Software,
    };

    /// A backend and two keys in it.
    fn backend() -> (Software, KeyHandle, KeyHandle) {
        let account = "1".parse().unwrap();
        let owner = WrappingPlace { account: &account, instance: None };
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).unwrap();
        let ring = Keyring::new([root]);
        let sealed = ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
        ring.load(&owner, &sealed).unwrap();
        let backend = Software::new(Arc::new(ring));
        let (key, version) = ("k".parse().unwrap(), "v".repeat(36).parse().unwrap());
        let place = KeyPlace { account: &account, instance: None, key: &key, version: &version };
        let fresh = || {
            let material = backend.create(KeySpec::Aes256, &place, &SystemRandom).unwrap();
            backend.load(KeySpec::Aes256, &place, &material.0).unwrap()
        };
        let (one, two) = (fresh(), fresh());
        (backend, one, two)
    }

    fn with_places(test: impl FnOnce(&[SecretPlace<'_>])) {
        let accounts: [AccountId; 2] = ["1", "2"].map(|it| it.parse().unwrap());
        let instance: InstanceId = "kst-1".parse().unwrap();
        let names: [SecretName; 2] = ["a", "b"].map(|it| it.parse().unwrap());
        let versions: [VersionId; 2] = ["v1", "v2"].map(|it| it.parse().unwrap());
        let mut places = Vec::new();
        for account in &accounts {
            for instance in [None, Some(&instance)] {
                for name in &names {
                    let place = |version| SecretPlace { account, instance, name, version };
                    places.extend(versions.iter().map(place));
                }
            }
        }
        test(&places);
    }

    #[test]
    fn opens_at_its_place_and_under_its_key_only() {
        let (backend, key, other) = backend();
        with_places(|places| {
            for home in places {
                let sealed =
                    Envelope::seal(&backend, &key, home, b"hunter2", &SystemRandom).unwrap();
                for place in places.iter().filter(|it| *it != home) {
                    let opened = sealed.open(&backend, &key, place);
                    assert_eq!(opened, Err(BackendError::DoesNotOpen), "{home:?} at {place:?}");
                }
                assert_eq!(sealed.open(&backend, &other, home), Err(BackendError::DoesNotOpen));
                assert_eq!(*sealed.open(&backend, &key, home).unwrap(), b"hunter2");
            }
        });
    }

    #[test]
    fn an_opened_data_key_opens_the_value_of_its_place_only() {
        let (backend, key, _) = backend();
        with_places(|places| {
            let home = &places[0];
            let sealed = Envelope::seal(&backend, &key, home, b"hunter2", &SystemRandom).unwrap();
            let data_key = DataKey::open(&backend, &key, home, &sealed.data_key).unwrap();
            for place in &places[1..] {
                let opened = data_key.open_value(place, &sealed.value);
                assert_eq!(opened, Err(BackendError::DoesNotOpen), "{place:?}");
            }
            assert_eq!(*data_key.clone().open_value(home, &sealed.value).unwrap(), b"hunter2");
            assert_eq!(format!("{data_key:?}"), "DataKey(Material(..))");
            assert_eq!(format!("{sealed:?}"), "Envelope(60 + 35 bytes)");
        });
    }

    #[test]
    fn every_value_has_its_own_data_key() {
        let (backend, key, _) = backend();
        with_places(|places| {
            let home = &places[0];
            let seal = || Envelope::seal(&backend, &key, home, b"same", &SystemRandom).unwrap();
            let mixed = Envelope { data_key: seal().data_key, value: seal().value };
            assert_eq!(mixed.open(&backend, &key, home), Err(BackendError::DoesNotOpen));
        });
    }

    #[test]
    fn decrypt_opens_no_data_key() {
        let (backend, key, _) = backend();
        with_places(|places| {
            let home = &places[0];
            let sealed = Envelope::seal(&backend, &key, home, b"hunter2", &SystemRandom).unwrap();
            proptest!(|(digest in any::<[u8; 32]>())| {
                for aad in [&[][..], &digest] {
                    let opened = backend.open(&key, aad, &sealed.data_key);
                    assert_eq!(opened, Err(BackendError::DoesNotOpen));
                }
            });
            for what in [DATA_KEY, VALUE] {
                assert!(places.iter().all(|it| it.aad(what).len() > 32));
            }
        });
    }

    #[test]
    fn garbage_never_opens_nor_does_a_data_key_of_another_length() {
        let (backend, key, _) = backend();
        with_places(|places| {
            let home = &places[0];
            proptest!(|(data_key in vec(any::<u8>(), 0..80), value in vec(any::<u8>(), 0..80))| {
                let opened = Envelope { data_key, value }.open(&backend, &key, home);
                assert_eq!(opened, Err(BackendError::DoesNotOpen));
            });
            for len in [0, 16, 31, 33] {
                let aad = home.aad(DATA_KEY);
                let sealed = backend.seal(&key, &aad, &vec![1; len], &SystemRandom).unwrap();
                let opened = DataKey::open(&backend, &key, home, &sealed).map(drop);
                assert_eq!(opened, Err(BackendError::DoesNotOpen), "{len} bytes");
            }
        });
    }
}
