//! The contract for accounts, users, access keys and policies.

use async_trait::async_trait;
use yaoku_model::{
    identity::{AccessKey, Account, Attachment, CustomPolicy, User},
    ids::{AccessKeyId, AccountId, PolicyName, UserName},
};

use crate::StoreError;

/// Accounts, users, access keys, policies.
#[async_trait]
pub trait Identities: Send {
    /// Finds an account.
    async fn account(&mut self, id: &AccountId) -> Result<Option<Account>, StoreError>;

    /// All accounts.
    async fn accounts(&mut self) -> Result<Vec<Account>, StoreError>;

    /// Adds an account.
    async fn insert_account(&mut self, account: &Account) -> Result<(), StoreError>;

    /// Opens the service for an account, or closes it.
    async fn set_kms_open(&mut self, id: &AccountId, open: bool) -> Result<(), StoreError>;

    /// Finds an access key.
    async fn access_key(&mut self, id: &AccessKeyId) -> Result<Option<AccessKey>, StoreError>;

    /// The access keys of a user, or (`None`) of the account itself.
    async fn access_keys(
        &mut self,
        account: &AccountId,
        user: Option<&UserName>,
    ) -> Result<Vec<AccessKey>, StoreError>;

    /// Adds an access key.
    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), StoreError>;

    /// Switches an access key on or off.
    async fn set_access_key_active(
        &mut self,
        id: &AccessKeyId,
        active: bool,
    ) -> Result<(), StoreError>;

    /// Removes an access key.
    async fn delete_access_key(&mut self, id: &AccessKeyId) -> Result<(), StoreError>;

    /// Finds a user.
    async fn user(
        &mut self,
        account: &AccountId,
        name: &UserName,
    ) -> Result<Option<User>, StoreError>;

    /// All users of an account.
    async fn users(&mut self, account: &AccountId) -> Result<Vec<User>, StoreError>;

    /// Adds a user; `false` if the name is taken.
    async fn insert_user(&mut self, user: &User) -> Result<bool, StoreError>;

    /// Removes a user with its access keys and attachments.
    async fn delete_user(&mut self, account: &AccountId, name: &UserName)
    -> Result<(), StoreError>;

    /// Finds a custom policy.
    async fn custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<CustomPolicy>, StoreError>;

    /// All custom policies of an account.
    async fn custom_policies(
        &mut self,
        account: &AccountId,
    ) -> Result<Vec<CustomPolicy>, StoreError>;

    /// Adds a custom policy; `false` if the name is taken.
    async fn insert_custom_policy(&mut self, policy: &CustomPolicy) -> Result<bool, StoreError>;

    /// Removes a custom policy, and detaches it everywhere.
    async fn delete_custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<(), StoreError>;

    /// What is attached to a user.
    async fn attachments(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Vec<Attachment>, StoreError>;

    /// The users that a policy is attached to.
    async fn attached_users(
        &mut self,
        account: &AccountId,
        policy: &Attachment,
    ) -> Result<Vec<UserName>, StoreError>;

    /// Attaches a policy; `false` if it is attached already.
    async fn attach(
        &mut self,
        account: &AccountId,
        user: &UserName,
        policy: &Attachment,
    ) -> Result<bool, StoreError>;

    /// Detaches a policy; `false` if it was not attached.
    async fn detach(
        &mut self,
        account: &AccountId,
        user: &UserName,
        policy: &Attachment,
    ) -> Result<bool, StoreError>;
}
