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

#[cfg(test)]
mod tests {
    use yaoku_model::{
        algorithm::{EncryptionAlgorithm, WrappingKeySpec},
        key::KeySpec,
    };

    use super::{ExportError, wrap_for_export};
    use crate::{pair::Pair, random::SystemRandom};

    fn public_key(spec: KeySpec) -> Vec<u8> {
        let private = Pair::generate(spec, &SystemRandom).unwrap();
        Pair::from_pkcs8(spec, &private).unwrap().public_key().unwrap()
    }

    #[test]
    fn what_does_not_fit_together_is_not_exported() {
        use EncryptionAlgorithm::{OaepSha1, OaepSha256, Sm2Pke};
        use WrappingKeySpec::{EcSm2, Rsa2048};
        let [rsa, long, p256, sm2] =
            [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::EcP256, KeySpec::EcSm2].map(public_key);
        let cut = &rsa[..rsa.len() - 1];
        for (key, spec, algorithm, len) in [
            (&long[..], Rsa2048, OaepSha256, 32),
            (&p256, Rsa2048, OaepSha256, 32),
            (&sm2, Rsa2048, OaepSha256, 32),
            (&rsa, EcSm2, Sm2Pke, 32),
            (&p256, EcSm2, Sm2Pke, 32),
            (&rsa, Rsa2048, Sm2Pke, 32),
            (&sm2, EcSm2, OaepSha256, 32),
            (&rsa, Rsa2048, OaepSha256, 0),
            (&rsa, Rsa2048, OaepSha256, 191),
            (&rsa, Rsa2048, OaepSha1, 215),
            (&sm2, EcSm2, Sm2Pke, 0),
            (&sm2, EcSm2, Sm2Pke, 6048),
            (cut, Rsa2048, OaepSha256, 32),
            (b"", Rsa2048, OaepSha256, 32),
            (b"", EcSm2, Sm2Pke, 32),
        ] {
            let data = vec![7; len];
            let wrapped = wrap_for_export(key, spec, algorithm, &data, &SystemRandom);
            assert_eq!(wrapped, Err(ExportError::Unfit), "{spec}, {algorithm}, {len} bytes");
        }
        for (key, spec, algorithm, len, expected) in [
            (&rsa, Rsa2048, OaepSha256, 190, 256),
            (&rsa, Rsa2048, OaepSha1, 214, 256),
            (&sm2, EcSm2, Sm2Pke, 1024, 1121),
        ] {
            let data = vec![7; len];
            let wrapped = wrap_for_export(key, spec, algorithm, &data, &SystemRandom).unwrap();
            assert_eq!(wrapped.len(), expected, "{algorithm}");
        }
    }
}
