//! Opened material, parsed and expanded once, so that no call does it again.

use yaoku_model::key::KeySpec;

use crate::{backend::BackendError, cipher::Cipher, mac::Mac, pair::Pair};

/// A key of any kind, ready for use.
pub(crate) enum Loaded {
    Cipher(Cipher),
    Pair(Pair),
    Mac(Mac),
}

impl Loaded {
    /// Reads `material`. Fails unless it is a key of `spec`.
    pub(crate) fn new(spec: KeySpec, material: &[u8]) -> Result<Self, BackendError> {
        if spec.is_asymmetric() {
            Pair::from_pkcs8(spec, material).map(Self::Pair)
        } else if Mac::len(spec).is_some() {
            Mac::new(spec, material).map(Self::Mac)
        } else {
            Cipher::new(spec, material).map(Self::Cipher)
        }
    }

    /// Bytes it takes outside its own value.
    pub(crate) fn heap_len(&self) -> usize {
        match self {
            Self::Cipher(it) => it.heap_len(),
            Self::Pair(it) => it.heap_len(),
            Self::Mac(it) => it.heap_len(),
        }
    }
}
