//! Secrets and their versions, in SQL.

use std::collections::BTreeMap;

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId, Invalid, KeyId, SecretName, Stage, VersionId},
    secret::{Managed, Secret, SecretVersion},
    tag::Tag,
    time::Timestamp,
};

use super::{
    rotations::paged,
    row::{Flag, Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, DueSecret, Listed, Match, Page, SecretFilter, Secrets, StoreError};

#[async_trait]
impl Secrets for Session {
    async fn secret(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Option<(Secret, Vec<Tag>)>, StoreError> {
        let found = sql("SELECT s.*, t.key AS tag_key, t.value AS tag_value FROM secrets s \
             LEFT JOIN tags t \
             ON t.account = s.account AND t.kind = 'secret' AND t.resource = s.name \
             WHERE s.account = $1 AND s.name = $2 ORDER BY t.key");
        let lines = self.all(found.bind(account.as_str()).bind(name.as_str())).await?;
        let mut secret = None;
        let mut tags = Vec::new();
        for Tagged(found, tag) in lines {
            secret = Some(found);
            tags.extend(tag);
        }
        Ok(secret.map(|it| (it, tags)))
    }

    async fn secret_versions(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Vec<SecretVersion>, StoreError> {
        let found = sql("SELECT id, created, data_type, key_version, sealed_data_key, \
             sealed_value FROM secret_versions WHERE account = $1 AND secret = $2 \
             ORDER BY number");
        self.all(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn secret_version_ids(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<Vec<VersionId>, StoreError> {
        let found = sql("SELECT id FROM secret_versions WHERE account = $1 AND secret = $2 \
             ORDER BY number");
        self.all(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn due_secrets(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError> {
        let due = sql("SELECT delete_at AS due, account, name FROM secrets \
             WHERE delete_at <= $1 AND (delete_at, account, name) > ($2, $3, $4) \
             ORDER BY delete_at, account, name LIMIT $5");
        self.all(paged(due, now, after, limit)).await
    }

    async fn list_secrets(
        &mut self,
        account: &AccountId,
        filter: &SecretFilter,
        page: Page,
    ) -> Result<Listed<Secret>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM secrets WHERE account = ",
            "SELECT * FROM secrets WHERE account = ",
            "created, name",
            page,
            |statement| filtered(statement.push_value(account.as_str()), filter),
        )
        .await
    }

    async fn count_secrets(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let count = sql("SELECT COUNT(*) AS number FROM secrets \
             WHERE instance = $1 AND (delete_at IS NULL OR delete_at > $2)");
        self.number(count.bind(instance.as_str()).bind(now)).await
    }

    async fn key_seals_secrets(&mut self, key: &KeyId) -> Result<bool, StoreError> {
        let found = sql("SELECT EXISTS (SELECT 1 FROM secrets WHERE key = $1) \
             OR EXISTS (SELECT 1 FROM secret_versions v \
                        JOIN key_versions k ON k.id = v.key_version WHERE k.key = $1) AS flag");
        Ok(self.first(found.bind(key.as_str())).await?.is_some_and(|Flag(it)| it))
    }

    async fn insert_secret(&mut self, secret: &Secret) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO secrets \
             (account, name, kind, instance, created, key, customer_key, description, updated, \
              delete_at, policy, stages, \
              config, automatic, rotation_interval, last_rotation, next_rotation, recent) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
                     $13, $14, $15, $16, $17, $18) \
             ON CONFLICT (account, name) DO NOTHING")
        .bind(secret.account.as_str())
        .bind(secret.name.as_str())
        .bind(secret.kind.as_str())
        .bind(secret.instance.as_ref().map(InstanceId::as_str))
        .bind(secret.created);
        let insert = bind_changeable(insert, secret);
        self.change(changed(&secret.account, &secret.name), insert).await
    }

    async fn update_secret(&mut self, secret: &Secret) -> Result<(), StoreError> {
        self.change(changed(&secret.account, &secret.name), update(secret)).await.map(drop)
    }

    async fn delete_secret(
        &mut self,
        account: &AccountId,
        name: &SecretName,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let tags = sql("DELETE FROM tags \
             WHERE account = $1 AND kind = 'secret' AND resource = $2");
        self.run(tags.bind(account.as_str()).bind(name.as_str())).await?;
        let delete = sql("DELETE FROM secrets WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(changed(account, name), delete).await.map(drop)
    }

    async fn insert_secret_version(
        &mut self,
        account: &AccountId,
        name: &SecretName,
        version: &SecretVersion,
    ) -> Result<(), StoreError> {
        self.change(changed(account, name), insert_version(account, name, version)).await.map(drop)
    }

    async fn put_secret_version(
        &mut self,
        secret: &Secret,
        version: &SecretVersion,
        evicted: Option<&VersionId>,
    ) -> Result<(), StoreError> {
        let (account, name) = (&secret.account, &secret.name);
        let mut put = insert_version(account, name, version).and(update(secret));
        if let Some(evicted) = evicted {
            self.added.shreds = true;
            put = put.and(delete_version(account, name, evicted));
        }
        self.run(put).await?;
        self.note(changed(account, name));
        Ok(())
    }

    async fn delete_secret_version(
        &mut self,
        account: &AccountId,
        name: &SecretName,
        version: &VersionId,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = delete_version(account, name, version);
        self.change(changed(account, name), delete).await.map(drop)
    }
}

fn delete_version(account: &AccountId, name: &SecretName, version: &VersionId) -> Statement {
    sql("DELETE FROM secret_versions WHERE account = $1 AND secret = $2 AND id = $3")
        .bind(account.as_str())
        .bind(name.as_str())
        .bind(version.as_str())
}

fn update(secret: &Secret) -> Statement {
    let update = sql("UPDATE secrets SET key = $3, customer_key = $4, description = $5, \
         updated = $6, delete_at = $7, policy = $8, stages = $9, \
         config = $10, automatic = $11, rotation_interval = $12, last_rotation = $13, \
         next_rotation = $14, recent = $15 \
         WHERE account = $1 AND name = $2")
    .bind(secret.account.as_str())
    .bind(secret.name.as_str());
    bind_changeable(update, secret)
}

fn insert_version(account: &AccountId, name: &SecretName, version: &SecretVersion) -> Statement {
    sql("INSERT INTO secret_versions \
         (account, secret, id, created, data_type, key_version, sealed_data_key, sealed_value) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(account.as_str())
    .bind(name.as_str())
    .bind(version.id.as_str())
    .bind(version.created)
    .bind(version.data_type.as_str())
    .bind(version.key_version.as_str())
    .bind(version.sealed_data_key.as_slice())
    .bind(version.sealed_value.as_slice())
}

fn changed(account: &AccountId, name: &SecretName) -> Change {
    Change::Secret(account.clone(), name.clone())
}

/// Binds what [`Secrets::insert_secret`] and [`Secrets::update_secret`] both end with.
fn bind_changeable(statement: Statement, secret: &Secret) -> Statement {
    let managed = secret.managed.as_ref();
    let recent = managed.map(|it| write_versions(&it.recent));
    statement
        .bind(secret.key.as_str())
        .bind(secret.customer_key)
        .bind(secret.description.as_str())
        .bind(secret.updated)
        .bind(secret.delete_at)
        .bind(secret.policy.as_deref())
        .bind(&write_stages(&secret.stages))
        .bind(managed.map(|it| it.config.as_str()))
        .bind(managed.map(|it| it.automatic.as_str()))
        .bind(managed.and_then(|it| it.interval))
        .bind(managed.and_then(|it| it.last_rotation))
        .bind(managed.and_then(|it| it.next_rotation))
        .bind(recent.as_deref())
}

fn filtered(statement: Statement, filter: &SecretFilter) -> Statement {
    let statement = statement
        .push_any(" AND instance IN", &filter.instances)
        .push_any(" AND kind IN", &filter.kinds)
        .push_any(" AND account IN", &filter.creators);
    let statement = match filter.alive_at {
        Some(now) => {
            statement.push(" AND (delete_at IS NULL OR delete_at > ").push_value(now).push(")")
        }
        None => statement,
    };
    let statement = any_of(statement, &filter.names, named);
    let statement = any_of(statement, &filter.descriptions, described);
    if filter.tag_keys.is_empty() && filter.tag_values.is_empty() {
        return statement;
    }
    statement
        .push(" AND EXISTS (SELECT 1 FROM tags t WHERE t.account = secrets.account")
        .push(" AND t.kind = 'secret' AND t.resource = secrets.name")
        .push_any(" AND t.key IN", &filter.tag_keys)
        .push_any(" AND t.value IN", &filter.tag_values)
        .push(")")
}

/// Adds ` AND (… OR …)`, one term for each alternative; nothing at all if there are none.
fn any_of<T>(
    statement: Statement,
    alternatives: &[T],
    term: fn(Statement, &T) -> Statement,
) -> Statement {
    if alternatives.is_empty() {
        return statement;
    }
    let terms = alternatives.iter().enumerate().fold(statement, |statement, (index, it)| {
        term(statement.push(if index == 0 { " AND (" } else { " OR " }), it)
    });
    terms.push(")")
}

/// Compares the column `name`. Not LIKE, which takes `%` and `_` for wildcards and on SQLite disregards case.
pub(super) fn named(statement: Statement, name: &Match) -> Statement {
    match name {
        Match::Exact(name) => statement.push("name = ").push_value(name),
        Match::Prefix(prefix) => statement
            .push("substr(name, 1, length(")
            .push_value(prefix)
            .push(")) = ")
            .push_value(prefix),
    }
}

/// `replace` changes a text that holds the part: the one way to ask that both engines know.
fn described(statement: Statement, part: &String) -> Statement {
    statement.push("replace(description, ").push_value(part).push(", '') <> description")
}

fn write_stages(stages: &BTreeMap<Stage, VersionId>) -> String {
    let pairs = stages.iter().map(|(stage, version)| (stage.as_str(), version.as_str().into()));
    serde_json::Value::from_iter::<Vec<(&str, serde_json::Value)>>(pairs.collect()).to_string()
}

fn read_stages(text: &str) -> Result<BTreeMap<Stage, VersionId>, Invalid> {
    let pairs: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| Invalid)?;
    pairs.iter().map(|(stage, version)| Ok((stage.parse()?, version.parse()?))).collect()
}

fn write_versions(versions: &[VersionId]) -> String {
    let ids = versions.iter().map(VersionId::as_str);
    ids.collect::<serde_json::Value>().to_string()
}

fn read_versions(text: &str) -> Result<Vec<VersionId>, Invalid> {
    let versions: Vec<String> = serde_json::from_str(text).map_err(|_| Invalid)?;
    versions.iter().map(|it| it.parse()).collect()
}

/// What a managed secret has besides: its config says that it is one.
fn read_managed(row: &Row) -> Result<Option<Managed>, Invalid> {
    let Some(config) = row.column("config")? else { return Ok(None) };
    Ok(Some(Managed {
        config,
        automatic: row.parsed("automatic")?,
        interval: row.column("rotation_interval")?,
        last_rotation: row.maybe_time("last_rotation")?,
        next_rotation: row.maybe_time("next_rotation")?,
        recent: read_versions(row.column("recent")?)?,
    }))
}

impl Readable for Secret {
    const TABLE: &'static str = "secrets";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            kind: row.parsed("kind")?,
            instance: row.maybe_parsed("instance")?,
            key: row.parsed("key")?,
            customer_key: row.column("customer_key")?,
            description: row.column("description")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
            delete_at: row.maybe_time("delete_at")?,
            policy: row.column("policy")?,
            stages: read_stages(row.column("stages")?)?,
            managed: read_managed(row)?,
        })
    }
}

impl Readable for DueSecret {
    const TABLE: &'static str = Secret::TABLE;

    fn read(row: &Row) -> Result<Self, Invalid> {
        let (account, name) = (row.column("account")?, row.column("name")?);
        Ok(Self { at: row.time("due")?, account, name })
    }
}

/// A secret, and one of its tags.
struct Tagged(Secret, Option<Tag>);

impl Readable for Tagged {
    const TABLE: &'static str = Secret::TABLE;

    fn read(row: &Row) -> Result<Self, Invalid> {
        let (key, value) = (row.maybe_parsed("tag_key")?, row.maybe_parsed("tag_value")?);
        let tag = key.zip(value).map(|(key, value)| Tag { key, value });
        Ok(Self(Secret::read(row)?, tag))
    }
}

impl Readable for VersionId {
    const TABLE: &'static str = SecretVersion::TABLE;

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.parsed("id")
    }
}

impl Readable for SecretVersion {
    const TABLE: &'static str = "secret_versions";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            created: row.time("created")?,
            data_type: row.parsed("data_type")?,
            key_version: row.parsed("key_version")?,
            sealed_data_key: row.column("sealed_data_key")?,
            sealed_value: row.column("sealed_value")?,
        })
    }
}
