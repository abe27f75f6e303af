//! Pairs of a private and a public key: made, read and used, each kind by its own library.
//!
//! A pair's material is PKCS#8 (DER), written by us, so that equal keys have equal material.

#[cfg(test)]
mod known;
mod p256;
mod p256k;
mod rsa;
mod sm2;

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    key::KeySpec,
    random::Random,
};
use zeroize::Zeroizing;

use self::{p256::P256, p256k::P256K};
pub(crate) use self::{
    rsa::{Padding, RSA_2048_LEN, Rsa, RsaPublic},
    sm2::{SCALAR_LEN, Sm2, Sm2Public},
};
use crate::backend::BackendError;

/// Bytes of what is signed. Source: keys.md §3.3.
pub(crate) const DIGEST_LEN: usize = 32;

/// Material that is no key of its spec.
pub(crate) const REJECTED: BackendError = BackendError::Failed("key material of another kind");

/// A pair, parsed and ready.
pub(crate) enum Pair {
    Rsa(Rsa),
    P256(P256),
    P256K(P256K),
    Sm2(Sm2),
}

impl Pair {
    /// Makes fresh material. Fails if `spec` is no pair's.
    ///
    /// RSA takes 60 to 700 ms (up to 2 s at times). RSA and P-256 draw AWS-LC's randomness, not
    /// `random`: there is no way to hand it in.
    pub(crate) fn generate(
        spec: KeySpec,
        random: &dyn Random,
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Rsa::generate(spec),
            KeySpec::EcP256 => P256::generate(),
            KeySpec::EcP256K => P256K::generate(random),
            KeySpec::EcSm2 => Sm2::generate(random),
            _ => Err(BackendError::Unsupported),
        }
    }

    /// Reads PKCS#8. Fails unless it is a whole and consistent key of `spec`.
    pub(crate) fn from_pkcs8(spec: KeySpec, pkcs8: &[u8]) -> Result<Self, BackendError> {
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
                Rsa::from_pkcs8(spec, pkcs8).map(Self::Rsa)
            }
            KeySpec::EcP256 => P256::from_pkcs8(pkcs8).map(Self::P256),
            KeySpec::EcP256K => P256K::from_pkcs8(pkcs8).map(Self::P256K),
            KeySpec::EcSm2 => Sm2::from_pkcs8(pkcs8).map(Self::Sm2),
            _ => Err(BackendError::Unsupported),
        }
    }

    /// Writes it as PKCS#8, always the same for the same key.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        match self {
            Self::Rsa(it) => it.to_pkcs8(),
            Self::P256(it) => it.to_pkcs8(),
            Self::P256K(it) => it.to_pkcs8(),
            Self::Sm2(it) => it.to_pkcs8(),
        }
    }

    /// The public half, as DER `SubjectPublicKeyInfo`.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, BackendError> {
        match self {
            Self::Rsa(it) => it.public_key(),
            Self::P256(it) => it.public_key(),
            Self::P256K(it) => it.public_key(),
            Self::Sm2(it) => it.public_key(),
        }
    }

    pub(crate) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        match (self, Padding::of(algorithm)) {
            (Self::Rsa(it), Some(padding)) => it.public().encrypt(padding, plaintext),
            (Self::Sm2(it), None) => it.public().encrypt(plaintext, random),
            _ => Err(BackendError::Unsupported),
        }
    }

    pub(crate) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        match (self, Padding::of(algorithm)) {
            (Self::Rsa(it), Some(padding)) => it.decrypt(padding, ciphertext),
            (Self::Sm2(it), None) => it.decrypt(ciphertext),
            _ => Err(BackendError::Unsupported),
        }
    }

    pub(crate) fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8; DIGEST_LEN],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        match (self, algorithm) {
            (Self::Rsa(it), SignatureAlgorithm::PssSha256) => it.sign_pss(digest),
            (Self::Rsa(it), SignatureAlgorithm::Pkcs1Sha256) => it.sign_pkcs1(digest),
            (Self::P256(it), SignatureAlgorithm::EcdsaSha256) => it.sign(digest),
            (Self::P256K(it), SignatureAlgorithm::EcdsaSha256) => it.sign(digest, random),
            (Self::Sm2(it), SignatureAlgorithm::Sm2Dsa) => it.sign(digest, random),
            _ => Err(BackendError::Unsupported),
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8; DIGEST_LEN],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        match (self, algorithm) {
            (Self::Rsa(it), SignatureAlgorithm::PssSha256) => it.verify_pss(digest, signature),
            (Self::Rsa(it), SignatureAlgorithm::Pkcs1Sha256) => it.verify_pkcs1(digest, signature),
            (Self::P256(it), SignatureAlgorithm::EcdsaSha256) => it.verify(digest, signature),
            (Self::P256K(it), SignatureAlgorithm::EcdsaSha256) => {
                Ok(p256k::verify(it.public(), digest, signature))
            }
            (Self::Sm2(it), SignatureAlgorithm::Sm2Dsa) => Ok(it.verify(digest, signature)),
            _ => Err(BackendError::Unsupported),
        }
    }

    /// Bytes it takes outside its own value.
    pub(crate) fn heap_len(&self) -> usize {
        match self {
            Self::Rsa(it) => it.heap_len(),
            Self::P256(_) => P256::HEAP_LEN,
            Self::P256K(_) => P256K::HEAP_LEN,
            Self::Sm2(_) => Sm2::HEAP_LEN,
        }
    }
}
