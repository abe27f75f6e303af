//! Tags, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, Invalid},
    tag::{Tag, TagKey, TagKind},
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Change, StoreError, TagQuery, TagRow, Tags};

#[async_trait]
impl Tags for Session {
    async fn tags(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
    ) -> Result<Vec<Tag>, StoreError> {
        let found = sql("SELECT key, value FROM tags \
             WHERE account = $1 AND kind = $2 AND resource = $3 ORDER BY key");
        self.all(found.bind(account.as_str()).bind(kind.as_str()).bind(resource)).await
    }

    async fn list_tags(
        &mut self,
        account: &AccountId,
        query: &TagQuery<'_>,
    ) -> Result<Vec<TagRow>, StoreError> {
        let mut found =
            sql("SELECT resource, key, value FROM tags t WHERE account = $1 AND kind = $2")
                .bind(account.as_str())
                .bind(query.kind.as_str())
                .push_any(" AND resource IN", query.resources);
        let gone = match query.kind {
            TagKind::Key => " AND NOT EXISTS (SELECT 1 FROM keys r WHERE r.id = t.resource",
            TagKind::Secret => {
                " AND NOT EXISTS (SELECT 1 FROM secrets r WHERE r.account = t.account \
                 AND r.name = t.resource"
            }
            _ => "",
        };
        if !gone.is_empty() {
            found = found.push(gone).push(" AND r.delete_at <= ").push_value(query.now).push(")");
        }
        for (key, value) in query.tags {
            found = found
                .push(" AND EXISTS (SELECT 1 FROM tags o WHERE o.account = t.account")
                .push(" AND o.kind = t.kind AND o.resource = t.resource AND o.key = ")
                .push_value(key.as_str());
            found = match value {
                Some(value) => found.push(" AND o.value = ").push_value(value.as_str()).push(")"),
                None => found.push(")"),
            };
        }
        if let Some((resource, key)) = query.after {
            found = found.push(" AND (resource, key) > (").push_value(resource);
            found = found.push(", ").push_value(key).push(")");
        }
        let found = found.push(" ORDER BY resource, key LIMIT ").push_value(query.limit);
        self.all(found.uncached()).await
    }

    async fn put_tag(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
        tag: &Tag,
    ) -> Result<(), StoreError> {
        let put = sql("INSERT INTO tags (account, kind, resource, key, value) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (account, kind, resource, key) DO UPDATE SET value = excluded.value")
        .bind(account.as_str())
        .bind(kind.as_str())
        .bind(resource)
        .bind(tag.key.as_str())
        .bind(tag.value.as_str());
        self.change(changed(account, kind, resource)?, put).await.map(drop)
    }

    async fn delete_tag(
        &mut self,
        account: &AccountId,
        kind: TagKind,
        resource: &str,
        key: &TagKey,
    ) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM tags \
             WHERE account = $1 AND kind = $2 AND resource = $3 AND key = $4")
        .bind(account.as_str())
        .bind(kind.as_str())
        .bind(resource)
        .bind(key.as_str());
        self.change(changed(account, kind, resource)?, delete).await.map(drop)
    }
}

fn changed(account: &AccountId, kind: TagKind, resource: &str) -> Result<Change, StoreError> {
    let change = match kind {
        TagKind::Key => resource.parse().map(Change::Key),
        TagKind::Secret => resource.parse().map(|name| Change::Secret(account.clone(), name)),
        TagKind::Instance => resource.parse().map(Change::Instance),
        TagKind::User => resource.parse().map(|name| Change::User(account.clone(), name)),
        TagKind::Group => resource.parse().map(|name| Change::Group(account.clone(), name)),
        TagKind::Role => resource.parse().map(|name| Change::Role(account.clone(), name)),
        TagKind::Policy => resource.parse().map(|name| Change::Policy(account.clone(), name)),
    };
    change.map_err(|Invalid| StoreError::Failed("a tag on what nothing can be called".to_owned()))
}

impl Readable for Tag {
    const TABLE: &'static str = "tags";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { key: row.parsed("key")?, value: row.parsed("value")? })
    }
}

impl Readable for TagRow {
    const TABLE: &'static str = "tags";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { resource: row.column("resource")?, tag: Tag::read(row)? })
    }
}
