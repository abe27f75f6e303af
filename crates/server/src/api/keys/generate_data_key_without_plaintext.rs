//! `GenerateDataKeyWithoutPlaintext`: makes a data key, and answers it sealed only.
//! Source: keys.md §9.6.

use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_NAME, WRONG_STATE},
    error::ApiError,
};

use super::{blob::Sealed, data_key::DataKey};

/// A request for a data key that the caller does not see yet.
#[derive(Debug)]
pub(super) struct GenerateDataKeyWithoutPlaintext(DataKey);

impl Operation for GenerateDataKeyWithoutPlaintext {
    const SPEC: &'static Spec = &Spec {
        name: "GenerateDataKeyWithoutPlaintext",
        effect: Effect::Use,
        errors: &[KEY_BY_NAME, WRONG_STATE, &[Code::UnsupportedOperation, Code::LimitExceeded]],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeySpec", "AES_256"),
            ("NumberOfBytes", "32"),
            ("EncryptionContext", r#"{"table":"users"}"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GenerateDataKeyWithoutPlaintext)",
        ..Spec::DEFAULT
    };

    type Response = Sealed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        DataKey::take(params).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Sealed, ApiError> {
        Ok(self.0.make(call, Self::ACTION).await?.0)
    }
}
