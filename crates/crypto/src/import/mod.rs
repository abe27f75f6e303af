//! Key material that its owner brings: a key pair to wrap it with, and the way back out of that.
//!
//! [`crate::backend::Backend::begin_import`] makes a pair and gives out its public half and a
//! token, which is the private half sealed; nothing is kept. What does not unwrap, for whatever
//! reason, is refused alike and late: `unwrap.rs` says why. Source: keys.md §12.

mod token;
mod unwrap;
mod wrap;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::{Choice, ConstantTimeEq as _};
use yaoku_model::{
    algorithm::{WrappingAlgorithm, WrappingKeySpec},
    ids::{AccountId, InstanceId, KeyId},
    key::KeySpec,
    random::Random,
    time::Timestamp,
};
use zeroize::Zeroizing;

pub use self::wrap::wrap_material;
use self::{token::Token, unwrap::unwrap};
use crate::{
    backend::{BackendError, KeyPlace, SealedMaterial},
    binding::{Label, bind, label},
    pair::{Pair, SCALAR_LEN, Sm2},
    rootkey::WrappingKey,
};

/// Which key material is brought for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ImportPlace<'a> {
    /// The key's owner.
    pub account: &'a AccountId,
    /// The instance it lives in; `None` is a default key.
    pub instance: Option<&'a InstanceId>,
    /// The key.
    pub key: &'a KeyId,
}

const TOKEN: Label = label("yaoku 1: the private key of an import token");
const FINGERPRINT: Label = label("yaoku 1: the fingerprint of imported material");

impl ImportPlace<'_> {
    fn aad(&self, what: Label, spec: KeySpec) -> Vec<u8> {
        let parts = [
            Some(self.account.as_str()),
            self.instance.map(InstanceId::as_str),
            Some(self.key.as_str()),
            Some(spec.as_str()),
        ];
        bind(what, &parts)
    }
}

impl<'a> From<&KeyPlace<'a>> for ImportPlace<'a> {
    fn from(place: &KeyPlace<'a>) -> Self {
        Self { account: place.account, instance: place.instance, key: place.key }
    }
}

/// What the owner of material needs to wrap it and bring it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ImportParameters {
    /// The key to wrap it with: DER `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// To be brought with it: opaque, sealed, at most 1.5 KiB.
    pub token: Vec<u8>,
}

/// Material that was unwrapped, fit for a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Imported {
    /// The material, sealed for its place.
    pub sealed: SealedMaterial,
    /// A digest of the material, sealed too: what later imports are compared with.
    pub fingerprint: Vec<u8>,
}

/// Why material was not imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// The token is not one of ours, or another key's.
    #[error("the import token is not of this key")]
    Token,
    /// The token's time is over.
    #[error("the import token is expired")]
    Expired,
    /// The material does not unwrap, is no key of this spec, or is not the first import's. Which
    /// of them is not said, nor does the time tell where unwrapping failed.
    #[error("the key material is invalid")]
    Material,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// See [`crate::backend::Backend::begin_import`].
pub(crate) fn begin(
    wrapping: &WrappingKey,
    spec: KeySpec,
    place: &ImportPlace<'_>,
    algorithm: WrappingAlgorithm,
    expires: Timestamp,
    random: &dyn Random,
) -> Result<ImportParameters, BackendError> {
    if !algorithm.fits(spec) {
        return Err(BackendError::Unsupported);
    }
    let kind = pair_of(algorithm);
    let private = Pair::generate(kind, random)?;
    let public_key = Pair::from_pkcs8(kind, &private)?.public_key()?;
    let token = Token { algorithm, expires, private };
    let token = token.seal(wrapping, &place.aad(TOKEN, spec), random)?;
    Ok(ImportParameters { public_key, token })
}

/// What is brought, and what it is compared with.
pub(crate) struct Bringing<'a> {
    pub(crate) token: &'a [u8],
    pub(crate) wrapped: &'a [u8],
    pub(crate) now: Timestamp,
    pub(crate) known: Option<&'a [u8]>,
}

/// See [`crate::backend::Backend::import`]. Everything is done to the end, then judged.
pub(crate) fn finish(
    wrapping: &WrappingKey,
    spec: KeySpec,
    place: &KeyPlace<'_>,
    brought: &Bringing<'_>,
    random: &dyn Random,
) -> Result<Imported, ImportError> {
    let bound = ImportPlace::from(place);
    let token = Token::open(wrapping, &bound.aad(TOKEN, spec), brought.token)?;
    if token.expires <= brought.now {
        return Err(ImportError::Expired);
    }
    let known = brought.known.map(|it| wrapping.open(&bound.aad(FINGERPRINT, spec), it));
    let known = known.transpose()?;

    let unwrapped = unwrap(&token, spec, brought.wrapped, random)?;
    let read = Read::of(spec, &unwrapped.bytes, &token, random)?;
    let print = digest(&SHA256, &read.material);
    let same = known.map_or(Choice::from(1), |it| it.as_slice().ct_eq(print.as_ref()));
    let sealed = wrapping.seal(&place.aad(spec), &read.material, random)?;
    let fingerprint = wrapping.seal(&bound.aad(FINGERPRINT, spec), print.as_ref(), random)?;
    if bool::from(unwrapped.right & read.right & same) {
        Ok(Imported { sealed: SealedMaterial(sealed), fingerprint })
    } else {
        Err(ImportError::Material)
    }
}

/// The kind of pair that unwraps an algorithm.
fn pair_of(algorithm: WrappingAlgorithm) -> KeySpec {
    match algorithm.wrapping_key() {
        WrappingKeySpec::Rsa2048 => KeySpec::Rsa2048,
        WrappingKeySpec::EcSm2 => KeySpec::EcSm2,
    }
}

/// Material in the form that is sealed; if it was none, something else as hard to come by.
struct Read {
    material: Zeroizing<Vec<u8>>,
    right: Choice,
}

impl Read {
    fn of(
        spec: KeySpec,
        bytes: &Zeroizing<Vec<u8>>,
        token: &Token,
        random: &dyn Random,
    ) -> Result<Self, BackendError> {
        if !spec.is_asymmetric() {
            // Its length is what was unwrapped for.
            return Ok(Self { material: bytes.clone(), right: Choice::from(1) });
        }
        match pair(spec, bytes).and_then(|it| it.to_pkcs8()) {
            Ok(material) => Ok(Self { material, right: Choice::from(1) }),
            Err(_) => Ok(Self { material: decoy(spec, token, random)?, right: Choice::from(0) }),
        }
    }
}

/// Reads PKCS#8, or the private number alone where the key is SM2's.
fn pair(spec: KeySpec, bytes: &[u8]) -> Result<Pair, BackendError> {
    match <&[u8; SCALAR_LEN]>::try_from(bytes) {
        Ok(scalar) if spec == KeySpec::EcSm2 => Sm2::from_scalar(scalar).map(Pair::Sm2),
        _ => Pair::from_pkcs8(spec, bytes),
    }
}

/// What takes about as long as reading a pair: bytes that are none are refused much faster.
///
/// A fresh pair on a curve; as there is no time to make one of RSA, the token's is read again,
/// more often for longer keys: twice for 3072 bits and four times for 4096. `benches/imports.rs`
/// measures it.
fn decoy(
    spec: KeySpec,
    token: &Token,
    random: &dyn Random,
) -> Result<Zeroizing<Vec<u8>>, BackendError> {
    let Some(len) = spec.modulus_len() else {
        return pair(spec, &Pair::generate(spec, random)?)?.to_pkcs8();
    };
    for _ in 0..(len / 128).pow(2) / 4 {
        token.pair()?;
    }
    Ok(token.private.clone())
}
