//! The contract for tags.

use async_trait::async_trait;
use yaoku_model::{
    ids::AccountId,
    tag::{Tag, TagKey, TagKind, TagValue},
    time::Timestamp,
};

use crate::StoreError;

/// Which tags to list, across resources. Source: keys.md §14.
#[derive(Clone, Debug)]
pub struct TagQuery<'a> {
    /// What they are on.
    pub kind: TagKind,
    /// These resources; empty is all.
    pub resources: &'a [String],
    /// Resources that carry all of these; without a value, any value will do.
    pub tags: &'a [(TagKey, Option<TagValue>)],
    /// Keys and secrets whose deletion date has come by then are gone, and so are their tags.
    pub now: Timestamp,
    /// Rows after this resource and tag key.
    pub after: Option<(&'a str, &'a str)>,
    /// At most so many rows.
    pub limit: i64,
}

/// One tag of one resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TagRow {
    /// The resource: a key's or an instance's id, a secret's name.
    pub resource: String,
    /// The tag.
    pub tag: Tag,
}

/// Tags of keys, secrets and instances. A resource is named by its id, a secret by its name.
#[async_trait]
pub trait Tags: Send {
    /// The tags of one resource, in order of their keys.
    async fn tags(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
    ) -> Result<Vec<Tag>, StoreError>;

    /// Lists tags across resources, in order of resource, then of tag key (bytewise).
    async fn list_tags(
        &mut self,
        account: &AccountId,
        query: &TagQuery<'_>,
    ) -> Result<Vec<TagRow>, StoreError>;

    /// Adds a tag, or gives it another value.
    async fn put_tag(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
        tag: &Tag,
    ) -> Result<(), StoreError>;

    /// Removes a tag, if it is there.
    async fn delete_tag(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
        key: &TagKey,
    ) -> Result<(), StoreError>;
}
