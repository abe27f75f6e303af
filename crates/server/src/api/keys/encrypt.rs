//! `Encrypt`: seals a text under a symmetric key. Source: keys.md §9.4.

use yaoku_crypto::backend::{IV_LEN, TAG_LEN};
use yaoku_model::{
    arn::KeyRef,
    context::EncryptionContext,
    ids::{KeyId, KeyVersionId},
    text::Plaintext,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call, KEY_BY_NAME, UsableKey, WRONG_STATE},
    error::ApiError,
};

use super::context;

/// A request to encrypt.
#[derive(Debug)]
pub(super) struct Encrypt {
    key: KeyRef,
    plaintext: Plaintext,
    context: EncryptionContext,
}

/// The answer. It names the key's id even where the client named an alias.
#[derive(Debug)]
pub(super) struct Encrypted {
    key: KeyId,
    version: KeyVersionId,
    blob: Vec<u8>,
}

impl Operation for Encrypt {
    const SPEC: &'static Spec = &Spec {
        name: "Encrypt",
        effect: Effect::Use,
        errors: &[KEY_BY_NAME, WRONG_STATE, &[Code::UnsupportedOperation, Code::LimitExceeded]],
        secret_params: &["Plaintext"],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("Plaintext", "any text, as it is"),
            ("EncryptionContext", r#"{"table":"users"}"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, Encrypt)",
        ..Spec::DEFAULT
    };

    type Response = Encrypted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            key: params.required("KeyId")?,
            plaintext: params.required("Plaintext")?,
            context: context::take(params, "EncryptionContext")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Encrypted, ApiError> {
        let key = call.usable_key(&self.key, Ask::cipher(Self::ACTION, &self.context)).await?;
        seal(call, &key, &self.context, self.plaintext.expose())
    }
}

/// Seals `plaintext` into a blob that `Decrypt` takes. Source: keys.md §9.3.
pub(super) fn seal(
    call: &Call<'_>,
    key: &UsableKey,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Encrypted, ApiError> {
    let len = KeyVersionId::MAX_LEN + IV_LEN + plaintext.len() + TAG_LEN;
    let mut blob = Vec::with_capacity(len);
    blob.extend_from_slice(key.version.as_str().as_bytes());
    let aad = context::aad(context);
    call.node.backend.seal_into(&key.handle, aad.as_ref(), plaintext, call.random(), &mut blob)?;
    Ok(Encrypted { key: key.key.key.id.clone(), version: key.version.clone(), blob })
}

impl Encode for Encrypted {
    fn encode(self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .text("KeyVersionId", self.version.as_str())
            .base64("CiphertextBlob", &self.blob)
    }
}
