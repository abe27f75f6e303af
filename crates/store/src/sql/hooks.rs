//! Hooks, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    hook::{Hook, Way},
    ids::{AccountId, Invalid, SecretName},
    time::Timestamp,
};

use super::{
    rotations::paged,
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{DueSecret, Hooks, StoreError};

#[async_trait]
impl Hooks for Session {
    async fn hook(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<Option<Hook>, StoreError> {
        let found = sql("SELECT * FROM hooks WHERE account = $1 AND secret = $2");
        self.first(found.bind(account.as_str()).bind(secret.as_str())).await
    }

    async fn hooks(&mut self, account: &AccountId) -> Result<Vec<Hook>, StoreError> {
        let found = sql("SELECT * FROM hooks WHERE account = $1 ORDER BY secret");
        self.all(found.bind(account.as_str())).await
    }

    async fn put_hook(&mut self, hook: &Hook) -> Result<(), StoreError> {
        let (url, key, command) = match &hook.way {
            Way::Webhook { url, key } => (Some(url.as_str()), Some(key.as_str()), None),
            Way::Command(command) => (None, None, Some(command.lines())),
        };
        let put = sql("INSERT INTO hooks (account, secret, url, key, command, role, \
             rotation_interval, last_rotation, next_rotation, created, updated) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (account, secret) DO UPDATE SET url = excluded.url, \
             key = excluded.key, command = excluded.command, role = excluded.role, \
             rotation_interval = excluded.rotation_interval, \
             last_rotation = excluded.last_rotation, next_rotation = excluded.next_rotation, \
             updated = excluded.updated")
        .bind(hook.account.as_str())
        .bind(hook.secret.as_str())
        .bind(url)
        .bind(key)
        .bind(command.as_deref())
        .bind(hook.role.as_str())
        .bind(hook.interval)
        .bind(hook.last_rotation)
        .bind(hook.next_rotation)
        .bind(hook.created)
        .bind(hook.updated);
        self.run(put).await.map(drop)
    }

    async fn delete_hook(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM hooks WHERE account = $1 AND secret = $2");
        Ok(self.run(delete.bind(account.as_str()).bind(secret.as_str())).await? > 0)
    }

    async fn due_hooks(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError> {
        let due = sql("SELECT next_rotation AS due, account, secret AS name FROM hooks h \
             WHERE next_rotation <= $1 AND (next_rotation, account, secret) > ($2, $3, $4) \
             AND EXISTS (SELECT 1 FROM secrets s WHERE s.account = h.account \
                         AND s.name = h.secret AND s.delete_at IS NULL) \
             AND NOT EXISTS (SELECT 1 FROM rotations r \
                             WHERE r.account = h.account AND r.secret = h.secret) \
             ORDER BY next_rotation, account, secret LIMIT $5");
        self.all(paged(due, now, after, limit)).await
    }
}

impl Readable for Hook {
    const TABLE: &'static str = "hooks";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            secret: row.parsed("secret")?,
            way: match row.column::<Option<String>>("url")? {
                Some(url) => Way::Webhook { url, key: row.parsed("key")? },
                None => Way::Command(row.parsed("command")?),
            },
            role: row.parsed("role")?,
            interval: row.column("rotation_interval")?,
            last_rotation: row.maybe_time("last_rotation")?,
            next_rotation: row.maybe_time("next_rotation")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}
