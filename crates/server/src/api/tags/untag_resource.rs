//! `UntagResource`: takes tags away from a key or a secret. Source: keys.md §14.

use yaoku_model::tag::{Tag, TagKey};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED, LIVE_SECRET},
    error::ApiError,
};

use super::{one::One, remove};

/// A request to untag one resource.
#[derive(Debug)]
pub(super) struct UntagResource {
    on: One,
    keys: Vec<TagKey>,
}

impl Operation for UntagResource {
    const SPEC: &'static Spec = &Spec {
        name: "UntagResource",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED, LIVE_SECRET, &[Code::CertificateNotFound]],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("SecretName", ""),
            ("CertificateId", ""),
            ("TagKeys", r#"["team"]"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UntagResource)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { keys: tag_keys(params)?, on: One::take(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let on = self.on.to_change(call).await?;
        remove(call, &on, &self.keys).await
    }
}

/// Takes `TagKeys`, 1 to 20 of them: a JSON array, as the samples send it, or texts with commas
/// between them, as the pages say. No tag key has a comma or a bracket.
fn tag_keys(params: &mut Params) -> Result<Vec<TagKey>, ApiError> {
    const NAME: &str = "TagKeys";
    let text = params.text(NAME).filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(NAME))?;
    let raw: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(|_| ApiError::invalid(NAME))?
    } else {
        text.split(',').map(|it| it.trim().to_owned()).collect()
    };
    if raw.is_empty() {
        return Err(ApiError::missing(NAME));
    }
    let keys: Result<Vec<TagKey>, _> = raw.iter().map(|it| it.parse()).collect();
    keys.ok().filter(|it| it.len() <= Tag::MAX_PER_RESOURCE).ok_or_else(|| ApiError::invalid(NAME))
}
