//! `Encrypt`: seals a text under a symmetric key. Source: keys.md §9.4.

use yaoku_model::{arn::KeyRef, context::EncryptionContext, text::Plaintext};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call, KEY_BY_NAME, WRONG_STATE},
    error::ApiError,
};

use super::{
    blob::{self, Sealed},
    context,
};

/// A request to encrypt.
#[derive(Debug)]
pub(super) struct Encrypt {
    key: KeyRef,
    plaintext: Plaintext,
    context: EncryptionContext,
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

    type Response = Sealed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            key: params.required("KeyId")?,
            plaintext: params.required("Plaintext")?,
            context: context::take(params, "EncryptionContext")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Sealed, ApiError> {
        let key = call.usable_key(&self.key, Ask::cipher(Self::ACTION, &self.context)).await?;
        blob::seal(call, &key, &self.context, self.plaintext.expose()).await
    }
}
