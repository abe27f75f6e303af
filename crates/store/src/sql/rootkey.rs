//! The wraps of the root key, and the wrapping keys under it, in SQL.

use async_trait::async_trait;
use yaoku_model::ids::{InstanceId, Invalid, WrapName};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Change, RootKeys, StoreError, WrapRow, WrappingKeyRow};

#[async_trait]
impl RootKeys for Session {
    async fn wraps(&mut self) -> Result<Vec<WrapRow>, StoreError> {
        self.all(sql("SELECT name, kind, parameters, generation, sealed, created \
             FROM root_key_wraps ORDER BY name, generation"))
            .await
    }

    async fn insert_wrap(&mut self, row: &WrapRow) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO root_key_wraps \
             (name, kind, parameters, generation, sealed, created) \
             VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(row.name.as_str())
        .bind(row.kind.as_str())
        .bind(row.parameters.as_str())
        .bind(i64::from(row.generation))
        .bind(row.sealed.as_slice())
        .bind(row.created);
        self.change(Change::RootKey, insert).await.map(drop)
    }

    async fn delete_wrap(&mut self, name: &WrapName) -> Result<bool, StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM root_key_wraps WHERE name = $1").bind(name.as_str());
        self.change(Change::RootKey, delete).await
    }

    async fn delete_wrapped_generation(&mut self, generation: u32) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM root_key_wraps WHERE generation = $1");
        self.change(Change::RootKey, delete.bind(i64::from(generation))).await.map(drop)
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

    async fn reseal_wrapping_key(
        &mut self,
        old: &WrappingKeyRow,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        // What the old root key sealed must not be left in a file.
        self.added.shreds = true;
        let update = sql("UPDATE wrapping_keys SET sealed = $4 \
             WHERE account = $1 AND instance = $2 AND sealed = $3")
        .bind(old.account.as_str())
        .bind(old.instance.as_ref().map_or("", InstanceId::as_str))
        .bind(old.sealed.as_slice())
        .bind(sealed);
        Ok(self.run(update).await? > 0)
    }
}

impl Readable for WrapRow {
    const TABLE: &'static str = "root_key_wraps";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let generation: i64 = row.column("generation")?;
        Ok(Self {
            name: row.parsed("name")?,
            kind: row.parsed("kind")?,
            parameters: row.column("parameters")?,
            generation: generation.try_into().map_err(|_| Invalid)?,
            sealed: row.column("sealed")?,
            created: row.time("created")?,
        })
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
