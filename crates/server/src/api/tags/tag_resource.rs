//! `TagResource`: gives a key or a secret tags. Source: keys.md §14.

use yaoku_model::tag::Tag;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED, LIVE_SECRET},
    error::ApiError,
};

use super::{one::One, put, tags_in_json};

/// A request to tag one resource.
#[derive(Debug)]
pub(super) struct TagResource {
    on: One,
    tags: Vec<Tag>,
}

impl Operation for TagResource {
    const SPEC: &'static Spec = &Spec {
        name: "TagResource",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            KEY_FIXED,
            LIVE_SECRET,
            &[Code::CertificateNotFound, Code::LimitExceeded],
        ],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("SecretName", ""),
            ("CertificateId", ""),
            ("Tags", r#"[{"TagKey":"team","TagValue":"orders"}]"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, TagResource)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let tags = tags_in_json(params, "Tags")?;
        if tags.is_empty() {
            return Err(ApiError::missing("Tags"));
        }
        Ok(Self { on: One::take(params)?, tags })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let on = self.on.to_change(call).await?;
        put(call, &on, &self.tags).await
    }
}
