//! The contract for instances.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, InstanceId},
    instance::Instance,
};

use crate::{Listed, Page, StoreError};

/// Which instances to list. An empty list is no constraint; values of one list are alternatives.
///
/// Source: instance.md §1.5, `ListKmsInstances`.
#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    /// Ids.
    pub ids: Vec<String>,
    /// Names.
    pub names: Vec<String>,
    /// Words of [`yaoku_model::instance::InstanceStatus`].
    pub statuses: Vec<String>,
    /// Words of [`yaoku_model::instance::InstanceKind`].
    pub kinds: Vec<String>,
}

/// Instances.
#[async_trait]
pub trait Instances: Send {
    /// Finds an instance of any account.
    async fn instance(&mut self, id: &InstanceId) -> Result<Option<Instance>, StoreError>;

    /// All instances of all accounts.
    async fn instances(&mut self) -> Result<Vec<Instance>, StoreError>;

    /// Lists an account's instances.
    async fn list_instances(
        &mut self,
        account: &AccountId,
        filter: &InstanceFilter,
        page: Page,
    ) -> Result<Listed<Instance>, StoreError>;

    /// Adds an instance.
    async fn insert_instance(&mut self, instance: &Instance) -> Result<(), StoreError>;

    /// Replaces everything about an instance that can change.
    async fn update_instance(&mut self, instance: &Instance) -> Result<(), StoreError>;
}
