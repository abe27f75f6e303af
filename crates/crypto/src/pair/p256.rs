//! ECDSA on NIST P-256, by AWS-LC. All its randomness is AWS-LC's own.

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, PublicKeyX509Der},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey,
    },
};
use zeroize::Zeroizing;

use super::{DIGEST_LEN, REJECTED, rsa::imported};
use crate::backend::BackendError;

/// A pair.
pub(crate) struct P256 {
    signs: EcdsaKeyPair,
    verifies: ParsedPublicKey,
}

impl P256 {
    /// What AWS-LC keeps of it on its own heap. Measured.
    pub(crate) const HEAP_LEN: usize = 1000;

    /// Fresh material.
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map_err(|_| BackendError::Failed("P-256 made no key"))?;
        pkcs8_of(&made)
    }

    /// Reads PKCS#8, with or without the public key. AWS-LC checks that they belong together.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, BackendError> {
        let signs = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)
            .map_err(|_| REJECTED)?;
        let public = signs.public_key().as_ref();
        let verifies =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).map_err(|_| REJECTED)?;
        Ok(Self { signs, verifies })
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&self.signs)
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, BackendError> {
        let der: Result<PublicKeyX509Der<'_>, _> = self.signs.public_key().as_der();
        Ok(der.map_err(|_| BackendError::Failed("P-256 wrote no public key"))?.as_ref().to_vec())
    }

    /// The signature as DER.
    pub(crate) fn sign(&self, digest: &[u8; DIGEST_LEN]) -> Result<Vec<u8>, BackendError> {
        let signature = self
            .signs
            .sign_digest(&imported(digest)?)
            .map_err(|_| BackendError::Failed("P-256 did not sign"))?;
        Ok(signature.as_ref().to_vec())
    }

    pub(crate) fn verify(
        &self,
        digest: &[u8; DIGEST_LEN],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        Ok(self.verifies.verify_digest_sig(&imported(digest)?, signature).is_ok())
    }
}

/// Put together anew: AWS-LC leaves the public key out if it was left out where it read the pair.
fn pkcs8_of(key: &EcdsaKeyPair) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let failed = BackendError::Failed("P-256 wrote no PKCS#8");
    let private: Result<EcPrivateKeyBin<'_>, _> = key.private_key().as_be_bytes();
    let whole = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        private.map_err(|_| failed)?.as_ref(),
        key.public_key().as_ref(),
    );
    let der = whole.map_err(|_| failed)?.to_pkcs8v1().map_err(|_| failed)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}
