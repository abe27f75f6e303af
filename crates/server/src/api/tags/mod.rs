//! Operations on tags. Source: keys.md §14.

use std::collections::BTreeSet;

use yaoku_model::tag::{Tag, TagKey, TagValue};
use yaoku_wire::{error::Code, params::Params};

use super::Entry;
use crate::{call::Call, error::ApiError};

use tagged::Tagged;

mod list_resource_tags;
mod list_tag_resources;
mod one;
mod several;
mod tag_resource;
mod tag_resources;
mod tagged;
mod untag_resource;
mod untag_resources;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<list_resource_tags::ListResourceTags>(), //
    Entry::of::<list_tag_resources::ListTagResources>(),
    Entry::of::<tag_resource::TagResource>(),
    Entry::of::<tag_resources::TagResources>(),
    Entry::of::<untag_resource::UntagResource>(),
    Entry::of::<untag_resources::UntagResources>(),
];

/// Takes a JSON array of `{"TagKey","TagValue"}`, at most 20; absent is none. Source: keys.md §14.
pub(super) fn tags_in_json(params: &mut Params, name: &str) -> Result<Vec<Tag>, ApiError> {
    let Some(value) = params.json(name)? else { return Ok(Vec::new()) };
    let tags: Option<Vec<Tag>> = value.as_array().and_then(|it| it.iter().map(tag).collect());
    let tags = tags.ok_or_else(|| ApiError::invalid(name))?;
    must_differ(tags.iter().map(|it| &it.key), name)?;
    Ok(tags)
}

fn tag(value: &serde_json::Value) -> Option<Tag> {
    let key: TagKey = value.get("TagKey")?.as_str()?.parse().ok()?;
    let text = value.get("TagValue").map_or(Some(""), |it| it.as_str())?;
    let value: TagValue = text.parse().ok()?;
    Some(Tag { key, value })
}

/// No tag comes twice in one call, and no more come than a resource may have.
pub(super) fn must_differ<'a>(
    keys: impl ExactSizeIterator<Item = &'a TagKey>,
    name: &str,
) -> Result<(), ApiError> {
    let sent = keys.len();
    let different = keys.collect::<BTreeSet<_>>().len();
    if sent != different || sent > Tag::MAX_PER_RESOURCE {
        return Err(ApiError::invalid(name));
    }
    Ok(())
}

/// Gives a resource tags, or its tags other values; refused if it would have more than it may.
async fn put(call: &mut Call<'_>, on: &Tagged, tags: &[Tag]) -> Result<(), ApiError> {
    let (account, most) = (&on.account, call.node.limits.tags);
    let tx = call.tx()?;
    let before = tx.tags(account, on.kind, &on.resource).await?;
    let keys: BTreeSet<_> = before.iter().chain(tags).map(|it| &it.key).collect();
    if keys.len() > most {
        return Err(Code::LimitExceeded.into());
    }
    for tag in tags {
        tx.put_tag(account, on.kind, &on.resource, tag).await?;
    }
    Ok(())
}

/// Takes tags away. One that is not there is not missed.
async fn remove(call: &mut Call<'_>, on: &Tagged, keys: &[TagKey]) -> Result<(), ApiError> {
    let tx = call.tx()?;
    for key in keys {
        tx.delete_tag(&on.account, on.kind, &on.resource, key).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
