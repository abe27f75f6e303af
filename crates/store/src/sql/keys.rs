//! Keys, versions and aliases, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, AliasName, InstanceId, Invalid, KeyId, KeyVersionId},
    key::{Alias, Key, KeyVersion},
    time::Timestamp,
};

use super::{
    row::{Number, Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, DueKey, KeyFilter, Keys, Listed, Page, StoreError};

#[async_trait]
impl Keys for Session {
    async fn key(&mut self, id: &KeyId) -> Result<Option<Key>, StoreError> {
        self.first(sql("SELECT * FROM keys WHERE id = $1").bind(id.as_str())).await
    }

    async fn key_of_version(&mut self, id: &KeyVersionId) -> Result<Option<KeyId>, StoreError> {
        let found = sql("SELECT key AS id FROM key_versions WHERE id = $1");
        self.first(found.bind(id.as_str())).await
    }

    async fn key_versions(&mut self, key: &KeyId) -> Result<Vec<KeyVersion>, StoreError> {
        let found = sql("SELECT id, key, created, sealed, fingerprint FROM key_versions \
             WHERE key = $1 ORDER BY created, number");
        self.all(found.bind(key.as_str())).await
    }

    async fn key_version(
        &mut self,
        key: &KeyId,
        version: &KeyVersionId,
    ) -> Result<Option<KeyVersion>, StoreError> {
        let found = sql("SELECT id, key, created, sealed, fingerprint FROM key_versions \
             WHERE key = $1 AND id = $2");
        self.first(found.bind(key.as_str()).bind(version.as_str())).await
    }

    async fn list_key_versions(
        &mut self,
        key: &KeyId,
        page: Page,
    ) -> Result<Listed<KeyVersion>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM key_versions WHERE key = ",
            "SELECT id, key, created, sealed, fingerprint FROM key_versions WHERE key = ",
            "created DESC, number DESC",
            page,
            |statement| statement.push_value(key.as_str()),
        )
        .await
    }

    async fn due_keys(
        &mut self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: i64,
    ) -> Result<Vec<DueKey>, StoreError> {
        let first = Timestamp::from_unix_ms(i64::MIN);
        let (at, id) = after.map_or((first, ""), |it| (it.at, &*it.id));
        let due = sql("SELECT due, id FROM keys \
             WHERE due <= $1 AND (due, id) > ($2, $3) ORDER BY due, id LIMIT $4");
        self.all(due.bind(now).bind(at).bind(id).bind(limit)).await
    }

    async fn expiring_keys(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&DueKey>,
        limit: i64,
    ) -> Result<Vec<Key>, StoreError> {
        let first = Timestamp::from_unix_ms(i64::MIN);
        let (at, id) = after.map_or((first, ""), |it| (it.at, &*it.id));
        let due =
            sql("SELECT * FROM keys WHERE due > $1 AND due <= $2 AND due = material_expires \
             AND (due, id) > ($3, $4) ORDER BY due, id LIMIT $5");
        self.all(due.bind(from).bind(until).bind(at).bind(id).bind(limit)).await
    }

    async fn list_keys(
        &mut self,
        account: &AccountId,
        filter: &KeyFilter,
        now: Timestamp,
        page: Page,
    ) -> Result<Listed<KeyId>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM keys WHERE account = ",
            "SELECT id FROM keys WHERE account = ",
            "created, id",
            page,
            |statement| filtered(statement.push_value(account.as_str()), filter, now),
        )
        .await
    }

    async fn count_keys(&mut self, account: &AccountId, now: Timestamp) -> Result<i64, StoreError> {
        let count = sql("SELECT COUNT(*) AS number FROM keys \
             WHERE account = $1 AND creator = 'User' AND (delete_at IS NULL OR delete_at > $2)");
        self.number(count.bind(account.as_str()).bind(now)).await
    }

    async fn count_default_keys(
        &mut self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let count = sql("SELECT COUNT(*) AS number FROM keys \
             WHERE account = $1 AND creator = 'User' AND instance IS NULL \
             AND (delete_at IS NULL OR delete_at > $2)");
        self.number(count.bind(account.as_str()).bind(now)).await
    }

    async fn count_key_versions(
        &mut self,
        instance: &InstanceId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let count = sql("SELECT COUNT(*) AS number \
             FROM key_versions v JOIN keys k ON k.id = v.key WHERE k.instance = $1 \
             AND (k.delete_at IS NULL OR k.delete_at > $2)");
        self.number(count.bind(instance.as_str()).bind(now)).await
    }

    async fn insert_key(&mut self, key: &Key) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO keys \
             (id, account, instance, spec, usage, origin, protection, state, creator, \
              description, created, primary_version, last_rotation, rotation_seconds, \
              delete_at, deletion_protection, material_expires, policy, due) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
              $17, $18, $19)")
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.instance.as_ref().map(InstanceId::as_str))
        .bind(key.spec.as_str())
        .bind(key.usage.as_str())
        .bind(key.origin.as_str())
        .bind(key.protection.as_str())
        .bind(key.state.as_str())
        .bind(key.creator.as_str())
        .bind(key.description.as_str())
        .bind(key.created);
        let insert = bind_changeable(insert, key);
        self.change(Change::Key(key.id.clone()), insert).await.map(drop)
    }

    async fn update_key(&mut self, key: &Key) -> Result<(), StoreError> {
        let update = sql("UPDATE keys SET state = $2, description = $3, primary_version = $4, \
             last_rotation = $5, rotation_seconds = $6, delete_at = $7, \
             deletion_protection = $8, material_expires = $9, policy = $10, due = $11 WHERE id = $1")
        .bind(key.id.as_str())
        .bind(key.state.as_str())
        .bind(key.description.as_str());
        let update = bind_changeable(update, key);
        self.change(Change::Key(key.id.clone()), update).await.map(drop)
    }

    async fn insert_key_version(&mut self, version: &KeyVersion) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO key_versions (id, key, created, sealed, fingerprint) \
             VALUES ($1, $2, $3, $4, $5)")
        .bind(version.id.as_str())
        .bind(version.key.as_str())
        .bind(version.created)
        .bind(version.sealed.as_slice())
        .bind(version.fingerprint.as_deref());
        self.change(Change::Key(version.key.clone()), insert).await.map(drop)
    }

    async fn update_key_version(&mut self, version: &KeyVersion) -> Result<(), StoreError> {
        self.added.shreds = true;
        let update = sql("UPDATE key_versions SET sealed = $2, fingerprint = $3 WHERE id = $1")
            .bind(version.id.as_str())
            .bind(version.sealed.as_slice())
            .bind(version.fingerprint.as_deref());
        self.change(Change::Key(version.key.clone()), update).await.map(drop)
    }

    async fn reserve_seals(
        &mut self,
        version: &KeyVersionId,
        count: i64,
    ) -> Result<Option<i64>, StoreError> {
        let update = sql("UPDATE key_versions SET seals = seals + $2 WHERE id = $1 \
             RETURNING seals AS number");
        let reserved: Option<Number> =
            self.first(update.bind(version.as_str()).bind(count)).await?;
        Ok(reserved.map(|Number(it)| it))
    }

    async fn delete_key(&mut self, id: &KeyId) -> Result<(), StoreError> {
        self.added.shreds = true;
        let aliases = sql("DELETE FROM aliases WHERE key = $1 \
             RETURNING account, name, key, created");
        for alias in self.all::<Alias>(aliases.bind(id.as_str())).await? {
            self.note(Change::Alias(alias.account, alias.name));
        }
        let tags = sql("DELETE FROM tags WHERE kind = 'key' AND resource = $1 \
             AND account = (SELECT account FROM keys WHERE id = $1)");
        self.run(tags.bind(id.as_str())).await?;
        let delete = sql("DELETE FROM keys WHERE id = $1").bind(id.as_str());
        self.change(Change::Key(id.clone()), delete).await.map(drop)
    }

    async fn alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<Option<Alias>, StoreError> {
        let found = sql("SELECT account, name, key, created FROM aliases \
             WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn list_aliases(
        &mut self,
        account: &AccountId,
        key: Option<&KeyId>,
        now: Timestamp,
        page: Page,
    ) -> Result<Listed<Alias>, StoreError> {
        let key: Vec<_> = key.iter().map(ToString::to_string).collect();
        self.listed(
            "SELECT COUNT(*) AS number FROM aliases WHERE account = ",
            "SELECT account, name, key, created FROM aliases WHERE account = ",
            "created, name",
            page,
            |statement| {
                let statement =
                    statement.push_value(account.as_str()).push_any(" AND key IN", &key);
                statement.push(OF_A_KEY).push_value(now).push(")")
            },
        )
        .await
    }

    async fn count_aliases(
        &mut self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let count = sql("SELECT COUNT(*) AS number FROM aliases WHERE account = ");
        let count = count.push_value(account.as_str()).push(OF_A_KEY).push_value(now).push(")");
        self.number(count).await
    }

    async fn insert_alias(&mut self, alias: &Alias) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO aliases (account, name, key, created) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account, name) DO NOTHING")
        .bind(alias.account.as_str())
        .bind(alias.name.as_str())
        .bind(alias.key.as_str())
        .bind(alias.created);
        self.change(Change::Alias(alias.account.clone(), alias.name.clone()), insert).await
    }

    async fn move_alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
        key: &KeyId,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE aliases SET key = $3 WHERE account = $1 AND name = $2");
        let update = update.bind(account.as_str()).bind(name.as_str()).bind(key.as_str());
        self.change(Change::Alias(account.clone(), name.clone()), update).await
    }

    async fn delete_alias(
        &mut self,
        account: &AccountId,
        name: &AliasName,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM aliases WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::Alias(account.clone(), name.clone()), delete).await
    }
}

/// Binds what [`Keys::insert_key`] and [`Keys::update_key`] both end with.
fn bind_changeable(statement: Statement, key: &Key) -> Statement {
    statement
        .bind(key.primary.as_ref().map(KeyVersionId::as_str))
        .bind(key.last_rotation)
        .bind(key.rotation_seconds)
        .bind(key.delete_at)
        .bind(key.deletion_protection.as_deref())
        .bind(key.material_expires)
        .bind(key.policy.as_deref())
        .bind(key.due())
}

/// Leaves out the aliases of keys that are gone; what follows is a time and a bracket.
const OF_A_KEY: &str =
    " AND NOT EXISTS (SELECT 1 FROM keys k WHERE k.id = aliases.key AND k.delete_at <= ";

fn filtered(statement: Statement, filter: &KeyFilter, now: Timestamp) -> Statement {
    let statement =
        statement.push(" AND (delete_at IS NULL OR delete_at > ").push_value(now).push(")");
    let statement = if filter.states.is_empty() {
        statement
    } else {
        statement
            .push(" AND CASE WHEN state IN ('Enabled', 'Disabled') AND material_expires <= ")
            .push_value(now)
            .push(" THEN 'PendingImport' ELSE state END")
            .push_any(" IN", &filter.states)
    };
    let statement = statement
        .push_any(" AND spec IN", &filter.specs)
        .push_any(" AND usage IN", &filter.usages)
        .push_any(" AND protection IN", &filter.protections)
        .push_any(" AND creator IN", &filter.creator_types)
        .push_any(" AND instance IN", &filter.instances)
        .push_any(" AND id IN", &filter.ids)
        .push_any(" AND account IN", &filter.creators);
    let statement = if filter.aliases.is_empty() {
        statement
    } else {
        statement
            .push(" AND EXISTS (SELECT 1 FROM aliases a WHERE a.key = keys.id")
            .push_any(" AND a.name IN", &filter.aliases)
            .push(")")
    };
    if filter.tag_keys.is_empty() && filter.tag_values.is_empty() {
        return statement;
    }
    statement
        .push(" AND EXISTS (SELECT 1 FROM tags t")
        .push(" WHERE t.account = keys.account AND t.kind = 'key' AND t.resource = keys.id")
        .push_any(" AND t.key IN", &filter.tag_keys)
        .push_any(" AND t.value IN", &filter.tag_values)
        .push(")")
}

impl Readable for Key {
    const TABLE: &'static str = "keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account")?,
            instance: row.maybe_parsed("instance")?,
            spec: row.parsed("spec")?,
            usage: row.parsed("usage")?,
            origin: row.parsed("origin")?,
            protection: row.parsed("protection")?,
            state: row.parsed("state")?,
            creator: row.parsed("creator")?,
            description: row.column("description")?,
            created: row.time("created")?,
            primary: row.maybe_parsed("primary_version")?,
            last_rotation: row.maybe_time("last_rotation")?,
            rotation_seconds: row.column("rotation_seconds")?,
            delete_at: row.maybe_time("delete_at")?,
            deletion_protection: row.column("deletion_protection")?,
            material_expires: row.maybe_time("material_expires")?,
            policy: row.column("policy")?,
        })
    }
}

impl Readable for KeyId {
    const TABLE: &'static str = "keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.parsed("id")
    }
}

impl Readable for DueKey {
    const TABLE: &'static str = "keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { at: row.time("due")?, id: row.column("id")? })
    }
}

impl Readable for KeyVersion {
    const TABLE: &'static str = "key_versions";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            key: row.parsed("key")?,
            created: row.time("created")?,
            sealed: row.column("sealed")?,
            fingerprint: row.column("fingerprint")?,
        })
    }
}

impl Readable for Alias {
    const TABLE: &'static str = "aliases";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            key: row.parsed("key")?,
            created: row.time("created")?,
        })
    }
}
