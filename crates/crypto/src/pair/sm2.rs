//! SM2 signatures and encryption, by `RustCrypto`'s `sm2`.

use std::fmt;

use sm2::{
    PublicKey, Scalar, SecretKey,
    dsa::{
        Signature, SigningKey,
        signature::hazmat::{PrehashVerifier as _, RandomizedPrehashSigner as _},
    },
    elliptic_curve::Generate as _,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
    },
    pke::{DecryptingKey, EncryptingKey, Mode},
};
use yaoku_model::random::Random;
use zeroize::Zeroizing;

use super::{DIGEST_LEN, REJECTED};
use crate::{backend::BackendError, random::Rng};

/// The signer's id of the standard. It is in no digest of ours: the caller has hashed it in.
const SIGNER: &str = "1234567812345678";

/// The first byte of a point that is written in full.
const FULL_POINT: u8 = 4;

/// Bytes of the private number.
pub(crate) const SCALAR_LEN: usize = 32;

/// A pair.
///
/// `DecryptingKey`'s own `Debug` writes out the private number, so this one's does not use it.
pub(crate) struct Sm2(Box<Halves>);

struct Halves {
    signs: SigningKey,
    decrypts: DecryptingKey,
}

impl Sm2 {
    /// Bytes it takes outside its own value.
    pub(crate) const HEAP_LEN: usize = size_of::<Halves>() + SIGNER.len();

    /// Fresh material.
    pub(crate) fn generate(random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&SecretKey::try_generate_from_rng(&mut Rng(random))?)
    }

    /// Reads PKCS#8, with or without the public key, which must belong to the private one.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, BackendError> {
        Self::new(&SecretKey::from_pkcs8_der(pkcs8).map_err(|_| REJECTED)?)
    }

    /// Of the private number, 32 bytes, big endian.
    pub(crate) fn from_scalar(scalar: &[u8; SCALAR_LEN]) -> Result<Self, BackendError> {
        Self::new(&SecretKey::from_slice(scalar).map_err(|_| REJECTED)?)
    }

    /// Fails for the one number below the order that cannot sign. Source: GB/T 32918.2, 6.1.
    fn new(key: &SecretKey) -> Result<Self, BackendError> {
        if bool::from((*key.to_nonzero_scalar() + Scalar::ONE).is_zero()) {
            return Err(REJECTED);
        }
        let signs = SigningKey::new(SIGNER, key).map_err(|_| REJECTED)?;
        let decrypts = DecryptingKey::new_with_mode(key.to_nonzero_scalar(), Mode::C1C3C2);
        Ok(Self(Box::new(Halves { signs, decrypts })))
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&SecretKey::from(self.0.signs.as_nonzero_scalar()))
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, BackendError> {
        let der = self.0.signs.verifying_key().to_public_key_der();
        Ok(der.map_err(|_| BackendError::Failed("SM2 wrote no public key"))?.into_vec())
    }

    pub(crate) fn public(&self) -> Sm2Public {
        Sm2Public(self.0.decrypts.encrypting_key().clone())
    }

    /// Opens point, hash and text (C1C3C2). Fails with `DoesNotOpen`, whatever is wrong.
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        if ciphertext.first() != Some(&FULL_POINT) {
            return Err(BackendError::DoesNotOpen);
        }
        let opened = self.0.decrypts.decrypt(ciphertext).map_err(|_| BackendError::DoesNotOpen)?;
        Ok(Zeroizing::new(opened))
    }

    /// The signature as DER. Its nonce is derived from key and digest and `random`.
    pub(crate) fn sign(
        &self,
        digest: &[u8; DIGEST_LEN],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let signature: Signature = self
            .0
            .signs
            .sign_prehash_with_rng(&mut Rng(random), digest)
            .map_err(|_| BackendError::Failed("SM2 did not sign"))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    pub(crate) fn verify(&self, digest: &[u8; DIGEST_LEN], signature: &[u8]) -> bool {
        let public = self.0.signs.verifying_key();
        Signature::from_der(signature).is_ok_and(|it| public.verify_prehash(digest, &it).is_ok())
    }
}

impl fmt::Debug for Sm2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2(..)")
    }
}

/// A public key that somebody else may hold the private half of.
pub(crate) struct Sm2Public(EncryptingKey);

impl Sm2Public {
    /// Reads DER `SubjectPublicKeyInfo`.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, BackendError> {
        let key = PublicKey::from_public_key_der(der).map_err(|_| REJECTED)?;
        Ok(Self(EncryptingKey::new_with_mode(key, Mode::C1C3C2)))
    }

    /// Point, hash and text (C1C3C2). Fails with `Failed` if `plaintext` is empty.
    pub(crate) fn encrypt(
        &self,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        self.0
            .encrypt(&mut Rng(random), plaintext)
            .map_err(|_| BackendError::Failed("SM2 did not encrypt"))
    }
}

fn pkcs8_of(key: &SecretKey) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let der = key.to_pkcs8_der().map_err(|_| BackendError::Failed("SM2 wrote no PKCS#8"))?;
    Ok(der.to_bytes())
}
