//! The record of who used a key for what, in SQL.

use async_trait::async_trait;
use yaoku_model::ids::{Invalid, KeyId};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{KeyUse, KeyUses, Listed, Page, StoreError};

#[async_trait]
impl KeyUses for Session {
    async fn add_key_use(&mut self, added: &KeyUse) -> Result<(), StoreError> {
        let add = sql("INSERT INTO key_uses (key, caller, action, day, count, last) \
             SELECT id, $2, $3, $4, $5, $6 FROM keys WHERE id = $1 \
             ON CONFLICT (key, day, caller, action) DO UPDATE SET \
             count = key_uses.count + excluded.count, \
             last = CASE WHEN excluded.last > key_uses.last \
                    THEN excluded.last ELSE key_uses.last END")
        .bind(added.key.as_str())
        .bind(added.caller.as_str())
        .bind(added.action.as_str())
        .bind(added.day)
        .bind(added.count)
        .bind(added.last);
        self.run(add).await.map(drop)
    }

    async fn key_uses(
        &mut self,
        key: &KeyId,
        day: i64,
        page: Page,
    ) -> Result<Listed<KeyUse>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM (SELECT caller, action \
             FROM key_uses WHERE key = ",
            "SELECT * FROM (SELECT key, caller, action, MIN(day) AS day, \
             CAST(SUM(count) AS BIGINT) AS count, MAX(last) AS last \
             FROM key_uses WHERE key = ",
            "last DESC, caller, action",
            page,
            |statement| {
                let since = statement.push_value(key.as_str()).push(" AND day >= ").push_value(day);
                since.push(" GROUP BY key, caller, action) AS uses")
            },
        )
        .await
    }

    async fn delete_key_uses(&mut self, day: i64, limit: i64) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM key_uses WHERE (key, day, caller, action) IN \
             (SELECT key, day, caller, action FROM key_uses WHERE day < $1 LIMIT $2)");
        self.run(delete.bind(day).bind(limit)).await
    }
}

impl Readable for KeyUse {
    const TABLE: &'static str = "key_uses";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            key: row.parsed("key")?,
            caller: row.column("caller")?,
            action: row.column("action")?,
            day: row.column("day")?,
            count: row.column("count")?,
            last: row.time("last")?,
        })
    }
}
