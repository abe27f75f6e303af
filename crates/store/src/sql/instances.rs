//! Instances, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId, Invalid},
    instance::Instance,
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Change, InstanceFilter, Instances, Listed, Page, StoreError};

#[async_trait]
impl Instances for Session {
    async fn instance(&mut self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        self.first(sql("SELECT * FROM instances WHERE id = $1").bind(id.as_str())).await
    }

    async fn instances(&mut self) -> Result<Vec<Instance>, StoreError> {
        self.all(sql("SELECT * FROM instances ORDER BY created, id")).await
    }

    async fn list_instances(
        &mut self,
        account: &AccountId,
        filter: &InstanceFilter,
        page: Page,
    ) -> Result<Listed<Instance>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM instances WHERE account = ",
            "SELECT * FROM instances WHERE account = ",
            "created, id",
            page,
            |statement| {
                statement
                    .push_value(account.as_str())
                    .push_any(" AND id IN", &filter.ids)
                    .push_any(" AND name IN", &filter.names)
                    .push_any(" AND status IN", &filter.statuses)
                    .push_any(" AND kind IN", &filter.kinds)
            },
        )
        .await
    }

    async fn insert_instance(&mut self, instance: &Instance) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO instances \
             (id, account, name, kind, status, created, ends, spec, \
              key_quota, secret_quota, access_quota, deletion_protection) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(instance.id.as_str())
        .bind(instance.account.as_str())
        .bind(instance.name.as_str())
        .bind(instance.kind.as_str())
        .bind(instance.status.as_str())
        .bind(instance.created)
        .bind(instance.ends)
        .bind(instance.spec)
        .bind(instance.key_quota)
        .bind(instance.secret_quota)
        .bind(instance.access_quota)
        .bind(instance.deletion_protection.as_deref());
        self.change(Change::Instance(instance.id.clone()), insert).await.map(drop)
    }

    async fn update_instance(&mut self, instance: &Instance) -> Result<(), StoreError> {
        let update = sql("UPDATE instances SET name = $2, kind = $3, status = $4, ends = $5, \
             spec = $6, key_quota = $7, secret_quota = $8, access_quota = $9, \
             deletion_protection = $10 WHERE id = $1")
        .bind(instance.id.as_str())
        .bind(instance.name.as_str())
        .bind(instance.kind.as_str())
        .bind(instance.status.as_str())
        .bind(instance.ends)
        .bind(instance.spec)
        .bind(instance.key_quota)
        .bind(instance.secret_quota)
        .bind(instance.access_quota)
        .bind(instance.deletion_protection.as_deref());
        self.change(Change::Instance(instance.id.clone()), update).await.map(drop)
    }
}

impl Readable for Instance {
    const TABLE: &'static str = "instances";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account")?,
            name: row.column("name")?,
            kind: row.parsed("kind")?,
            status: row.parsed("status")?,
            created: row.time("created")?,
            ends: row.time("ends")?,
            spec: row.column("spec")?,
            key_quota: row.column("key_quota")?,
            secret_quota: row.column("secret_quota")?,
            access_quota: row.column("access_quota")?,
            deletion_protection: row.column("deletion_protection")?,
        })
    }
}
