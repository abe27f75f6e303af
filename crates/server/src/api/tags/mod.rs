//! Operations on tags.

use yaoku_model::tag::{Tag, TagKey, TagValue};
use yaoku_wire::params::Params;

use super::Entry;
use crate::error::ApiError;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[];

/// Takes a JSON array of `{"TagKey","TagValue"}`, at most 20; absent is none. Source: keys.md §14.
pub(super) fn tags_in_json(params: &mut Params, name: &str) -> Result<Vec<Tag>, ApiError> {
    let Some(value) = params.json(name)? else { return Ok(Vec::new()) };
    let tags: Option<Vec<Tag>> = value.as_array().and_then(|it| it.iter().map(tag).collect());
    let tags = tags.ok_or_else(|| ApiError::invalid(name))?;
    let mut keys: Vec<_> = tags.iter().map(|it| &it.key).collect();
    keys.sort();
    keys.dedup();
    if keys.len() != tags.len() || tags.len() > Tag::MAX_PER_RESOURCE {
        return Err(ApiError::invalid(name));
    }
    Ok(tags)
}

fn tag(value: &serde_json::Value) -> Option<Tag> {
    let key: TagKey = value.get("TagKey")?.as_str()?.parse().ok()?;
    let text = value.get("TagValue").map_or(Some(""), |it| it.as_str())?;
    let value: TagValue = text.parse().ok()?;
    Some(Tag { key, value })
}
