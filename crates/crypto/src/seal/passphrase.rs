//! A wrap's key, derived from a passphrase by Argon2id (RFC 9106).

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version};
use yaoku_model::{ids::Invalid, random::Random};

use super::{SealError, WrapKey};
use crate::{
    backend::BackendError,
    memory::{Protected, SECRET_LEN},
};

/// Bytes of the shortest passphrase. Our choice: cost alone does not save a short one.
pub const MIN_PASSPHRASE_LEN: usize = 12;

/// Bytes of the longest passphrase. Our choice.
pub const MAX_PASSPHRASE_LEN: usize = 1024;

/// What, besides the passphrase, gives a wrap's key: cost and salt. Not a secret; kept in the store
/// as `argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt, hexadecimal>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PassphraseParameters {
    cost: Cost,
    salt: Vec<u8>,
}

/// What one guess at a passphrase costs. Deriving a key takes as much, so it is not for a thread
/// that must answer soon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// 64 MiB, three passes: some tenths of a second. Our choice; above the second choice of
    /// RFC 9106 §4 where one lane is all that is computed at once.
    pub const DEFAULT: Self = Self { memory: 64 << 10, passes: 3, lanes: 1 };

    /// The most that is read back from a store: whoever writes there must not exhaust this machine.
    const MOST: Self = Self { memory: 1 << 20, passes: 16, lanes: 16 };

    /// Whether it is within what is paid for what a store holds.
    pub(crate) const fn is_bearable(self) -> bool {
        let most = Self::MOST;
        self.memory <= most.memory && self.passes <= most.passes && self.lanes <= most.lanes
    }

    fn params(self) -> Option<Params> {
        let params = Params::new(self.memory, self.passes, self.lanes, Some(SECRET_LEN)).ok();
        params.filter(|_| self.is_bearable())
    }
}

const SALT_LEN: usize = 16;
const LONGEST_SALT: usize = 64;
const HEAD: &str = "argon2id$v=19$";

impl PassphraseParameters {
    /// Those of a new wrap: a salt of its own, and this cost.
    pub fn generate(cost: Cost, random: &dyn Random) -> Result<Self, BackendError> {
        let mut salt = vec![0; SALT_LEN];
        random.fill(&mut salt)?;
        Ok(Self { cost, salt })
    }

    /// Derives the wrap's key. Blocks for as long as the cost says.
    ///
    /// Any passphrase gives a key: whether it is the wrap's shows when that opens the root key.
    pub fn derive(&self, passphrase: &str) -> Result<WrapKey, SealError> {
        let params = self.cost.params().ok_or(SealError::Damaged("the cost is out of bounds"))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let key = Protected::filled(|to| {
            argon
                .hash_password_into(passphrase.as_bytes(), &self.salt, to)
                .map_err(|_| BackendError::Failed("Argon2id"))
        })?;
        Ok(WrapKey::new(key)?)
    }
}

/// Refuses a passphrase that is too short, or too long, for a new wrap.
pub fn must_be_strong(passphrase: &str) -> Result<(), SealError> {
    match passphrase.len() {
        MIN_PASSPHRASE_LEN..=MAX_PASSPHRASE_LEN => Ok(()),
        0..MIN_PASSPHRASE_LEN => {
            Err(SealError::Unsafe("a passphrase has at least 12 bytes; several words are better"))
        }
        _ => Err(SealError::Unsafe("a passphrase has at most 1024 bytes")),
    }
}

impl fmt::Display for PassphraseParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory, passes, lanes } = self.cost;
        write!(f, "{HEAD}m={memory},t={passes},p={lanes}${}", hex::encode(&self.salt))
    }
}

impl FromStr for PassphraseParameters {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (cost, salt) =
            raw.strip_prefix(HEAD).and_then(|it| it.split_once('$')).ok_or(Invalid)?;
        let mut numbers = cost.split(',');
        let mut number = |name: &str| {
            let digits = numbers.next()?.strip_prefix(name)?.strip_prefix('=')?;
            digits.parse().ok().filter(|_| digits.bytes().all(|it| it.is_ascii_digit()))
        };
        let (Some(memory), Some(passes), Some(lanes)) = (number("m"), number("t"), number("p"))
        else {
            return Err(Invalid);
        };
        let cost = Cost { memory, passes, lanes };
        let salt = hex::decode(salt).map_err(|_| Invalid)?;
        let fits = (argon2::MIN_SALT_LEN..=LONGEST_SALT).contains(&salt.len());
        if numbers.next().is_some() || !fits || cost.params().is_none() {
            return Err(Invalid);
        }
        Ok(Self { cost, salt })
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
    use proptest::proptest;

    use super::{Cost, PassphraseParameters, must_be_strong};
    use crate::random::SystemRandom;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    /// RFC 9106 §5.3, with a secret and associated data, which we do not use.
    #[test]
    fn the_library_gives_what_the_rfc_says() {
        let mut params = ParamsBuilder::new();
        params.m_cost(32).t_cost(3).p_cost(4).output_len(32);
        params.data(AssociatedData::new(&[4; 12]).unwrap());
        let (kind, version, params) =
            (Algorithm::Argon2id, Version::V0x13, params.build().unwrap());
        let argon = Argon2::new_with_secret(&[3; 8], kind, version, params).unwrap();
        let mut tag = [0; 32];
        argon.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
        assert_eq!(hex::encode(tag), expected);
    }

    /// From the tests of the reference implementation (phc-winner-argon2, test.c).
    #[test]
    fn a_key_is_what_the_reference_implementation_gives() {
        let parameters = "argon2id$v=19$m=65536,t=2,p=1$736f6d6573616c74";
        let parameters: PassphraseParameters = parameters.parse().unwrap();
        let key = parameters.derive("password").unwrap();
        let expected = "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7";
        assert_eq!(key.expose(|it| hex::encode(it)), expected);
    }

    #[test]
    fn another_passphrase_salt_or_cost_gives_another_key() {
        let parameters = PassphraseParameters::generate(CHEAP, &SystemRandom).unwrap();
        let key = parameters.derive("correct horse battery").unwrap();
        let again: PassphraseParameters = parameters.to_string().parse().unwrap();
        assert_eq!(again.derive("correct horse battery").unwrap().check(), key.check());
        assert_ne!(parameters.derive("correct horse batterz").unwrap().check(), key.check());
        let salted = PassphraseParameters::generate(CHEAP, &SystemRandom).unwrap();
        let costly = PassphraseParameters { cost: Cost { passes: 2, ..CHEAP }, ..parameters };
        for other in [salted, costly] {
            let other = other.derive("correct horse battery").unwrap();
            assert_ne!(other.check(), key.check());
        }
    }

    #[test]
    fn what_would_exhaust_the_machine_is_not_read_back() {
        let good = "argon2id$v=19$m=65536,t=3,p=1$000102030405060708090a0b0c0d0e0f";
        assert_eq!(good.parse::<PassphraseParameters>().unwrap().to_string(), good);
        for (from, to) in [
            ("m=65536", "m=1048577"),
            ("m=65536", "m=7"),
            ("m=65536", "m=4294967296"),
            ("m=65536", "m=+65536"),
            ("t=3", "t=17"),
            ("t=3", "t=0"),
            ("p=1", "p=17"),
            ("p=1", "p=1,x=1"),
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("$000102030405060708090a0b0c0d0e0f", "$00"),
            ("$00", "$0g"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert!(bad.parse::<PassphraseParameters>().is_err(), "{bad}");
        }
        proptest!(|(text: String)| assert!(text.parse::<PassphraseParameters>().is_err()));
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        assert!(must_be_strong("eleven byte").is_err());
        assert!(must_be_strong("twelve bytes").is_ok());
        assert!(must_be_strong(&"x".repeat(1025)).is_err());
    }
}
