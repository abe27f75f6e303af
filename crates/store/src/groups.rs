//! The contract for groups of users, and for roles.

use async_trait::async_trait;
use yaoku_model::{
    identity::{Group, Role, User},
    ids::{AccountId, GroupName, RoleName, UserName},
    time::Timestamp,
};

use crate::{Slice, StoreError};

/// Groups and who is in them.
#[async_trait]
pub trait Groups: Send {
    /// Finds a group.
    async fn group(
        &mut self,
        account: &AccountId,
        name: &GroupName,
    ) -> Result<Option<Group>, StoreError>;

    /// Groups of an account, by name.
    async fn groups(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<Group>, StoreError>;

    /// Adds a group; `false` if the name is taken.
    async fn insert_group(&mut self, group: &Group) -> Result<bool, StoreError>;

    /// Changes the group called `name` into `group`, its name too; `false` if the new name is taken.
    async fn update_group(&mut self, name: &GroupName, group: &Group) -> Result<bool, StoreError>;

    /// Removes a group: nobody is in it then, and it holds nothing.
    async fn delete_group(
        &mut self,
        account: &AccountId,
        name: &GroupName,
    ) -> Result<(), StoreError>;

    /// Puts a user into a group; `false` if it is in it already.
    async fn join_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Takes a user out of a group; `false` if it was not in it.
    async fn leave_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
    ) -> Result<bool, StoreError>;

    /// The groups that a user is in, by name, and since when.
    async fn groups_of_user(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Vec<(Group, Timestamp)>, StoreError>;

    /// The users in a group, by name, and since when.
    async fn users_of_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        slice: Slice<'_>,
    ) -> Result<Vec<(User, Timestamp)>, StoreError>;
}

/// Roles.
#[async_trait]
pub trait Roles: Send {
    /// Finds a role.
    async fn role(
        &mut self,
        account: &AccountId,
        name: &RoleName,
    ) -> Result<Option<Role>, StoreError>;

    /// Roles of an account, by name.
    async fn roles(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<Role>, StoreError>;

    /// Adds a role; `false` if the name is taken.
    async fn insert_role(&mut self, role: &Role) -> Result<bool, StoreError>;

    /// Changes a role. Its name and id stay.
    async fn update_role(&mut self, role: &Role) -> Result<(), StoreError>;

    /// Removes a role with its attachments and tags.
    async fn delete_role(&mut self, account: &AccountId, name: &RoleName)
    -> Result<(), StoreError>;
}
