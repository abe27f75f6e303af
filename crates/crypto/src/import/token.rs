//! The token of an import: what a later call needs, sealed, so that nothing is kept meanwhile.

use yaoku_model::{algorithm::WrappingAlgorithm, random::Random, time::Timestamp};
use zeroize::Zeroizing;

use super::{ImportError, pair_of};
use crate::{backend::BackendError, pair::Pair, rootkey::WrappingKey};

/// What a token holds. Sealed: the length of the algorithm's name (1 byte), the name, the expiry
/// in milliseconds since 1970 (8, big endian), the private key (PKCS#8).
pub(super) struct Token {
    pub(super) algorithm: WrappingAlgorithm,
    pub(super) expires: Timestamp,
    pub(super) private: Zeroizing<Vec<u8>>,
}

impl Token {
    pub(super) fn seal(
        &self,
        wrapping: &WrappingKey,
        aad: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let name = self.algorithm.as_str().as_bytes();
        let len = u8::try_from(name.len()).map_err(|_| BackendError::Failed("a long name"))?;
        let expires = self.expires.unix_ms().to_be_bytes();
        let plain = Zeroizing::new([&[len], name, &expires, &self.private].concat());
        wrapping.seal(aad, &plain, random)
    }

    /// Fails with `Token` unless it was sealed with the same `aad`.
    pub(super) fn open(
        wrapping: &WrappingKey,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Self, ImportError> {
        let plain = wrapping.open(aad, sealed).map_err(|_| ImportError::Token)?;
        Self::read(&plain).ok_or(ImportError::Token)
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (len, rest) = plain.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*len))?;
        let (expires, private) = rest.split_first_chunk()?;
        Some(Self {
            algorithm: std::str::from_utf8(name).ok()?.parse().ok()?,
            expires: Timestamp::from_unix_ms(i64::from_be_bytes(*expires)),
            private: Zeroizing::new(private.to_vec()),
        })
    }

    /// The pair that unwraps.
    pub(super) fn pair(&self) -> Result<Pair, BackendError> {
        Pair::from_pkcs8(pair_of(self.algorithm), &self.private)
    }
}
