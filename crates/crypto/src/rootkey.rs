//! The root key: it seals one wrapping key per account and instance, and nothing else.

use std::{fmt, str::FromStr};

use aws_lc_rs::hkdf;
use subtle::ConstantTimeEq;
use yaoku_model::{
    ids::{AccountId, InstanceId, Invalid},
    random::Random,
};
use zeroize::Zeroizing;

use crate::{
    backend::BackendError,
    binding::{Label, bind, label},
    memory::{Protected, SECRET_LEN},
    sealed,
};

/// Which of a line of keys that replace each other; the first is 1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u32);

impl Generation {
    /// The first.
    pub const FIRST: Self = Self(1);
}

/// Whose wrapping key it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WrappingPlace<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The instance; `None` is for what lives outside instances.
    pub instance: Option<&'a InstanceId>,
}

const WRAPPING_KEY: Label = label("yaoku 1: the wrapping key of an account and instance");

impl WrappingPlace<'_> {
    fn aad(&self) -> Vec<u8> {
        let parts = [Some(self.account.as_str()), self.instance.map(InstanceId::as_str)];
        bind(WRAPPING_KEY, &parts)
    }
}

/// 32 bytes in the arena, from which all else opens. `Debug` shows its generation and check value.
///
/// Used through two keys derived from it (HKDF-Expand, RFC 5869): one seals, one gives the check
/// value, so that the latter says nothing about the former. Our choice.
pub struct RootKey {
    bytes: Protected,
    generation: Generation,
    check: RootKeyCheck,
}

const SEALING: &[u8] = b"yaoku root key 1: sealing";
const CHECK: &[u8] = b"yaoku root key 1: check value";

impl RootKey {
    /// A fresh one, of the first generation.
    pub fn generate(random: &dyn Random) -> Result<Self, BackendError> {
        Self::new(Protected::generate(random)?, Generation::FIRST)
    }

    /// The one that a seal holds.
    pub(crate) fn from_bytes(
        bytes: &[u8; SECRET_LEN],
        generation: Generation,
    ) -> Result<Self, BackendError> {
        Self::new(Protected::copy_of(bytes)?, generation)
    }

    fn new(bytes: Protected, generation: Generation) -> Result<Self, BackendError> {
        let check = RootKeyCheck(*bytes.expose(|it| derive(it, CHECK))?);
        Ok(Self { bytes, generation, check })
    }

    /// Its generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What tells it from other root keys. Not a secret: the store keeps it in plain.
    #[must_use]
    pub fn check(&self) -> &RootKeyCheck {
        &self.check
    }

    /// Fails unless this is the root key whose check value the store keeps.
    pub fn must_be(&self, expected: &RootKeyCheck) -> Result<(), WrongRootKey> {
        if self.check == *expected { Ok(()) } else { Err(WrongRootKey) }
    }

    /// Makes a wrapping key and seals it for `place`. Load it by [`RootKey::open_wrapping_key`].
    pub fn new_wrapping_key(
        &self,
        place: &WrappingPlace<'_>,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let fresh = Protected::generate(random)?;
        let sealing = self.sealing_key()?;
        fresh.expose(|it| sealed::seal(&sealing, self.generation, &place.aad(), it, random))
    }

    /// Opens a wrapping key. Fails with `DoesNotOpen` unless this root key sealed it for `place`.
    pub fn open_wrapping_key(
        &self,
        place: &WrappingPlace<'_>,
        sealed: &[u8],
    ) -> Result<WrappingKey, BackendError> {
        let sealing = self.sealing_key()?;
        let opened = sealed::open(&sealing, self.generation, &place.aad(), sealed)?;
        let bytes = opened.as_slice().try_into().map_err(|_| BackendError::DoesNotOpen)?;
        Ok(WrappingKey { bytes: Protected::copy_of(bytes)?, generation: Generation::FIRST })
    }

    pub(crate) fn expose<T>(&self, use_it: impl FnOnce(&[u8; SECRET_LEN]) -> T) -> T {
        self.bytes.expose(use_it)
    }

    fn sealing_key(&self) -> Result<Zeroizing<[u8; SECRET_LEN]>, BackendError> {
        self.bytes.expose(|it| derive(it, SEALING))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, {})", self.generation.0, self.check)
    }
}

/// This is not the root key that the data was sealed under.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is not the root key of this data: check which key file belongs to it")]
pub struct WrongRootKey;

/// Tells root keys apart: 32 bytes derived from one, written as 64 hexadecimal digits.
#[derive(Clone, Eq)]
pub struct RootKeyCheck([u8; SECRET_LEN]);

impl PartialEq for RootKeyCheck {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for RootKeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RootKeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyCheck({self})")
    }
}

impl FromStr for RootKeyCheck {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let mut bytes = [0; SECRET_LEN];
        hex::decode_to_slice(raw, &mut bytes).map_err(|_| Invalid)?;
        Ok(Self(bytes))
    }
}

/// The key that seals everything of one account and instance. In the arena; `Debug` redacted.
#[derive(Debug)]
pub struct WrappingKey {
    bytes: Protected,
    generation: Generation,
}

impl WrappingKey {
    pub(crate) fn seal(
        &self,
        aad: &[u8],
        bytes: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        self.bytes.expose(|key| sealed::seal(key, self.generation, aad, bytes, random))
    }

    pub(crate) fn open(
        &self,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        self.bytes.expose(|key| sealed::open(key, self.generation, aad, sealed))
    }
}

/// HKDF-Expand with SHA-256. Source: RFC 5869 §2.3.
fn derive(
    key: &[u8; SECRET_LEN],
    info: &[u8],
) -> Result<Zeroizing<[u8; SECRET_LEN]>, BackendError> {
    const FAILED: BackendError = BackendError::Failed("HKDF");
    let mut out = Zeroizing::new([0; SECRET_LEN]);
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|it| it.fill(&mut *out))
        .map_err(|_| FAILED)?;
    Ok(out)
}
