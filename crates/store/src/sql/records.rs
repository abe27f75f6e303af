//! What the program keeps for itself, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{InstanceId, Invalid},
    time::Timestamp,
};

use super::{
    feed::NewEvent,
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Change, EventRow, Records, StoreError, WrappingKeyRow};

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

    async fn wrapping_keys(&mut self) -> Result<Vec<WrappingKeyRow>, StoreError> {
        self.all(sql("SELECT account, instance, sealed FROM wrapping_keys \
             ORDER BY account, instance"))
            .await
    }

    async fn insert_wrapping_key(&mut self, row: &WrappingKeyRow) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO wrapping_keys (account, instance, sealed) \
             VALUES ($1, $2, $3)")
        .bind(row.account.as_str())
        .bind(row.instance.as_ref().map_or("", InstanceId::as_str))
        .bind(row.sealed.as_slice());
        self.change(Change::Account(row.account.clone()), insert).await.map(drop)
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

    async fn insert_nonce(&mut self, hash: &[u8], until: Timestamp) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO nonces (hash, kept_until) VALUES ($1, $2) \
             ON CONFLICT (hash) DO NOTHING");
        Ok(self.run(insert.bind(hash).bind(until)).await? > 0)
    }

    async fn delete_nonces(&mut self, before: Timestamp) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM nonces WHERE kept_until < $1");
        self.run(delete.bind(before)).await.map(drop)
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

impl Readable for WrappingKeyRow {
    const TABLE: &'static str = "wrapping_keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let instance = match row.column("instance")? {
            "" => None,
            id => Some(id.parse()?),
        };
        Ok(Self { account: row.parsed("account")?, instance, sealed: row.column("sealed")? })
    }
}

impl Readable for EventRow {
    const TABLE: &'static str = "events";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { row: row.column("number")?, event: row.column("event")? })
    }
}
