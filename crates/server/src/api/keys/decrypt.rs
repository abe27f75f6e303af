//! `Decrypt`: opens what `Encrypt` or `GenerateDataKey` sealed. Source: keys.md §9.5.

use yaoku_model::{
    context::{CiphertextBlob, EncryptionContext},
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
    call::{Ask, Call, WRONG_STATE},
    error::ApiError,
};

use super::{blob, context, recipient};

/// A request to decrypt. It names no key: the blob does.
#[derive(Debug)]
pub(super) struct Decrypt {
    blob: CiphertextBlob,
    context: EncryptionContext,
}

/// The answer. The version is the one that sealed, not today's primary.
#[derive(Debug)]
pub(super) struct Decrypted {
    key: KeyId,
    version: KeyVersionId,
    plaintext: Plaintext,
}

impl Operation for Decrypt {
    const SPEC: &'static Spec = &Spec {
        name: "Decrypt",
        effect: Effect::Use,
        errors: &[WRONG_STATE, &[Code::KeyNotFound, Code::UnsupportedOperation]],
        dry_run: true,
        example: &[
            ("CiphertextBlob", blob::EXAMPLE),
            ("EncryptionContext", r#"{"table":"users"}"#),
            ("Recipient", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, Decrypt)",
        ..Spec::DEFAULT
    };

    type Response = Decrypted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        recipient::refuse(params)?;
        Ok(Self { blob: blob::take(params)?, context: context::take(params, "EncryptionContext")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Decrypted, ApiError> {
        let ask = Ask::cipher(Self::ACTION, &self.context);
        let key = call.usable_version(&self.blob.version, ask).await?;
        let plaintext = blob::open(call, &key, &self.context, &self.blob)?;
        Ok(Decrypted { key: key.key.key.id.clone(), version: key.version, plaintext })
    }
}

impl Encode for Decrypted {
    fn encode(self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .text("KeyVersionId", self.version.as_str())
            .secret("Plaintext", self.plaintext.expose_text())
    }
}
