//! The contract for policies that accounts wrote, and for who holds which policy.

use async_trait::async_trait;
use yaoku_model::{
    identity::{Attachment, CustomPolicy, Holder, PolicyVersion},
    ids::{AccountId, PolicyName},
    time::Timestamp,
};

use crate::{Slice, StoreError};

/// A policy that somebody holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// Which.
    pub policy: Attachment,
    /// Since when.
    pub attached: Timestamp,
}

/// Custom policies, their versions, and the attachments of all policies.
#[async_trait]
pub trait Policies: Send {
    /// Finds a custom policy.
    async fn custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<CustomPolicy>, StoreError>;

    /// Custom policies of an account, by name, each with how many hold it.
    async fn custom_policies(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<(CustomPolicy, i64)>, StoreError>;

    /// Adds a custom policy with its first text; `false` if the name is taken.
    async fn insert_custom_policy(
        &mut self,
        policy: &CustomPolicy,
        document: &str,
    ) -> Result<bool, StoreError>;

    /// Changes what is said of a policy: its description and which version counts.
    async fn update_custom_policy(&mut self, policy: &CustomPolicy) -> Result<(), StoreError>;

    /// Removes a custom policy with its versions and tags, and detaches it everywhere.
    async fn delete_custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<(), StoreError>;

    /// The versions of a policy, oldest first.
    async fn policy_versions(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Vec<PolicyVersion>, StoreError>;

    /// The text of the version that counts.
    async fn policy_document(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<String>, StoreError>;

    /// Adds a version.
    async fn insert_policy_version(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
        version: &PolicyVersion,
    ) -> Result<(), StoreError>;

    /// Removes a version.
    async fn delete_policy_version(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
        number: i64,
    ) -> Result<(), StoreError>;

    /// What somebody holds, in the order in which it was attached.
    async fn held_policies(
        &mut self,
        account: &AccountId,
        holder: &Holder,
    ) -> Result<Vec<Held>, StoreError>;

    /// Who holds a policy, in the order in which it was attached.
    async fn holders(
        &mut self,
        account: &AccountId,
        policy: &Attachment,
    ) -> Result<Vec<(Holder, Timestamp)>, StoreError>;

    /// Attaches a policy; `false` if it is attached already.
    async fn attach(
        &mut self,
        account: &AccountId,
        holder: &Holder,
        held: &Held,
    ) -> Result<bool, StoreError>;

    /// Detaches a policy; `false` if it was not attached.
    async fn detach(
        &mut self,
        account: &AccountId,
        holder: &Holder,
        policy: &Attachment,
    ) -> Result<bool, StoreError>;
}
