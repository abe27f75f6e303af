//! Data keys on their way out, under somebody else's public key. Source: keys.md §9.7.

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, WrappingKeySpec},
    key::KeySpec,
    random::Random,
};

use crate::{
    backend::BackendError,
    pair::{Padding, RSA_2048_LEN, RsaPublic, Sm2Public},
};

/// Why nothing was exported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// The public key is none, of another kind or size or not for this algorithm, or the data is
    /// empty or too long for it.
    #[error("the public key, the algorithm and the data do not fit each other")]
    Unfit,
    /// There was no randomness.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Encrypts `data` under a public key: DER `SubjectPublicKeyInfo` of just the kind `spec`.
///
/// At most 214 bytes by OAEP with SHA-1, 190 with SHA-256, 6047 by SM2 (C1C3C2). OAEP draws
/// AWS-LC's randomness, not `random`: there is no way to hand it in. Source: keys.md §3.3, §9.7.
pub fn wrap_for_export(
    public_key_der: &[u8],
    spec: WrappingKeySpec,
    algorithm: EncryptionAlgorithm,
    data: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, ExportError> {
    let kind = match spec {
        WrappingKeySpec::Rsa2048 => KeySpec::Rsa2048,
        WrappingKeySpec::EcSm2 => KeySpec::EcSm2,
    };
    let most = algorithm.max_plaintext(kind).ok_or(ExportError::Unfit)?;
    if data.is_empty() || data.len() > most {
        return Err(ExportError::Unfit);
    }
    if let Some(padding) = Padding::of(algorithm) {
        let key = RsaPublic::from_der(8 * RSA_2048_LEN, public_key_der);
        return Ok(key.map_err(|_| ExportError::Unfit)?.encrypt(padding, data)?);
    }
    let key = Sm2Public::from_der(public_key_der).map_err(|_| ExportError::Unfit)?;
    Ok(key.encrypt(data, random)?)
}
