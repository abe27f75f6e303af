//! The bytes of a key, on their way between a seal and what uses them.

use std::fmt;

use yaoku_model::{key::KeySpec, random::Random};
use zeroize::Zeroizing;

use crate::{backend::BackendError, mac::Mac, pair::Pair};

/// Key bytes: raw, or PKCS#8 where the key is a pair. Wiped on drop; never leaves this crate but sealed.
pub(crate) struct Material(Zeroizing<Vec<u8>>);

impl Material {
    /// Makes fresh material. RSA takes its time: see [`Pair::generate`].
    pub(crate) fn generate(spec: KeySpec, random: &dyn Random) -> Result<Self, BackendError> {
        let Some(len) = spec.cipher_key_len().or(Mac::len(spec)) else {
            return Pair::generate(spec, random).map(Self);
        };
        let mut bytes = Zeroizing::new(vec![0; len]);
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// What a seal held.
    pub(crate) fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material(..)")
    }
}
