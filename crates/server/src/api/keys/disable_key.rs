//! `DisableKey`: makes a key unusable until it is enabled again. Source: keys.md §5, §6.4.

use yaoku_model::arn::KeyRef;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

/// A request to disable a key.
#[derive(Debug)]
pub(super) struct DisableKey {
    key: KeyRef,
}

impl Operation for DisableKey {
    const SPEC: &'static Spec = &Spec {
        name: "DisableKey",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            &[Code::StateModifiedFailed, Code::KeyUnavailable, Code::UnsupportedOperation],
        ],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DisableKey)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.disable(call.now)?;
        Ok(call.tx()?.update_key(&key).await?)
    }
}
