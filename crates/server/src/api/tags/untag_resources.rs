//! `UntagResources`: takes the same tags, or all, away from several resources of one type.
//! Source: keys.md §14.

use yaoku_model::tag::{Tag, TagKey};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Action, Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED, LIVE_SECRET},
    error::ApiError,
};

use super::{remove, several::Several, tagged::Tagged};

/// A request to untag several resources.
#[derive(Debug)]
pub(super) struct UntagResources {
    on: Several,
    /// Which; none stands for all.
    keys: Vec<TagKey>,
}

impl Operation for UntagResources {
    const SPEC: &'static Spec = &Spec {
        name: "UntagResources",
        or_action: Some(Action::kms("UntagResource")),
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED, LIVE_SECRET, &[Code::DkmsInstanceNotFound]],
        example: &[
            ("RegionId", "cn-hangzhou"),
            ("ResourceType", "key"),
            ("ResourceId.1", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("TagKey.1", "team"),
            ("All", "false"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UntagResources)",
        ..Spec::DEFAULT
    };

    type Response = ();

    /// `All` counts only where no tag is named.
    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let on = Several::take(params)?;
        let keys: Vec<TagKey> = params.list("TagKey")?;
        let all = params.flag("All")?.unwrap_or(false);
        if keys.is_empty() && !all {
            return Err(ApiError::missing("TagKey"));
        }
        if keys.len() > Tag::MAX_PER_RESOURCE {
            return Err(ApiError::invalid("TagKey"));
        }
        Ok(Self { on, keys })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        for on in self.on.to_change(call).await? {
            if self.keys.is_empty() {
                let all = keys_of(call, &on).await?;
                remove(call, &on, &all).await?;
            } else {
                remove(call, &on, &self.keys).await?;
            }
        }
        Ok(())
    }
}

async fn keys_of(call: &mut Call<'_>, on: &Tagged) -> Result<Vec<TagKey>, ApiError> {
    let tags = call.tx()?.tags(&on.account, on.kind, &on.resource).await?;
    Ok(tags.into_iter().map(|it| it.key).collect())
}
