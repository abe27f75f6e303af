//! Cryptography with pairs of keys. Source: keys.md §10.

use std::{str::FromStr, sync::Arc};

use yaoku_crypto::backend::BackendError;
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    arn::KeyRef,
    ids::{Invalid, KeyId, KeyVersionId},
    key::{Key, KeyUsage},
    text::Wiped,
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};
use zeroize::Zeroizing;

use super::{Entry, bytes};
use crate::{
    call::{Ask, Call, UsableKey, VersionName},
    error::ApiError,
};

mod asymmetric_decrypt;
mod asymmetric_encrypt;
mod asymmetric_sign;
mod asymmetric_verify;
mod get_public_key;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<asymmetric_decrypt::AsymmetricDecrypt>(), //
    Entry::of::<asymmetric_encrypt::AsymmetricEncrypt>(),
    Entry::of::<asymmetric_sign::AsymmetricSign>(),
    Entry::of::<asymmetric_verify::AsymmetricVerify>(),
    Entry::of::<get_public_key::GetPublicKey>(),
];

/// The codes of all of them, besides a wrong state.
const PAIR: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasNotFound,
    Code::KeyVersionNotFound,
    Code::RejectedUnsupportedOperation,
];

/// A version of a pair, as a client names it: there is no primary one.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: KeyRef,
    pub(super) version: VersionName,
}

impl Pair {
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, version: params.required("KeyVersionId")? })
    }

    /// Finds it, if it encrypts like this.
    pub(super) async fn decrypts(
        &self,
        call: &mut Call<'_>,
        ask: Ask<'_>,
        algorithm: EncryptionAlgorithm,
    ) -> Result<UsableKey, ApiError> {
        let fits = |it: &Key| {
            it.usage == KeyUsage::EncryptDecrypt && algorithm.max_plaintext(it.spec).is_some()
        };
        call.usable_key_version(&self.key, &self.version, ask, fits).await
    }

    /// Finds it, if it signs like this.
    async fn signs(
        &self,
        call: &mut Call<'_>,
        ask: Ask<'_>,
        algorithm: SignatureAlgorithm,
    ) -> Result<UsableKey, ApiError> {
        let fits = |it: &Key| it.usage == KeyUsage::SignVerify && algorithm.fits(it.spec);
        call.usable_key_version(&self.key, &self.version, ask, fits).await
    }
}

/// Takes the algorithm. One that is for something else is as wrong as one of another kind of key.
/// Source: errors.md §4 (`Rejected.UnsupportedOperation`).
fn take_algorithm<T: FromStr<Err = Invalid>>(params: &mut Params) -> Result<T, ApiError> {
    let Known(name) = params.required("Algorithm")?;
    name.parse().map_err(|Invalid| Code::RejectedUnsupportedOperation.into())
}

/// The name of an algorithm of pairs.
struct Known(String);

impl FromStr for Known {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let signs = raw.parse::<SignatureAlgorithm>().is_ok();
        let known = signs || raw.parse::<EncryptionAlgorithm>().is_ok();
        if known { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

/// The parameter, and the one word for all that can be wrong with it.
const CIPHERTEXT: &str = "CiphertextBlob";

/// The longest ciphertext of any algorithm, in bytes. Source: keys.md §3.3.
const MAX_CIPHERTEXT: usize = 6144;

/// Takes what is to be opened.
pub(super) fn take_ciphertext(params: &mut Params) -> Result<Wiped, ApiError> {
    bytes::required(params, CIPHERTEXT, MAX_CIPHERTEXT)
}

/// Opens what was encrypted under a public key. What is wrong with it is not said.
pub(super) async fn open(
    call: &mut Call<'_>,
    used: &UsableKey,
    algorithm: EncryptionAlgorithm,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let (backend, key) = (Arc::clone(&call.node.backend), used.handle.clone());
    let ciphertext = ciphertext.to_vec();
    let open = move || backend.decrypt(&key, algorithm, &ciphertext);
    let opened = call.node.aside.run(used.handle.spec(), open).await?;
    opened.map_err(|error| match error {
        BackendError::DoesNotOpen => ApiError::invalid(CIPHERTEXT),
        other => other.into(),
    })
}

/// Which version did it: what every answer says.
#[derive(Debug)]
struct Done {
    key: KeyId,
    version: KeyVersionId,
}

impl Done {
    fn by(used: &UsableKey) -> Self {
        Self { key: used.key.key.id.clone(), version: used.version.clone() }
    }

    fn fields(&self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .text("KeyVersionId", self.version.as_str())
    }
}

#[cfg(test)]
pub(in crate::api) mod tests;
