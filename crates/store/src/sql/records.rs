//! What the program keeps for itself, in SQL.

use async_trait::async_trait;
use yaoku_model::{ids::Invalid, time::Timestamp};

use super::{
    feed::{NewEvent, NewNonce},
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{EventRow, Records, StoreError};

/// By the database's own clock, too, the time of a nonce has passed.
const PAST_THERE_TOO: &str =
    " AND kept_until < CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)";

#[async_trait]
impl Records for Session {
    async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let found = sql("SELECT value FROM settings WHERE name = $1").bind(name);
        Ok(self.first(found).await?.map(|Setting(it)| it))
    }

    async fn put_setting(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let put = sql("INSERT INTO settings (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value");
        self.run(put.bind(name).bind(value)).await.map(drop)
    }

    async fn insert_event(&mut self, node: &str, event: &[u8]) -> Result<(), StoreError> {
        self.added.events.push(NewEvent { node: node.to_owned(), event: event.to_vec() });
        Ok(())
    }

    async fn events(
        &mut self,
        node: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<EventRow>, StoreError> {
        let settled = self.settled_events(node, after, limit);
        self.all(settled).await
    }

    async fn delete_events(&mut self, node: &str, row: i64) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM events WHERE node = $1 AND number <= $2");
        self.run(delete.bind(node).bind(row)).await.map(drop)
    }

    async fn audit_head(&mut self, node: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = sql("SELECT head FROM audit_heads WHERE node = $1").bind(node);
        Ok(self.first(found).await?.map(|Head(it)| it))
    }

    async fn put_audit_head(&mut self, node: &str, head: &[u8]) -> Result<(), StoreError> {
        let put = sql("INSERT INTO audit_heads (node, head) VALUES ($1, $2) \
             ON CONFLICT (node) DO UPDATE SET head = excluded.head");
        self.run(put.bind(node).bind(head)).await.map(drop)
    }

    async fn use_nonce(&mut self, hash: &[u8], until: Timestamp) -> Result<(), StoreError> {
        self.added.nonce = Some(NewNonce { hash: hash.to_vec(), until });
        Ok(())
    }

    async fn delete_nonces(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM nonces WHERE hash IN (SELECT hash FROM nonces \
             WHERE kept_until < $1")
        .push(if self.is_shared() { PAST_THERE_TOO } else { "" })
        .push(" ORDER BY kept_until LIMIT $2)");
        self.run(delete.bind(before).bind(limit)).await
    }
}

struct Setting(String);

impl Readable for Setting {
    const TABLE: &'static str = "settings";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.column("value").map(Self)
    }
}

struct Head(Vec<u8>);

impl Readable for Head {
    const TABLE: &'static str = "audit_heads";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.column("head").map(Self)
    }
}

impl Readable for EventRow {
    const TABLE: &'static str = "events";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { row: row.column("number")?, event: row.column("event")? })
    }
}
