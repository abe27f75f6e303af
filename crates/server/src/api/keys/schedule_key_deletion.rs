//! `ScheduleKeyDeletion`: lets a key wait for its deletion. Source: keys.md §5, §6.5.

use yaoku_model::{arn::KeyRef, key::Key};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
    notices,
};

/// A request to delete a key some day.
#[derive(Debug)]
pub(super) struct ScheduleKeyDeletion {
    key: KeyRef,
    days: i64,
}

impl Operation for ScheduleKeyDeletion {
    const SPEC: &'static Spec = &Spec {
        name: "ScheduleKeyDeletion",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            &[
                Code::StateModifiedFailed,
                Code::UnsupportedOperation,
                Code::RejectedUnsupportedOperation,
            ],
        ],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("PendingWindowInDays", "30"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ScheduleKeyDeletion)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let days = params.integer("PendingWindowInDays", Key::DELETION_DAYS)?;
        Ok(Self {
            key: params.required("KeyId")?,
            days: days.unwrap_or(Key::DEFAULT_DELETION_DAYS),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.schedule_deletion(self.days, call.now)?;
        call.tx()?.update_key(&key).await?;
        let (node, now) = (call.node, call.now);
        notices::key_goes(node, call.tx()?, &key, now).await
    }
}
