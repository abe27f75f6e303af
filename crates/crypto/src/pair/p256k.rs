//! ECDSA on secp256k1, by `k256`.

use k256::{
    SecretKey,
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::hazmat::{PrehashVerifier as _, RandomizedPrehashSigner as _},
    },
    elliptic_curve::Generate as _,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _},
};
use yaoku_model::random::Random;
use zeroize::Zeroizing;

use super::{DIGEST_LEN, REJECTED};
use crate::{backend::BackendError, random::Rng};

/// A pair.
pub(crate) struct P256K(Box<SigningKey>);

impl P256K {
    /// Bytes it takes outside its own value.
    pub(crate) const HEAP_LEN: usize = size_of::<SigningKey>();

    /// Fresh material.
    pub(crate) fn generate(random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&SecretKey::try_generate_from_rng(&mut Rng(random))?)
    }

    /// Reads PKCS#8, with or without the public key, which must belong to the private one.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, BackendError> {
        let key = SecretKey::from_pkcs8_der(pkcs8).map_err(|_| REJECTED)?;
        Ok(Self(Box::new(SigningKey::from(key))))
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        pkcs8_of(&SecretKey::from(self.0.as_nonzero_scalar()))
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, BackendError> {
        let der = self.0.verifying_key().to_public_key_der();
        Ok(der.map_err(|_| BackendError::Failed("secp256k1 wrote no public key"))?.into_vec())
    }

    /// The signature as DER. Its nonce is derived from key and digest (RFC 6979) and `random`.
    pub(crate) fn sign(
        &self,
        digest: &[u8; DIGEST_LEN],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        let signature: Signature = self
            .0
            .sign_prehash_with_rng(&mut Rng(random), digest)
            .map_err(|_| BackendError::Failed("secp256k1 did not sign"))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    pub(super) fn public(&self) -> &VerifyingKey {
        self.0.verifying_key()
    }
}

/// `k256` refuses the upper half of the numbers S, which others may well sign with: their mirror in
/// the lower half is as good a signature.
pub(super) fn verify(public: &VerifyingKey, digest: &[u8; DIGEST_LEN], signature: &[u8]) -> bool {
    Signature::from_der(signature)
        .is_ok_and(|it| public.verify_prehash(digest, &it.normalize_s()).is_ok())
}

fn pkcs8_of(key: &SecretKey) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let der = key.to_pkcs8_der().map_err(|_| BackendError::Failed("secp256k1 wrote no PKCS#8"))?;
    Ok(der.to_bytes())
}
