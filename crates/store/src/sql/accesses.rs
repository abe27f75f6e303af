//! Whom the policies in an instance let in, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{InstanceId, Invalid},
    time::Timestamp,
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Accesses, PolicyText, Release, StoreError};

#[async_trait]
impl Accesses for Session {
    async fn policies_in(
        &mut self,
        instance: &InstanceId,
        since: Timestamp,
    ) -> Result<Vec<PolicyText>, StoreError> {
        let found = sql("SELECT 'key' AS object, id AS name, policy FROM keys \
             WHERE instance = $1 AND policy IS NOT NULL \
             AND (delete_at IS NULL OR delete_at > $2) \
             UNION ALL SELECT 'secret' AS object, name, policy FROM secrets \
             WHERE instance = $1 AND policy IS NOT NULL \
             AND (delete_at IS NULL OR delete_at > $2)");
        self.all(found.bind(instance.as_str()).bind(since)).await
    }

    async fn releases_in(
        &mut self,
        instance: &InstanceId,
        since: Timestamp,
    ) -> Result<Vec<Release>, StoreError> {
        let found = sql("SELECT instance, object, name, account, released FROM access_releases \
             WHERE instance = $1 AND released > $2");
        self.all(found.bind(instance.as_str()).bind(since)).await
    }

    async fn put_release(&mut self, release: &Release) -> Result<(), StoreError> {
        let put = sql("INSERT INTO access_releases (instance, object, name, account, released) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instance, object, name, account) \
             DO UPDATE SET released = excluded.released")
        .bind(release.instance.as_str())
        .bind(release.object.as_str())
        .bind(release.name.as_str())
        .bind(release.account.as_str())
        .bind(release.at);
        self.run(put).await.map(drop)
    }

    async fn delete_releases(&mut self, until: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM access_releases WHERE (instance, object, name, account) IN \
             (SELECT instance, object, name, account FROM access_releases \
              WHERE released <= $1 ORDER BY released LIMIT $2)");
        self.run(delete.bind(until).bind(limit)).await
    }
}

impl Readable for PolicyText {
    const TABLE: &'static str = "(policies of keys and secrets)";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            object: row.parsed("object")?,
            name: row.column("name")?,
            text: row.column("policy")?,
        })
    }
}

impl Readable for Release {
    const TABLE: &'static str = "access_releases";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            instance: row.parsed("instance")?,
            object: row.parsed("object")?,
            name: row.column("name")?,
            account: row.parsed("account")?,
            at: row.time("released")?,
        })
    }
}
