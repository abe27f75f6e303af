//! `GenerateDataKey`: makes a data key, and answers it open and sealed. Source: keys.md §9.6.

use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_NAME, WRONG_STATE},
    error::ApiError,
};

use super::{
    blob::Sealed,
    data_key::{DataKey, DataKeyText},
    recipient,
};

/// A request for a data key.
#[derive(Debug)]
pub(super) struct GenerateDataKey(DataKey);

/// The answer.
pub(super) struct Generated {
    sealed: Sealed,
    plaintext: DataKeyText,
}

impl Operation for GenerateDataKey {
    const SPEC: &'static Spec = &Spec {
        name: "GenerateDataKey",
        effect: Effect::Use,
        errors: &[KEY_BY_NAME, WRONG_STATE, &[Code::UnsupportedOperation, Code::LimitExceeded]],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeySpec", "AES_256"),
            ("NumberOfBytes", "32"),
            ("EncryptionContext", r#"{"table":"users"}"#),
            ("Recipient", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GenerateDataKey)",
        ..Spec::DEFAULT
    };

    type Response = Generated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        recipient::refuse(params)?;
        DataKey::take(params).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Generated, ApiError> {
        let (sealed, plaintext) = self.0.make(call, Self::ACTION).await?;
        Ok(Generated { sealed, plaintext })
    }
}

impl Encode for Generated {
    fn encode(self) -> Fields {
        self.sealed.encode().secret("Plaintext", self.plaintext.as_str())
    }
}
