//! What holds the root key while the server is down: a key file now, and later a passphrase,
//! shares, an HSM or another KMS.

pub mod key_file;

use crate::{backend::BackendError, memory::MemoryError, rootkey::RootKey};

/// Holds the root key. A call may block and may ask a device or a person.
pub trait Seal: Send + Sync {
    /// Gives the root key, or says why it cannot.
    ///
    /// Whether it is the one that the data was sealed under, the caller asks by
    /// [`RootKey::must_be`].
    fn unseal(&self) -> Result<RootKey, SealError>;
}

/// Why a seal did not give or take the root key. Holds no part of it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A root key is there already: it is never replaced, since all data hangs on it.
    #[error("a root key is there already")]
    Exists,
    /// There is none.
    #[error("there is no root key")]
    Missing,
    /// Others than its owner could have read or changed it.
    #[error("the root key is not safe: {0}")]
    Unsafe(&'static str),
    /// What is there is no root key of a form that we know.
    #[error("the root key is damaged: {0}")]
    Damaged(&'static str),
    /// The device or the file system failed.
    #[error("the root key cannot be reached: {0}")]
    Failed(#[from] std::io::Error),
    /// This process failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl From<MemoryError> for SealError {
    fn from(error: MemoryError) -> Self {
        Self::Backend(error.into())
    }
}
