//! Tags of what RAM knows: as they come with a call, choose from a list, and stand in it.
//! Source: identity.md §2.2, §2.3.

use std::collections::BTreeMap;

use yaoku_model::{
    tag::{Tag, TagKey, TagKind, TagValue},
    time::Timestamp,
};
use yaoku_store::TagQuery;
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use crate::{api::tags, call::Call, error::ApiError};

/// Takes `Tag.N.Key` and `Tag.N.Value` as they are to stand; no value is an empty one.
pub(super) fn tags(params: &mut Params) -> Result<Vec<Tag>, ApiError> {
    let tag = |(key, value): (_, Option<_>)| Tag { key, value: value.unwrap_or_default() };
    Ok(pairs(params)?.into_iter().map(tag).collect())
}

/// Takes `Tag.N.Key` and `Tag.N.Value`, no key twice, and at most as many as a thing may have.
fn pairs(params: &mut Params) -> Result<Vec<(TagKey, Option<TagValue>)>, ApiError> {
    let mut found = Vec::new();
    for mut record in params.records("Tag", &["Key", "Value"])? {
        found.push((record.required("Key")?, record.optional("Value")?));
    }
    tags::must_differ(found.iter().map(|(key, _)| key), "Tag")?;
    Ok(found)
}

/// Tags a new thing. Works on the transaction.
pub(super) async fn put(
    call: &mut Call<'_>,
    kind: TagKind,
    name: &str,
    tags: &[Tag],
) -> Result<(), ApiError> {
    let account = call.account();
    if tags.len() > call.node.limits.tags {
        return Err(Code::TooManyTag.into());
    }
    for tag in tags {
        call.tx()?.put_tag(account, kind, name, tag).await?;
    }
    Ok(())
}

/// Which things of a list are asked for: those that have all of these tags. Without a value, any
/// value will do.
#[derive(Debug)]
pub(super) struct Filter(Vec<(TagKey, Option<TagValue>)>);

impl Filter {
    /// Takes `Tag.N.Key` and `Tag.N.Value`.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        pairs(params).map(Self)
    }

    /// As the store is asked.
    pub(super) fn tags(&self) -> &[(TagKey, Option<TagValue>)] {
        &self.0
    }

    /// Whether everything is asked for.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of all things that are asked for, and their tags.
    pub(super) async fn matching(
        &self,
        call: &mut Call<'_>,
        kind: TagKind,
    ) -> Result<TagsOf, ApiError> {
        let query = TagQuery { tags: &self.0, ..all(kind, call.now) };
        find(call, query).await
    }
}

/// The tags of things, by their names.
#[derive(Debug, Default)]
pub(super) struct TagsOf(BTreeMap<String, Vec<Tag>>);

impl TagsOf {
    /// Finds the tags of the things with these names.
    pub(super) async fn named(
        call: &mut Call<'_>,
        kind: TagKind,
        names: &[String],
    ) -> Result<Self, ApiError> {
        if names.is_empty() {
            return Ok(Self::default());
        }
        let query = TagQuery { resources: names, ..all(kind, call.now) };
        find(call, query).await
    }

    /// Whether something has any.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The tags of one thing, each once.
    pub(super) fn take(&mut self, name: &str) -> Vec<Tag> {
        self.0.remove(name).unwrap_or_default()
    }
}

const fn all(kind: TagKind, now: Timestamp) -> TagQuery<'static> {
    TagQuery { kind, resources: &[], tags: &[], now, after: None, limit: i64::MAX }
}

async fn find(call: &mut Call<'_>, query: TagQuery<'_>) -> Result<TagsOf, ApiError> {
    let account = call.account();
    let mut found = TagsOf::default();
    for row in call.tx()?.list_tags(account, &query).await? {
        found.0.entry(row.resource).or_default().push(row.tag);
    }
    Ok(found)
}

/// Tags as a list shows them. Source: identity.md §2.3.
pub(super) fn encoded(fields: Fields, tags: &[Tag]) -> Fields {
    let tag = |it: &Tag| {
        Fields::default().text("TagKey", it.key.as_str()).text("TagValue", it.value.as_str())
    };
    fields.list("Tags", "Tag", tags.iter().map(tag).collect())
}
