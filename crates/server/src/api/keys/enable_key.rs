//! `EnableKey`: makes a key usable again. Source: keys.md §5, §6.4.

use yaoku_model::arn::KeyRef;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
    versions,
};

/// A request to enable a key.
#[derive(Debug)]
pub(super) struct EnableKey {
    key: KeyRef,
}

impl Operation for EnableKey {
    const SPEC: &'static Spec = &Spec {
        name: "EnableKey",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            &[Code::StateModifiedFailed, Code::KeyUnavailable, Code::UnsupportedOperation],
        ],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, EnableKey)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    /// A rotation that came due while it was suspended happens at once. Source: keys.md §8.3.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.enable(call.now)?;
        call.tx()?.update_key(&key).await?;
        let (node, now) = (call.node, call.now);
        versions::rotate_if_due(node, call.tx()?, &mut key, now).await?;
        Ok(())
    }
}
