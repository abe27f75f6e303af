//! Targets and rotations, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccessKeyId, AccountId, Invalid, SecretName, TargetId},
    secret::{Rotation, SecretVersion},
    target::Target,
    time::Timestamp,
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{DueSecret, Rotations, StoreError};

#[async_trait]
impl Rotations for Session {
    async fn target(
        &mut self,
        account: &AccountId,
        id: &TargetId,
    ) -> Result<Option<Target>, StoreError> {
        let found = sql("SELECT * FROM targets WHERE account = $1 AND id = $2");
        self.first(found.bind(account.as_str()).bind(id.as_str())).await
    }

    async fn targets(&mut self, account: &AccountId) -> Result<Vec<Target>, StoreError> {
        let found = sql("SELECT * FROM targets WHERE account = $1 ORDER BY id");
        self.all(found.bind(account.as_str())).await
    }

    async fn put_target(&mut self, target: &Target) -> Result<(), StoreError> {
        let put = sql("INSERT INTO targets \
             (account, id, engine, host, port, tls, ca, host_key, admin, created, updated) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (account, id) DO UPDATE SET engine = excluded.engine, \
             host = excluded.host, port = excluded.port, tls = excluded.tls, ca = excluded.ca, \
             host_key = excluded.host_key, admin = excluded.admin, updated = excluded.updated")
        .bind(target.account.as_str())
        .bind(target.id.as_str())
        .bind(target.engine.as_str())
        .bind(target.host.as_str())
        .bind(i64::from(target.port))
        .bind(target.tls.as_str())
        .bind(target.ca.as_deref())
        .bind(target.host_key.as_deref())
        .bind(target.admin.as_str())
        .bind(target.created)
        .bind(target.updated);
        self.run(put).await.map(drop)
    }

    async fn delete_target(
        &mut self,
        account: &AccountId,
        id: &TargetId,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM targets WHERE account = $1 AND id = $2");
        Ok(self.run(delete.bind(account.as_str()).bind(id.as_str())).await? > 0)
    }

    async fn rotation(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<Option<Rotation>, StoreError> {
        let found = sql("SELECT * FROM rotations WHERE account = $1 AND secret = $2");
        self.first(found.bind(account.as_str()).bind(secret.as_str())).await
    }

    async fn put_rotation(&mut self, rotation: &Rotation) -> Result<(), StoreError> {
        let put = sql("INSERT INTO rotations \
             (account, secret, version, step, started, tries, next_try, held_until, dying, \
              id, created, data_type, key_version, sealed_data_key, sealed_value) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (account, secret) DO UPDATE SET version = excluded.version, \
             step = excluded.step, started = excluded.started, tries = excluded.tries, \
             next_try = excluded.next_try, held_until = excluded.held_until, \
             dying = excluded.dying, id = excluded.id, created = excluded.created, data_type = excluded.data_type, \
             key_version = excluded.key_version, sealed_data_key = excluded.sealed_data_key, \
             sealed_value = excluded.sealed_value")
        .bind(rotation.account.as_str())
        .bind(rotation.secret.as_str())
        .bind(rotation.version.as_str())
        .bind(rotation.step.as_str())
        .bind(rotation.started)
        .bind(rotation.tries)
        .bind(rotation.next_try)
        .bind(rotation.held_until)
        .bind(rotation.dying.as_ref().map(AccessKeyId::as_str));
        self.run(bind_candidate(put, rotation.candidate.as_ref())).await.map(drop)
    }

    async fn delete_rotation(
        &mut self,
        account: &AccountId,
        secret: &SecretName,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM rotations WHERE account = $1 AND secret = $2");
        self.run(delete.bind(account.as_str()).bind(secret.as_str())).await.map(drop)
    }

    async fn due_rotations(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError> {
        let due = sql("SELECT next_try AS due, account, secret AS name FROM rotations \
             WHERE next_try <= $1 AND (next_try, account, secret) > ($2, $3, $4) \
             AND (held_until IS NULL OR held_until <= $1) \
             ORDER BY next_try, account, secret LIMIT $5");
        self.all(paged(due, now, after, limit)).await
    }

    async fn secrets_to_rotate(
        &mut self,
        now: Timestamp,
        after: Option<&DueSecret>,
        limit: i64,
    ) -> Result<Vec<DueSecret>, StoreError> {
        let due = sql("SELECT next_rotation AS due, account, name FROM secrets s \
             WHERE automatic = 'Enabled' AND next_rotation <= $1 \
             AND (next_rotation, account, name) > ($2, $3, $4) AND delete_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM rotations r \
                             WHERE r.account = s.account AND r.secret = s.name \
                             AND r.step <> 'settle') \
             ORDER BY next_rotation, account, name LIMIT $5");
        self.all(paged(due, now, after, limit)).await
    }
}

/// Binds the moment, where the page begins, and how long it is: `$1` to `$5`.
pub(super) fn paged(
    statement: Statement,
    now: Timestamp,
    after: Option<&DueSecret>,
    limit: i64,
) -> Statement {
    let first = Timestamp::from_unix_ms(i64::MIN);
    let (at, account, name) = after.map_or((first, "", ""), |it| (it.at, &*it.account, &*it.name));
    statement.bind(now).bind(at).bind(account).bind(name).bind(limit)
}

fn bind_candidate(statement: Statement, candidate: Option<&SecretVersion>) -> Statement {
    statement
        .bind(candidate.map(|it| it.id.as_str()))
        .bind(candidate.map(|it| it.created))
        .bind(candidate.map(|it| it.data_type.as_str()))
        .bind(candidate.map(|it| it.key_version.as_str()))
        .bind(candidate.map(|it| it.sealed_data_key.as_slice()))
        .bind(candidate.map(|it| it.sealed_value.as_slice()))
}

impl Readable for Target {
    const TABLE: &'static str = "targets";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            id: row.parsed("id")?,
            engine: row.parsed("engine")?,
            host: row.column("host")?,
            port: row.column::<i64>("port")?.try_into().map_err(|_| Invalid)?,
            tls: row.parsed("tls")?,
            ca: row.column("ca")?,
            host_key: row.column("host_key")?,
            admin: row.parsed("admin")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}

impl Readable for Rotation {
    const TABLE: &'static str = "rotations";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let candidate = row.column::<Option<&str>>("id")?.map(|_| SecretVersion::read(row));
        Ok(Self {
            account: row.parsed("account")?,
            secret: row.parsed("secret")?,
            version: row.parsed("version")?,
            candidate: candidate.transpose()?,
            step: row.parsed("step")?,
            started: row.time("started")?,
            tries: row.column("tries")?,
            next_try: row.time("next_try")?,
            held_until: row.maybe_time("held_until")?,
            dying: row.maybe_parsed("dying")?,
        })
    }
}
