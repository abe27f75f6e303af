//! Ciphertext blobs: taken from a call, made and opened. Source: keys.md §9.3.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_crypto::backend::{BackendError, IV_LEN, TAG_LEN};
use yaoku_model::{
    context::{CiphertextBlob, EncryptionContext},
    ids::{KeyId, KeyVersionId},
    text::Plaintext,
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    call::{Call, UsableKey},
    error::ApiError,
    seals,
};

use super::context;

/// The parameter, and the one word for all that can be wrong with it.
const NAME: &str = "CiphertextBlob";

/// A blob for the examples of operations: a version id and 33 bytes.
pub(super) const EXAMPLE: &str =
    "ODZhOWVmZDktM2QxNi00ODk0LWJkNGYtMWZjNDNmM2YyYWJmAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

/// What was sealed, and by which key. It names the key's id even where the client named an alias.
#[derive(Debug)]
pub(super) struct Sealed {
    /// The key.
    pub(super) key: KeyId,
    /// Its version.
    pub(super) version: KeyVersionId,
    /// The blob.
    pub(super) blob: Vec<u8>,
}

/// Takes the blob that is to be opened.
pub(super) fn take(params: &mut Params) -> Result<CiphertextBlob, ApiError> {
    let text = params.text(NAME).filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(NAME))?;
    let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| invalid())?;
    CiphertextBlob::decode(&bytes).map_err(|_| invalid())
}

/// Seals `plaintext` into a blob that `Decrypt` takes. A dry run seals nothing, for each seal counts:
/// its blob is empty.
pub(super) async fn seal(
    call: &mut Call<'_>,
    key: &UsableKey,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Sealed, ApiError> {
    let (key_id, version) = (key.key.key.id.clone(), key.version.clone());
    if call.dry_run {
        return Ok(Sealed { key: key_id, version, blob: Vec::new() });
    }
    let len = KeyVersionId::MAX_LEN + IV_LEN + plaintext.len() + TAG_LEN;
    let mut blob = Vec::with_capacity(len);
    blob.extend_from_slice(key.version.as_str().as_bytes());
    let aad = context::aad(context);
    let (node, handle) = (call.node, &key.handle);
    let random = &*node.random;
    while let Err(error) =
        node.backend.seal_into(handle, aad.as_ref(), plaintext, random, &mut blob)
    {
        seals::must_be_out_of_them(error)?;
        seals::reserve(node, key).await?;
    }
    Ok(Sealed { key: key_id, version, blob })
}

/// Opens a blob. Whether the bytes, the key or the context are other ones is not said.
pub(super) fn open(
    call: &Call<'_>,
    key: &UsableKey,
    context: &EncryptionContext,
    blob: &CiphertextBlob,
) -> Result<Plaintext, ApiError> {
    let aad = context::aad(context);
    let opened = call.node.backend.open(&key.handle, aad.as_ref(), &blob.sealed);
    let opened = opened.map_err(|error| match error {
        // A blob that begins with the version of another kind of key. Source: keys.md §9.3.
        BackendError::DoesNotOpen | BackendError::Unsupported => invalid(),
        other => other.into(),
    })?;
    Plaintext::opened(opened).map_err(|_| invalid())
}

fn invalid() -> ApiError {
    ApiError::invalid(NAME)
}

impl Encode for Sealed {
    fn encode(self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .text("KeyVersionId", self.version.as_str())
            .base64(NAME, &self.blob)
    }
}
