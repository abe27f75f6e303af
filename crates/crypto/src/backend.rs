//! The contract of a key's home: this process, and later an HSM or a proxy of the client's own.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrappingAlgorithm},
    ids::{AccountId, InstanceId, KeyId, KeyVersionId},
    key::KeySpec,
    random::{NoRandomness, Random},
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    binding::{Label, bind, label},
    cipher::Cipher,
    import::{ImportError, ImportParameters, ImportPlace, Imported},
    loaded::Loaded,
    mac::Mac,
    memory::MemoryError,
    pair::Pair,
};

/// Bytes of the IV before each ciphertext. Source: keys.md §9.3.
pub const IV_LEN: usize = 12;

/// Bytes of the GCM tag after it. Source: keys.md §9.3.
pub const TAG_LEN: usize = 16;

/// Why a backend did not do it. Says nothing about the bytes it was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BackendError {
    /// The bytes were not made by this key, not with this AAD or not for this place. Which of
    /// them is not said.
    #[error("does not open")]
    DoesNotOpen,
    /// The backend has no such kind of key, or this kind of key does no such thing.
    #[error("the backend does not support this with this key spec")]
    Unsupported,
    /// The key has sealed as often as it may: see [`SealLimit`].
    #[error("the key has sealed as often as it may")]
    Exhausted,
    /// The wrapping key of this account and instance is not in the ring: it was never loaded.
    #[error("the wrapping key is not loaded")]
    NoWrappingKey,
    /// It is sealed under a generation of the root key that is not in the ring.
    #[error("this generation of the root key is not loaded")]
    NoRootKey,
    /// The backend failed. The text is ours and for the log only.
    #[error("crypto backend: {0}")]
    Failed(&'static str),
}

impl From<NoRandomness> for BackendError {
    fn from(_: NoRandomness) -> Self {
        Self::Failed("no randomness")
    }
}

impl From<MemoryError> for BackendError {
    fn from(_: MemoryError) -> Self {
        Self::Failed("no protected memory")
    }
}

/// Where a key version lives. Its sealed material opens nowhere else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyPlace<'a> {
    /// The key's owner.
    pub account: &'a AccountId,
    /// The instance it lives in; `None` is a default key.
    pub instance: Option<&'a InstanceId>,
    /// The key.
    pub key: &'a KeyId,
    /// The version.
    pub version: &'a KeyVersionId,
}

/// Older than the kinds of keys that are not symmetric; changed, it would open no material.
const MATERIAL: Label = label("yaoku 1: the material of a symmetric key version");

impl KeyPlace<'_> {
    /// The bytes to authenticate. Material of one spec does not open as another's.
    pub(crate) fn aad(&self, spec: KeySpec) -> Vec<u8> {
        let parts = [
            Some(self.account.as_str()),
            self.instance.map(InstanceId::as_str),
            Some(self.key.as_str()),
            Some(self.version.as_str()),
            Some(spec.as_str()),
        ];
        bind(MATERIAL, &parts)
    }
}

/// A key version's material, sealed: fit for a row. `Debug` shows its length only.
#[derive(Clone, Eq, PartialEq)]
pub struct SealedMaterial(pub Vec<u8>);

impl fmt::Debug for SealedMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedMaterial({} bytes)", self.0.len())
    }
}

/// How often a key may seal with random 96-bit IVs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SealLimit(u64);

impl SealLimit {
    /// 2^32: beyond it two IVs may be equal. Source: NIST SP 800-38D §8.3; architecture.md.
    pub const MAX: Self = Self(1 << 32);

    /// So many seals, at most [`SealLimit::MAX`].
    #[must_use]
    pub const fn of(seals: u64) -> Self {
        if seals < Self::MAX.0 { Self(seals) } else { Self::MAX }
    }

    /// The number.
    #[must_use]
    pub const fn seals(self) -> u64 {
        self.0
    }
}

/// One version of a key, ready for use, or a handle to it where it cannot leave its device.
///
/// Clones share the parsed key and the count of seals. `Debug` shows the spec and the count.
#[derive(Clone)]
pub struct KeyHandle(Arc<Ready>);

struct Ready {
    spec: KeySpec,
    key: Loaded,
    seals: AtomicU64,
    limit: AtomicU64,
}

impl KeyHandle {
    /// A key that may seal [`SealLimit::MAX`] times, if it seals at all.
    pub(crate) fn new(spec: KeySpec, key: Loaded) -> Self {
        let limit = AtomicU64::new(SealLimit::MAX.0);
        Self(Arc::new(Ready { spec, key, seals: AtomicU64::new(0), limit }))
    }

    /// What the key is made of.
    #[must_use]
    pub fn spec(&self) -> KeySpec {
        self.0.spec
    }

    /// The memory it takes, in bytes: for the accounts of a cache.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        // The two counts that an `Arc` keeps stand beside the value.
        size_of::<Self>() + 2 * size_of::<usize>() + size_of::<Ready>() + self.0.key.heap_len()
    }

    /// How often this handle and its clones have sealed since it was loaded. Public keys encrypt
    /// uncounted: they have no IVs to repeat.
    ///
    /// Blocks of 2^24 seals are reserved from the store for a node: when `seals()` comes near
    /// [`KeyHandle::limit`], reserve the next one and [`KeyHandle::permit`] as many more. What is
    /// left of a block when the handle is dropped is lost. Source: architecture.md.
    #[must_use]
    pub fn seals(&self) -> u64 {
        self.0.seals.load(Ordering::Relaxed)
    }

    /// How often it may seal, counted as [`KeyHandle::seals`] is. At first [`SealLimit::MAX`].
    #[must_use]
    pub fn limit(&self) -> SealLimit {
        SealLimit(self.0.limit.load(Ordering::Relaxed))
    }

    /// Sets how often it may seal. Below [`KeyHandle::seals`], it seals no more.
    pub fn permit(&self, limit: SealLimit) {
        self.0.limit.store(limit.0, Ordering::Relaxed);
    }

    /// Takes one seal out of the limit. Refused seals are not counted.
    pub(crate) fn count_seal(&self) -> Result<(), BackendError> {
        let limit = self.0.limit.load(Ordering::Relaxed);
        let next = |seals: u64| (seals < limit).then(|| seals + 1);
        let counted = self.0.seals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        counted.map(drop).map_err(|_| BackendError::Exhausted)
    }

    /// The cipher, if it is a symmetric key.
    pub(crate) fn cipher(&self) -> Result<&Cipher, BackendError> {
        if let Loaded::Cipher(it) = &self.0.key { Ok(it) } else { Err(BackendError::Unsupported) }
    }

    /// The pair, if it is an asymmetric key.
    pub(crate) fn pair(&self) -> Result<&Pair, BackendError> {
        if let Loaded::Pair(it) = &self.0.key { Ok(it) } else { Err(BackendError::Unsupported) }
    }

    /// The secret, if it is an HMAC key.
    pub(crate) fn mac(&self) -> Result<&Mac, BackendError> {
        if let Loaded::Mac(it) = &self.0.key { Ok(it) } else { Err(BackendError::Unsupported) }
    }
}

impl fmt::Debug for KeyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHandle({}, {} seals)", self.spec(), self.seals())
    }
}

/// Makes keys and uses them without giving them out. An empty `aad` is no AAD.
///
/// Each call fails with `Unsupported` on a key of another kind. Calls may block, in backends that
/// ask a device; those that say how long they take, in every backend. `suite.rs` holds one test per
/// promise.
pub trait Backend: Send + Sync {
    /// Makes material for a key version and seals it for `place`.
    ///
    /// An HMAC secret is as long as its hash. RSA blocks for 60 ms (2048 bits) to 700 ms (4096), at
    /// times for 2 s: not on threads that others wait for. RSA and P-256 draw AWS-LC's randomness,
    /// which cannot be handed in.
    fn create(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        random: &dyn Random,
    ) -> Result<SealedMaterial, BackendError>;

    /// Makes a key version ready for use.
    ///
    /// Fails with `DoesNotOpen` unless `sealed` was created with the same `spec` for `place`. What
    /// there is to parse is parsed here, once: RSA takes up to 1 ms.
    fn load(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        sealed: &[u8],
    ) -> Result<KeyHandle, BackendError>;

    /// Encrypts and authenticates, and appends IV (12 bytes), ciphertext and tag (16) to `out`.
    ///
    /// On failure `out` is as it was. Fails with `Exhausted` at the key's limit of seals.
    fn seal_into(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), BackendError>;

    /// [`Backend::seal_into`] an allocation of its own.
    fn seal(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let mut out = Vec::with_capacity(IV_LEN + plaintext.len() + TAG_LEN);
        self.seal_into(key, aad, plaintext, random, &mut out)?;
        Ok(out)
    }

    /// Opens what was sealed with the same `aad`. Fails with `DoesNotOpen`, whatever the bytes.
    fn open(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError>;

    /// Encrypts under the public key: RSA as long as the modulus, SM2 as point, hash and text.
    ///
    /// Fails with `Failed` beyond [`EncryptionAlgorithm::max_plaintext`], and SM2 for no bytes at
    /// all. RSA draws AWS-LC's randomness, which cannot be handed in. Source: keys.md §3.3.
    fn encrypt(
        &self,
        key: &KeyHandle,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError>;

    /// Opens what was encrypted under the public key. Fails with `DoesNotOpen`, whatever the bytes.
    ///
    /// RSA takes 0.2 ms (2048 bits) to 1.4 ms (4096).
    fn decrypt(
        &self,
        key: &KeyHandle,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError>;

    /// Signs a digest as it is, whatever made it. ECDSA and SM2 as DER; RSA as long as the modulus.
    ///
    /// RSA takes 0.2 ms (2048 bits) to 1.4 ms (4096). RSA and P-256 draw AWS-LC's randomness, which
    /// cannot be handed in. Source: keys.md §3.3.
    fn sign(
        &self,
        key: &KeyHandle,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError>;

    /// Whether the key signed this digest. What is no signature at all is `false` too, and ECDSA
    /// may have signed with either of its two numbers S. Source: keys.md §10.
    fn verify(
        &self,
        key: &KeyHandle,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<bool, BackendError>;

    /// The public half of a pair: DER `SubjectPublicKeyInfo`.
    fn public_key(&self, key: &KeyHandle) -> Result<Vec<u8>, BackendError>;

    /// Makes the message authentication code, as long as the hash.
    fn mac(&self, key: &KeyHandle, message: &[u8]) -> Result<Vec<u8>, BackendError>;

    /// Whether `mac` is the whole code of `message`. Takes the same time for every wrong one.
    fn verify_mac(&self, key: &KeyHandle, message: &[u8], mac: &[u8])
    -> Result<bool, BackendError>;

    /// Makes a pair to wrap material of `spec` with, until `expires`. Nothing is kept: the private
    /// half is in the token, which only this key's [`Backend::import`] opens.
    ///
    /// Blocks like [`Backend::create`] of RSA with 2048 bits. Fails with `Unsupported` if such
    /// material does not come wrapped by `algorithm`. Source: keys.md §12.
    fn begin_import(
        &self,
        spec: KeySpec,
        place: &ImportPlace<'_>,
        algorithm: WrappingAlgorithm,
        expires: Timestamp,
        random: &dyn Random,
    ) -> Result<ImportParameters, BackendError>;

    /// Unwraps material and seals it for `place`. `known` is the fingerprint of the key's first
    /// import, if there was one: other material than that is refused.
    ///
    /// Takes 1 to 3 ms. What is wrong with the material is not said, and the time taken does not
    /// tell where unwrapping failed.
    #[expect(clippy::too_many_arguments, reason = "each of them is a thing of its own")]
    fn import(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        token: &[u8],
        wrapped: &[u8],
        now: Timestamp,
        known: Option<&[u8]>,
        random: &dyn Random,
    ) -> Result<Imported, ImportError>;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use yaoku_model::key::KeySpec;

    use super::SealLimit;
    use crate::suite::Ids;

    /// Owners differ by their wrapping keys too, so the suite alone would not notice.
    #[test]
    fn no_two_places_or_specs_authenticate_the_same_bytes() {
        let ids = Ids::default();
        let places = ids.places();
        let aads = places.iter().flat_map(|it| KeySpec::ALL.iter().map(|spec| it.aad(*spec)));
        assert_eq!(aads.collect::<HashSet<_>>().len(), places.len() * KeySpec::ALL.len());
    }

    #[test]
    fn no_limit_is_above_what_random_ivs_allow() {
        for (asked, given) in [(0, 0), (1 << 24, 1 << 24), (1 << 32, 1 << 32), (u64::MAX, 1 << 32)]
        {
            assert_eq!(SealLimit::of(asked).seals(), given);
        }
    }
}
