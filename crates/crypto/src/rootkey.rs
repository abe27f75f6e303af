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

    /// The one after it; `None` after 2^32 - 1 of them.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
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
/// It is used through two keys derived from it (HKDF-Expand, RFC 5869): one seals, the other is
/// the check value, which so says nothing about the first. Our choice.
pub struct RootKey {
    bytes: Protected,
    sealing: Protected,
    check: KeyCheck,
    generation: Generation,
}

const SEALING: &[u8] = b"yaoku root key 1: sealing";
const CHECK: &[u8] = b"yaoku root key 1: check value";

impl RootKey {
    /// A fresh one.
    pub fn generate(generation: Generation, random: &dyn Random) -> Result<Self, BackendError> {
        Self::new(Protected::generate(random)?, generation)
    }

    pub(crate) fn new(bytes: Protected, generation: Generation) -> Result<Self, BackendError> {
        let sealing = Protected::filled(|to| bytes.expose(|it| derive(it, SEALING, to)))?;
        let mut check = [0; SECRET_LEN];
        bytes.expose(|it| derive(it, CHECK, &mut check))?;
        Ok(Self { bytes, sealing, check: KeyCheck(check), generation })
    }

    /// Its generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What tells it from other root keys. Not a secret: the store keeps it in plain.
    #[must_use]
    pub fn check(&self) -> &KeyCheck {
        &self.check
    }

    /// Fails unless this is the root key whose check value the store keeps.
    pub fn must_be(&self, expected: &KeyCheck) -> Result<(), WrongRootKey> {
        if self.check == *expected { Ok(()) } else { Err(WrongRootKey) }
    }

    /// Makes a wrapping key and seals it for `place`. Load it by [`RootKey::open_wrapping_key`].
    pub fn new_wrapping_key(
        &self,
        place: &WrappingPlace<'_>,
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let fresh = Protected::generate(random)?;
        let (generation, aad) = (self.generation, place.aad());
        self.sealing
            .expose(|key| fresh.expose(|it| sealed::seal(key, generation, &aad, it, random)))
    }

    /// Seals again a wrapping key that `old` sealed for `place`: the key itself stays the same.
    pub fn reseal_wrapping_key(
        &self,
        old: &Self,
        place: &WrappingPlace<'_>,
        sealed: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let it = old.open_wrapping_key(place, sealed)?;
        let (generation, aad) = (self.generation, place.aad());
        self.sealing
            .expose(|key| it.bytes.expose(|it| sealed::seal(key, generation, &aad, it, random)))
    }

    /// Opens a wrapping key. Fails with `DoesNotOpen` unless this root key sealed it for `place`.
    pub fn open_wrapping_key(
        &self,
        place: &WrappingPlace<'_>,
        sealed: &[u8],
    ) -> Result<WrappingKey, BackendError> {
        let (generation, aad) = (self.generation, place.aad());
        let bytes = self.sealing.expose(|key| open_key(key, generation, &aad, sealed))?;
        // Wrapping keys have one generation until they can be rotated.
        Ok(WrappingKey { bytes, generation: Generation::FIRST })
    }

    /// Lends the bytes to what seals it.
    pub(crate) fn expose<T>(&self, use_it: impl FnOnce(&[u8; SECRET_LEN]) -> T) -> T {
        self.bytes.expose(use_it)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, {})", self.generation.0, self.check)
    }
}

/// This is not the root key that the data was sealed under.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is not the root key that this store's data was sealed under")]
pub struct WrongRootKey;

/// Tells keys apart: 32 bytes derived from one, written as 64 hexadecimal digits. Not a secret.
#[derive(Clone, Eq)]
pub struct KeyCheck(pub(crate) [u8; SECRET_LEN]);

impl PartialEq for KeyCheck {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCheck({self})")
    }
}

impl FromStr for KeyCheck {
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

/// Opens a sealed key into the arena.
pub(crate) fn open_key(
    key: &[u8; SECRET_LEN],
    generation: Generation,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Protected, BackendError> {
    let opened = sealed::open(key, generation, aad, sealed)?;
    let opened: &[u8; SECRET_LEN] =
        opened.as_slice().try_into().map_err(|_| BackendError::DoesNotOpen)?;
    Ok(Protected::copy_of(opened)?)
}

/// HKDF-Expand with SHA-256. Source: RFC 5869 §2.3.
pub(crate) fn derive(
    key: &[u8; SECRET_LEN],
    info: &[u8],
    to: &mut [u8; SECRET_LEN],
) -> Result<(), BackendError> {
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|it| it.fill(to))
        .map_err(|_| BackendError::Failed("HKDF"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, proptest};
    use yaoku_model::ids::{AccountId, InstanceId};

    use super::{Generation, KeyCheck, RootKey, WrappingPlace, WrongRootKey};
    use crate::{backend::BackendError, memory::Protected, random::SystemRandom};

    fn of(byte: u8, generation: u32) -> RootKey {
        RootKey::new(Protected::copy_of(&[byte; 32]).unwrap(), Generation(generation)).unwrap()
    }

    #[test]
    fn a_wrapping_key_opens_at_its_place_and_under_its_root_key_only() {
        let accounts: [AccountId; 2] = ["1", "2"].map(|it| it.parse().unwrap());
        let instances: [InstanceId; 2] = ["kst-1", "kst-2"].map(|it| it.parse().unwrap());
        let [account, other] = &accounts;
        let [one, two] = &instances;
        let place = |account, instance| WrappingPlace { account, instance };
        let places = [
            place(account, Some(one)),
            place(account, Some(two)),
            place(account, None),
            place(other, Some(one)),
            place(other, None),
        ];
        let root = of(1, 1);
        for home in &places {
            let sealed = root.new_wrapping_key(home, &SystemRandom).unwrap();
            for place in &places {
                let opened = root.open_wrapping_key(place, &sealed).map(drop);
                let expected = if place == home { Ok(()) } else { Err(BackendError::DoesNotOpen) };
                assert_eq!(opened, expected, "{home:?} at {place:?}");
            }
            for wrong in [of(2, 1), of(1, 2)] {
                let opened = wrong.open_wrapping_key(home, &sealed).map(drop);
                assert_eq!(opened, Err(BackendError::DoesNotOpen), "{wrong:?}");
            }
        }
    }

    #[test]
    fn a_sealed_key_says_its_format_and_the_generation_of_its_root_key() {
        let account = "1".parse().unwrap();
        let place = WrappingPlace { account: &account, instance: None };
        let sealed = of(1, 0x0102_0304).new_wrapping_key(&place, &SystemRandom).unwrap();
        assert_eq!(sealed[..5], [1, 1, 2, 3, 4]);
        assert_eq!(sealed.len(), 5 + 12 + 32 + 16);
    }

    #[test]
    fn what_was_cut_changed_or_made_up_does_not_open() {
        let account = "1".parse().unwrap();
        let place = WrappingPlace { account: &account, instance: None };
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).unwrap();
        let sealed = root.new_wrapping_key(&place, &SystemRandom).unwrap();
        let opens = |bytes: &[u8]| root.open_wrapping_key(&place, bytes).is_ok();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(!opens(&changed) && !opens(&sealed[..at]), "byte {at}");
        }
        proptest!(|(bytes in vec(any::<u8>(), 0..100))| assert!(!opens(&bytes)));
    }

    #[test]
    fn another_root_key_is_recognised() {
        let (root, other) = (of(1, 1), of(2, 1));
        let kept: KeyCheck = root.check().to_string().parse().unwrap();
        assert_eq!(root.must_be(&kept), Ok(()));
        assert_eq!(other.must_be(&kept), Err(WrongRootKey));
        for raw in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(raw.parse::<KeyCheck>().is_err(), "{raw}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let root = of(0xab, 7);
        assert_eq!(format!("{root:?}"), format!("RootKey(7, {})", root.check()));
        assert!(!format!("{root:?}").contains("abab"));
        let account = "1".parse().unwrap();
        let place = WrappingPlace { account: &account, instance: None };
        let sealed = root.new_wrapping_key(&place, &SystemRandom).unwrap();
        let wrapping = root.open_wrapping_key(&place, &sealed).unwrap();
        let expected = "WrappingKey { bytes: Protected(..), generation: Generation(1) }";
        assert_eq!(format!("{wrapping:?}"), expected);
    }
}
