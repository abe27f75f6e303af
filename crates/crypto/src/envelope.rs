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
    memory::SECRET_LEN,
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
        let fresh = DataKey::generate(random)?;
        let mut sealed = Vec::new();
        fresh.cipher()?.seal_into(&place.aad(VALUE), value, random, &mut sealed)?;
        let data_key = backend.seal(key, &place.aad(DATA_KEY), &fresh.0[..], random)?;
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
#[derive(Clone)]
pub struct DataKey(Arc<Zeroizing<[u8; SECRET_LEN]>>);

impl DataKey {
    /// Opens a data key. Fails with `DoesNotOpen` unless `key` sealed it for `place`.
    pub fn open(
        backend: &dyn Backend,
        key: &KeyHandle,
        place: &SecretPlace<'_>,
        sealed: &[u8],
    ) -> Result<Self, BackendError> {
        let opened = backend.open(key, &place.aad(DATA_KEY), sealed)?;
        if opened.len() != SECRET_LEN {
            return Err(BackendError::DoesNotOpen);
        }
        let mut it = Arc::new(Zeroizing::new([0; SECRET_LEN]));
        if let Some(bytes) = Arc::get_mut(&mut it) {
            bytes.copy_from_slice(&opened);
        }
        Ok(Self(it))
    }

    /// Opens the value of the version at `place`.
    pub fn open_value(
        &self,
        place: &SecretPlace<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.cipher()?.open(&place.aad(VALUE), sealed)
    }

    fn generate(random: &dyn Random) -> Result<Self, BackendError> {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        random.fill(&mut *bytes)?;
        Ok(Self(Arc::new(bytes)))
    }

    fn cipher(&self) -> Result<Cipher, BackendError> {
        Cipher::new(KeySpec::Aes256, &self.0[..])
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}
