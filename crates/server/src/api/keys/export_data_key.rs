//! `ExportDataKey`: opens a data key and wraps it for a public key of the client's.
//! Source: keys.md §9.7.

use yaoku_model::{
    context::{CiphertextBlob, EncryptionContext},
    ids::{KeyId, KeyVersionId},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{blob, context, export::Wrapper};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call, WRONG_STATE},
    error::ApiError,
};

/// A request to export a data key.
#[derive(Debug)]
pub(super) struct ExportDataKey {
    blob: CiphertextBlob,
    context: EncryptionContext,
    wrapper: Wrapper,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Exported {
    key: KeyId,
    version: KeyVersionId,
    wrapped: Vec<u8>,
}

impl Operation for ExportDataKey {
    const SPEC: &'static Spec = &Spec {
        name: "ExportDataKey",
        effect: Effect::Use,
        errors: &[WRONG_STATE, &[Code::KeyNotFound, Code::UnsupportedOperation]],
        dry_run: true,
        example: &[
            ("CiphertextBlob", blob::EXAMPLE),
            ("EncryptionContext", r#"{"table":"users"}"#),
            ("PublicKeyBlob", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAndKfC2ReLL2+y8a0"),
            ("WrappingKeySpec", "RSA_2048"),
            ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ExportDataKey)",
        ..Spec::DEFAULT
    };

    type Response = Exported;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            blob: blob::take(params)?,
            context: context::take(params, "EncryptionContext")?,
            wrapper: Wrapper::take(params)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Exported, ApiError> {
        let ask = Ask::cipher(Self::ACTION, &self.context);
        let key = call.usable_version(&self.blob.version, ask).await?;
        let text = blob::open(call, &key, &self.context, &self.blob)?;
        let wrapped = self.wrapper.wrap(call, text.expose())?;
        Ok(Exported { key: key.key.key.id.clone(), version: key.version, wrapped })
    }
}

impl Encode for Exported {
    fn encode(self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .text("KeyVersionId", self.version.as_str())
            .base64("ExportedDataKey", &self.wrapped)
    }
}
