//! Wrapping, as the owner of material does it before it is brought. Source: keys.md §12.2.

use aws_lc_rs::cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, WrappingAlgorithm, WrappingKeySpec},
    random::Random,
};
use zeroize::Zeroizing;

use crate::{
    backend::BackendError,
    export::{ExportError, wrap_for_export},
};

/// Bytes of the AES-256 key in between.
const AES_LEN: usize = 32;

/// Bytes of an AES block: what padding adds at most.
const BLOCK_LEN: usize = 16;

/// Wraps `material` under a public key: DER `SubjectPublicKeyInfo`, RSA with 2048 bits.
///
/// By `OaepSha256`, of at most 190 bytes, or by `OaepSha256Aes256`, of any length: first a fresh
/// AES-256 key by RSA-OAEP, then the material under that, ECB with PKCS#7. Anything else is `Unfit`,
/// and so is empty material. OAEP draws AWS-LC's randomness, not `random`.
pub fn wrap_material(
    public_key_der: &[u8],
    algorithm: WrappingAlgorithm,
    material: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, ExportError> {
    let (spec, oaep) = (WrappingKeySpec::Rsa2048, EncryptionAlgorithm::OaepSha256);
    let under_rsa = |data: &[u8]| wrap_for_export(public_key_der, spec, oaep, data, random);
    match algorithm {
        WrappingAlgorithm::OaepSha256 => under_rsa(material),
        WrappingAlgorithm::OaepSha256Aes256 if !material.is_empty() => {
            let mut key = Zeroizing::new([0; AES_LEN]);
            random.fill(&mut *key).map_err(BackendError::from)?;
            let mut wrapped = under_rsa(&*key)?;
            wrapped.extend_from_slice(&under_aes(&key, material)?);
            Ok(wrapped)
        }
        _ => Err(ExportError::Unfit),
    }
}

fn under_aes(key: &[u8; AES_LEN], material: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    // One allocation, so that no copy stays behind.
    let mut text = Zeroizing::new(Vec::with_capacity(material.len() + BLOCK_LEN));
    text.extend_from_slice(material);
    UnboundCipherKey::new(&AES_256, key)
        .and_then(PaddedBlockEncryptingKey::ecb_pkcs7)
        .and_then(|it| it.encrypt(&mut *text))
        .map_err(|_| BackendError::Failed("AES wrapped nothing"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use yaoku_model::{algorithm::WrappingAlgorithm, key::KeySpec};

    use super::wrap_material;
    use crate::{
        backend::BackendError,
        export::ExportError,
        pair::{Padding, Pair, RSA_2048_LEN, Rsa},
        random::SystemRandom,
        suite::{Always, Never},
    };

    fn pair() -> Rsa {
        let private = Rsa::generate(KeySpec::Rsa2048).unwrap();
        Rsa::from_pkcs8(KeySpec::Rsa2048, &private).unwrap()
    }

    #[test]
    fn what_does_not_fit_together_is_not_wrapped() {
        use WrappingAlgorithm::{OaepSha256, OaepSha256Aes256, Pkcs1, Sm2PkeSm4};
        let rsa = pair().public_key().unwrap();
        let p256 = Pair::generate(KeySpec::EcP256, &SystemRandom).unwrap();
        let p256 = Pair::from_pkcs8(KeySpec::EcP256, &p256).unwrap().public_key().unwrap();
        for (key, algorithm, len) in [
            (&rsa[..], OaepSha256, 191),
            (&rsa, OaepSha256, 0),
            (&rsa, OaepSha256Aes256, 0),
            (&rsa, Pkcs1, 32),
            (&rsa, Sm2PkeSm4, 32),
            (&p256, OaepSha256, 32),
            (&p256, OaepSha256Aes256, 32),
            (b"", OaepSha256Aes256, 32),
        ] {
            let wrapped = wrap_material(key, algorithm, &vec![7; len], &SystemRandom);
            assert_eq!(wrapped, Err(ExportError::Unfit), "{algorithm}, {len} bytes");
        }
        let failed = ExportError::Backend(BackendError::Failed("no randomness"));
        assert_eq!(wrap_material(&rsa, OaepSha256Aes256, b"x", &Never), Err(failed));
    }

    /// What is under AES is as openssl has it: `enc -aes-256-ecb -K 0909…`.
    #[test]
    fn a_private_key_comes_after_the_aes_key_that_it_is_under() {
        let (pair, text) = (pair(), b"a private key, as its owner brings it");
        let public_key = pair.public_key().unwrap();
        let algorithm = WrappingAlgorithm::OaepSha256Aes256;
        let wrapped = wrap_material(&public_key, algorithm, text, &Always(9)).unwrap();
        let (key, body) = wrapped.split_at(RSA_2048_LEN);
        assert_eq!(*pair.decrypt(Padding::OaepSha256, key).unwrap(), [9; 32]);
        assert_eq!(
            hex::encode(body),
            "f2f9ffdfc2ce2d7f54953df4d6c5e97d9645d816cdade22c9dca3c6a61cc7b9f\
             c4e10abd4233d9acc9d06e8b1febecac"
        );
    }
}
