//! RSA, by AWS-LC: OAEP, PSS and PKCS#1 v1.5. All its randomness is AWS-LC's own.

use aws_lc_rs::{
    digest::{Digest, SHA256},
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{
        KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm,
        OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
    signature::{
        KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use yaoku_model::{algorithm::EncryptionAlgorithm, key::KeySpec};
use zeroize::Zeroizing;

use super::{DIGEST_LEN, REJECTED};
use crate::backend::BackendError;

/// How text is padded before it is encrypted.
#[derive(Clone, Copy)]
pub(crate) enum Padding {
    /// OAEP with SHA-1 for both hashes.
    OaepSha1,
    /// OAEP with SHA-256 for both hashes.
    OaepSha256,
    /// PKCS#1 v1.5: for imported material alone, see [`crate::import`].
    Pkcs1,
}

impl Padding {
    /// The padding of an algorithm; `None` is no RSA.
    pub(crate) fn of(algorithm: EncryptionAlgorithm) -> Option<Self> {
        match algorithm {
            EncryptionAlgorithm::OaepSha1 => Some(Self::OaepSha1),
            EncryptionAlgorithm::OaepSha256 => Some(Self::OaepSha256),
            EncryptionAlgorithm::Sm2Pke => None,
        }
    }

    /// The hashes of OAEP.
    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::OaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            Self::OaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::Pkcs1 => None,
        }
    }
}

/// Bytes of the modulus of a wrapping key.
pub(crate) const RSA_2048_LEN: usize = 256;

/// A pair. AWS-LC keeps one parsed key for signing and one for decrypting.
pub(crate) struct Rsa {
    signs: RsaKeyPair,
    decrypts: PrivateDecryptingKey,
    pss: ParsedPublicKey,
    pkcs1: ParsedPublicKey,
}

impl Rsa {
    /// Fresh material.
    pub(crate) fn generate(spec: KeySpec) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let size = match spec {
            KeySpec::Rsa2048 => KeySize::Rsa2048,
            KeySpec::Rsa3072 => KeySize::Rsa3072,
            KeySpec::Rsa4096 => KeySize::Rsa4096,
            _ => return Err(BackendError::Unsupported),
        };
        let made = PrivateDecryptingKey::generate(size)
            .map_err(|_| BackendError::Failed("RSA made no key"))?;
        pkcs8_of(&made)
    }

    /// Reads PKCS#8. AWS-LC checks that the numbers belong together.
    pub(crate) fn from_pkcs8(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, BackendError> {
        let decrypts = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| REJECTED)?;
        if spec.modulus_len().map(|it| it * 8) != Some(decrypts.key_size_bits()) {
            return Err(REJECTED);
        }
        let signs = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| REJECTED)?;
        let public = signs.public_key().as_ref();
        let pss = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public).map_err(|_| REJECTED)?;
        let pkcs1 =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).map_err(|_| REJECTED)?;
        Ok(Self { signs, decrypts, pss, pkcs1 })
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&self.decrypts)
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, BackendError> {
        let der: Result<PublicKeyX509Der<'_>, _> = self.signs.public_key().as_der();
        Ok(der.map_err(|_| BackendError::Failed("RSA wrote no public key"))?.as_ref().to_vec())
    }

    /// The public half, which shares the parsed key.
    pub(crate) fn public(&self) -> RsaPublic {
        RsaPublic(self.decrypts.public_key())
    }

    /// Fails with `DoesNotOpen`, whatever is wrong.
    pub(crate) fn decrypt(
        &self,
        padding: Padding,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let mut out = Zeroizing::new(vec![0; self.decrypts.key_size_bytes()]);
        let len = self.decrypt_into(padding, ciphertext, &mut out);
        out.truncate(len.ok_or(BackendError::DoesNotOpen)?);
        Ok(out)
    }

    /// Puts the plaintext at the start of `out`, as long as the modulus, and answers its length.
    ///
    /// With PKCS#1 v1.5, whether there was one must not show to whoever sent the ciphertext.
    pub(crate) fn decrypt_into(
        &self,
        padding: Padding,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Option<usize> {
        let key = self.decrypts.clone();
        let opened = match padding.oaep() {
            Some(oaep) => OaepPrivateDecryptingKey::new(key)
                .and_then(|it| it.decrypt(oaep, ciphertext, out, None).map(|it| it.len())),
            None => Pkcs1PrivateDecryptingKey::new(key)
                .and_then(|it| it.decrypt(ciphertext, out).map(|it| it.len())),
        };
        opened.ok()
    }

    pub(crate) fn sign_pss(&self, digest: &[u8; DIGEST_LEN]) -> Result<Vec<u8>, BackendError> {
        self.sign(&RSA_PSS_SHA256, digest)
    }

    pub(crate) fn sign_pkcs1(&self, digest: &[u8; DIGEST_LEN]) -> Result<Vec<u8>, BackendError> {
        self.sign(&RSA_PKCS1_SHA256, digest)
    }

    fn sign(
        &self,
        encoding: &'static dyn RsaEncoding,
        digest: &[u8; DIGEST_LEN],
    ) -> Result<Vec<u8>, BackendError> {
        let mut signature = vec![0; self.signs.public_modulus_len()];
        self.signs
            .sign_digest(encoding, &imported(digest)?, &mut signature)
            .map_err(|_| BackendError::Failed("RSA did not sign"))?;
        Ok(signature)
    }

    pub(crate) fn verify_pss(
        &self,
        digest: &[u8; DIGEST_LEN],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        Ok(self.pss.verify_digest_sig(&imported(digest)?, signature).is_ok())
    }

    pub(crate) fn verify_pkcs1(
        &self,
        digest: &[u8; DIGEST_LEN],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        Ok(self.pkcs1.verify_digest_sig(&imported(digest)?, signature).is_ok())
    }

    pub(crate) fn heap_len(&self) -> usize {
        HEAP_LEN + HEAP_MODULI * self.decrypts.key_size_bytes()
    }
}

/// What AWS-LC keeps of a pair on its own heap once it has been used by one thread, and for each
/// byte of the modulus. Measured.
const HEAP_LEN: usize = 5300;
const HEAP_MODULI: usize = 40;

/// A public key that somebody else may hold the private half of.
pub(crate) struct RsaPublic(PublicEncryptingKey);

impl RsaPublic {
    /// Reads DER `SubjectPublicKeyInfo`. Fails unless the modulus has `bits` bits.
    pub(crate) fn from_der(bits: usize, der: &[u8]) -> Result<Self, BackendError> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| REJECTED)?;
        if key.key_size_bits() == bits { Ok(Self(key)) } else { Err(REJECTED) }
    }

    /// OAEP without a label. Fails with `Failed` if `plaintext` is too long, and for PKCS#1 v1.5.
    pub(crate) fn encrypt(
        &self,
        padding: Padding,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, BackendError> {
        let failed = BackendError::Failed("RSA did not encrypt");
        let oaep = padding.oaep().ok_or(failed)?;
        let mut out = vec![0; self.0.key_size_bytes()];
        let key = OaepPublicEncryptingKey::new(self.0.clone()).map_err(|_| failed)?;
        let len = key.encrypt(oaep, plaintext, &mut out, None).map_err(|_| failed)?.len();
        out.truncate(len);
        Ok(out)
    }
}

/// The digest for AWS-LC, which takes it for one of SHA-256: it signs the bytes as they are.
pub(super) fn imported(digest: &[u8; DIGEST_LEN]) -> Result<Digest, BackendError> {
    Digest::import_less_safe(digest, &SHA256)
        .map_err(|_| BackendError::Failed("a digest of a wrong length"))
}

fn pkcs8_of(key: &PrivateDecryptingKey) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let der: Result<Pkcs8V1Der<'_>, _> = key.as_der();
    let der = der.map_err(|_| BackendError::Failed("RSA wrote no PKCS#8"))?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}
