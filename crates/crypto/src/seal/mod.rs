//! How the root key is kept while the server is down: sealed in the store, once for each *wrap*.
//!
//! A wrap has a key of its own ([`WrapKey`]), which is not in the store: it lies in a file
//! ([`key_file`]), is derived from a passphrase ([`passphrase`]), or is put together of shares
//! ([`shares`]). Losing one wrap so does not lose the data.

pub mod key_file;
pub mod passphrase;
pub mod shares;
mod wrap_key;

pub use wrap_key::WrapKey;

use crate::{backend::BackendError, memory::MemoryError};

/// Why a wrap's key could not be had or kept. Holds no part of it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A key file is there already: it is never replaced, since data may hang on it.
    #[error("there is a file already, which is not replaced")]
    Exists,
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// Others than its owner could have read or changed it, or it is too weak.
    #[error("not safe: {0}")]
    Unsafe(&'static str),
    /// What is there is nothing of a form that we know.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// A share is not of this wrap: it has this number.
    #[error("share {0} is not one of this wrap's shares")]
    OtherShare(u8),
    /// Two different shares have this number.
    #[error("there are two different shares {0}")]
    TwoShares(u8),
    /// More shares are needed.
    #[error("{given} of {needed} shares that are needed were given")]
    TooFewShares {
        /// How many different ones were given.
        given: usize,
        /// How many are needed.
        needed: u8,
    },
    /// Each share is one of this wrap, as it says itself, but together they do not give its key.
    #[error("the shares do not give the key: one of them was changed")]
    WrongShares,
    /// The file system failed.
    #[error("cannot be reached: {0}")]
    Failed(#[from] std::io::Error),
    /// This process failed, or the key does not open what the store has.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl From<MemoryError> for SealError {
    fn from(error: MemoryError) -> Self {
        Self::Backend(error.into())
    }
}
