//! The record of who used a key for what, in SQL.

use async_trait::async_trait;
use yaoku_model::ids::{Invalid, KeyId};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{KeyUse, KeyUses, StoreError};

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
        limit: i64,
    ) -> Result<Vec<KeyUse>, StoreError> {
        let uses = sql("SELECT key, caller, action, MIN(day) AS day, \
             CAST(SUM(count) AS BIGINT) AS count, MAX(last) AS last \
             FROM key_uses WHERE key = $1 AND day >= $2 GROUP BY key, caller, action \
             ORDER BY last DESC, caller, action LIMIT $3");
        self.all(uses.bind(key.as_str()).bind(day).bind(limit)).await
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
