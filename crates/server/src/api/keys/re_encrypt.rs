//! `ReEncrypt`: opens a blob and seals its text under another key. Source: keys.md §9.8.

use yaoku_model::{
    arn::KeyRef,
    context::{CiphertextBlob, EncryptionContext},
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Action, Effect, Operation, Spec},
    call::{Ask, Call, KEY_BY_ID, WRONG_STATE},
    error::ApiError,
};

use super::{
    blob::{self, Sealed},
    context,
};

/// There is no action of the operation's own name. Source: identity.md §4.2.
const FROM: Action = Action::kms("ReEncryptFrom");
const TO: Action = Action::kms("ReEncryptTo");

/// What names an asymmetric source: all of them or none.
const SOURCE: [&str; 3] = ["SourceKeyId", "SourceKeyVersionId", "SourceEncryptionAlgorithm"];

/// A request to seal a text anew. The text is not shown to the caller.
#[derive(Debug)]
pub(super) struct ReEncrypt {
    blob: CiphertextBlob,
    source_context: EncryptionContext,
    key: KeyRef,
    context: EncryptionContext,
}

impl Operation for ReEncrypt {
    const SPEC: &'static Spec = &Spec {
        name: "ReEncrypt",
        effect: Effect::Use,
        errors: &[KEY_BY_ID, WRONG_STATE, &[Code::UnsupportedOperation, Code::LimitExceeded]],
        dry_run: true,
        example: &[
            ("CiphertextBlob", blob::EXAMPLE),
            ("SourceEncryptionContext", r#"{"table":"users"}"#),
            ("SourceKeyId", ""),
            ("SourceKeyVersionId", ""),
            ("SourceEncryptionAlgorithm", ""),
            ("DestinationKeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("DestinationEncryptionContext", r#"{"table":"clients"}"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ReEncrypt)",
        ..Spec::DEFAULT
    };

    type Response = Sealed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        refuse_asymmetric_source(params)?;
        Ok(Self {
            blob: blob::take(params)?,
            source_context: context::take(params, "SourceEncryptionContext")?,
            key: params.required("DestinationKeyId")?,
            context: context::take(params, "DestinationEncryptionContext")?,
        })
    }

    /// Both permissions and states come before the blob is tried.
    ///
    /// Answers the key and version that opened it, with the new blob.
    async fn run(&self, call: &mut Call<'_>) -> Result<Sealed, ApiError> {
        if self.key.is_alias() {
            return Err(Code::UnsupportedAlias.into());
        }
        let ask = Ask::cipher(FROM, &self.source_context);
        let from = call.usable_version(&self.blob.version, ask).await;
        // Who may not seal under the one key learns nothing of the other's state.
        let to = call.usable_key(&self.key, Ask::cipher(TO, &self.context)).await;
        let (from, to) = match (from, to) {
            (Err(error), Err(denied)) if denied.code() == Code::NoPermission => {
                return Err(if error.code() == Code::NoPermission { error } else { denied });
            }
            (from, to) => (from?, to?),
        };
        let text = blob::open(call, &from, &self.source_context, &self.blob)?;
        let sealed = blob::seal(call, &to, &self.context, text.expose())?;
        Ok(Sealed { key: from.key.key.id.clone(), version: from.version, blob: sealed.blob })
    }
}

/// Ciphertexts of public keys are not opened yet: there are no asymmetric keys.
fn refuse_asymmetric_source(params: &mut Params) -> Result<(), ApiError> {
    let sent = SOURCE.map(|name| params.text(name).is_some_and(|it| !it.is_empty()));
    match sent.iter().position(|it| !it) {
        None => Err(Code::UnsupportedOperation.into()),
        Some(missing) if sent.contains(&true) => Err(ApiError::missing(SOURCE[missing])),
        Some(_) => Ok(()),
    }
}
