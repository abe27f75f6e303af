//! `GenerateAndExportDataKey`: makes a data key; answers it sealed, and wrapped for a public key of
//! the client's. Source: keys.md §9.7.

use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{blob::Sealed, data_key::DataKey, export::Wrapper};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_NAME, WRONG_STATE},
    error::ApiError,
};

/// A request for a data key that nobody sees open.
#[derive(Debug)]
pub(super) struct GenerateAndExportDataKey {
    data_key: DataKey,
    wrapper: Wrapper,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Generated {
    sealed: Sealed,
    wrapped: Vec<u8>,
}

impl Operation for GenerateAndExportDataKey {
    const SPEC: &'static Spec = &Spec {
        name: "GenerateAndExportDataKey",
        effect: Effect::Use,
        errors: &[KEY_BY_NAME, WRONG_STATE, &[Code::UnsupportedOperation, Code::LimitExceeded]],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeySpec", "AES_256"),
            ("NumberOfBytes", "32"),
            ("EncryptionContext", r#"{"table":"users"}"#),
            ("PublicKeyBlob", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAndKfC2ReLL2+y8a0"),
            ("WrappingKeySpec", "RSA_2048"),
            ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GenerateAndExportDataKey)",
        ..Spec::DEFAULT
    };

    type Response = Generated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (wrapper, data_key) = (Wrapper::take(params)?, DataKey::take(params)?);
        if data_key.len() > wrapper.longest() {
            return Err(ApiError::invalid("NumberOfBytes"));
        }
        Ok(Self { data_key, wrapper })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Generated, ApiError> {
        let (sealed, text) = self.data_key.make(call, Self::ACTION).await?;
        let wrapped = self.wrapper.wrap(call, text.as_bytes())?;
        Ok(Generated { sealed, wrapped })
    }
}

impl Encode for Generated {
    fn encode(self) -> Fields {
        self.sealed.encode().base64("ExportedDataKey", &self.wrapped)
    }
}
