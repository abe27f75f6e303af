//! `ListResourceTags`: the tags of one key. Source: keys.md §14.

use yaoku_model::{
    arn::KeyRef,
    ids::KeyId,
    tag::{Tag, TagKind},
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

/// A request for a key's tags.
#[derive(Debug)]
pub(super) struct ListResourceTags {
    key: KeyRef,
}

/// The answer: all of them, there are no pages.
#[derive(Debug)]
pub(super) struct Tags {
    key: KeyId,
    tags: Vec<Tag>,
}

impl Operation for ListResourceTags {
    const SPEC: &'static Spec = &Spec {
        name: "ListResourceTags",
        errors: &[KEY_BY_ID],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListResourceTags)",
        ..Spec::DEFAULT
    };

    type Response = Tags;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Tags, ApiError> {
        let key = call.key_by_id(&self.key).await?;
        let tags = call.tx()?.tags(&key.account, TagKind::Key, key.id.as_str()).await?;
        Ok(Tags { key: key.id, tags })
    }
}

impl Encode for Tags {
    fn encode(self) -> Fields {
        let Self { key, tags } = self;
        let tag = |it: Tag| {
            Fields::default()
                .text("KeyId", key.as_str())
                .text("TagKey", it.key.as_str())
                .text("TagValue", it.value.as_str())
        };
        Fields::default().list("Tags", "Tag", tags.into_iter().map(tag).collect())
    }
}
