//! `UpdateRotationPolicy`: lets a key rotate by itself, or no longer. Source: keys.md §8.2, §8.3.

use yaoku_model::arn::KeyRef;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, WRONG_STATE},
    error::ApiError,
    versions,
};

use super::rotation;

/// A request to change the schedule of a key.
#[derive(Debug)]
pub(super) struct UpdateRotationPolicy {
    key: KeyRef,
    /// `None`: it is not to rotate by itself.
    seconds: Option<i64>,
}

impl Operation for UpdateRotationPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateRotationPolicy",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, WRONG_STATE, &[Code::RejectedUnsupportedOperation]],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "365d"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateRotationPolicy)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const ON: &str = "EnableAutomaticRotation";
        let key = params.required("KeyId")?;
        let seconds = if params.flag(ON)?.ok_or_else(|| ApiError::missing(ON))? {
            // One that is missing is not valid either. Source: keys.md §8.2 (inferred there).
            Some(rotation::interval(params)?.ok_or_else(rotation::invalid)?)
        } else {
            _ = params.text("RotationInterval");
            None
        };
        Ok(Self { key, seconds })
    }

    /// A key whose last rotation is longer ago than the interval rotates at once.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.must_take_a_rotation_policy(call.now)?;
        key.rotation_seconds = self.seconds;
        call.tx()?.update_key(&key).await?;
        let (node, now) = (call.node, call.now);
        versions::rotate_if_due(node, call.tx()?, &mut key, now).await?;
        Ok(())
    }
}
