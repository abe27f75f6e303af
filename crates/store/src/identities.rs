//! The contract for accounts, their users, and the access keys of both.

use async_trait::async_trait;
use yaoku_model::{
    identity::{AccessKey, Account, User},
    ids::{AccessKeyId, AccountId, UserName},
    time::Timestamp,
};

use crate::{Slice, StoreError};

/// How many of each thing an account has, for its quotas. Source: identity.md §2.5.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct IdentityCounts {
    /// Users.
    pub users: i64,
    /// Groups.
    pub groups: i64,
    /// Roles.
    pub roles: i64,
    /// Custom policies.
    pub policies: i64,
    /// MFA devices.
    pub mfa_devices: i64,
}

/// Accounts, users, access keys.
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

    /// How many of each thing an account has.
    async fn identity_counts(&mut self, account: &AccountId) -> Result<IdentityCounts, StoreError>;

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

    /// Says when an access key was used, if that is later than what is known. Not told to the feed.
    async fn touch_access_key(
        &mut self,
        id: &AccessKeyId,
        used: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes an access key.
    async fn delete_access_key(&mut self, id: &AccessKeyId) -> Result<(), StoreError>;

    /// Finds a user.
    async fn user(
        &mut self,
        account: &AccountId,
        name: &UserName,
    ) -> Result<Option<User>, StoreError>;

    /// Users of an account, by name.
    async fn users(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<User>, StoreError>;

    /// Adds a user; `false` if the name is taken.
    async fn insert_user(&mut self, user: &User) -> Result<bool, StoreError>;

    /// Changes the user called `name` into `user`, its name too, and with that everything that goes
    /// by it; `false` if the new name is taken.
    async fn update_user(&mut self, name: &UserName, user: &User) -> Result<bool, StoreError>;

    /// Removes a user with its access keys, attachments, tags and whatever else is its own.
    async fn delete_user(&mut self, account: &AccountId, name: &UserName)
    -> Result<(), StoreError>;
}
