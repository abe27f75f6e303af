//! `TagResources`: gives several resources of one type the same tags. Source: keys.md §14.

use yaoku_model::tag::Tag;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Action, Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED, LIVE_SECRET},
    error::ApiError,
};

use super::{must_differ, put, several::Several};

/// A request to tag several resources.
#[derive(Debug)]
pub(super) struct TagResources {
    on: Several,
    tags: Vec<Tag>,
}

impl Operation for TagResources {
    const SPEC: &'static Spec = &Spec {
        name: "TagResources",
        or_action: Some(Action::kms("TagResource")),
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            KEY_FIXED,
            LIVE_SECRET,
            &[Code::DkmsInstanceNotFound, Code::LimitExceeded],
        ],
        example: &[
            ("RegionId", "cn-hangzhou"),
            ("ResourceType", "key"),
            ("ResourceId.1", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, TagResources)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let on = Several::take(params)?;
        let mut tags = Vec::new();
        for mut tag in params.records("Tag", &["Key", "Value"])? {
            let value = tag.optional("Value")?.unwrap_or_default();
            tags.push(Tag { key: tag.required("Key")?, value });
        }
        if tags.is_empty() {
            return Err(ApiError::missing("Tag"));
        }
        must_differ(tags.iter().map(|it| &it.key), "Tag")?;
        Ok(Self { on, tags })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        for on in self.on.to_change(call).await? {
            put(call, &on, &self.tags).await?;
        }
        Ok(())
    }
}
