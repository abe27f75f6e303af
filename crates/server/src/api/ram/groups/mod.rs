//! Groups of users, and who is in them.

use yaoku_model::{
    arn::Arn,
    identity::Group,
    ids::{AccountId, GroupName, UserName},
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{
    Rule, resource,
    users::{self, USER_NAME},
};
use crate::{api::Entry, call::Call, error::ApiError};

mod add_user_to_group;
mod create_group;
mod delete_group;
mod get_group;
mod list_groups;
mod list_groups_for_user;
mod list_users_for_group;
mod remove_user_from_group;
mod update_group;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<add_user_to_group::AddUserToGroup>(),
    Entry::of::<create_group::CreateGroup>(),
    Entry::of::<delete_group::DeleteGroup>(),
    Entry::of::<get_group::GetGroup>(),
    Entry::of::<list_groups::ListGroups>(),
    Entry::of::<list_groups_for_user::ListGroupsForUser>(),
    Entry::of::<list_users_for_group::ListUsersForGroup>(),
    Entry::of::<remove_user_from_group::RemoveUserFromGroup>(),
    Entry::of::<update_group::UpdateGroup>(),
];

/// The name of a group.
pub(super) const GROUP_NAME: Rule = Rule {
    name: "GroupName",
    max: GroupName::MAX_LEN,
    codes: &[Code::GroupNameLength, Code::GroupNameChars],
};

/// A user and a group, as the operations that join or part them take them.
#[derive(Debug)]
struct Membership {
    user: UserName,
    group: GroupName,
}

impl Membership {
    /// What taking and finding them may answer.
    const ERRORS: [&[Code]; 3] =
        [USER_NAME.codes, GROUP_NAME.codes, &[Code::NoUser, Code::NoGroup]];

    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.required(params)?, group: GROUP_NAME.required(params)? })
    }

    /// Both must be allowed, and both must be there. Source: identity.md §2.5.
    async fn must_be_there(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow_in_ram(&users::at(account, &self.user)).await?;
        call.allow_in_ram(&at(account, &self.group)).await?;
        users::user(call, &self.user).await?;
        group(call, &self.group).await.map(drop)
    }
}

/// Finds a group. The caller must have been let at it.
pub(super) async fn group(call: &mut Call<'_>, name: &GroupName) -> Result<Group, ApiError> {
    let account = call.account();
    call.tx()?.group(account, name).await?.ok_or(Code::NoGroup.into())
}

/// As policies call it. Source: identity.md §2.5.
pub(super) fn at(account: &AccountId, name: &GroupName) -> Arn {
    resource(account, &format!("group/{name}"))
}

/// What is told of a group everywhere. Source: identity.md §2.3.
fn fields(group: &Group) -> Fields {
    Fields::default()
        .text("GroupId", group.id.as_str())
        .text("GroupName", group.name.as_str())
        .text("Comments", group.comments.as_str())
}

/// The same, and when it was made and last changed.
fn fields_dated(group: &Group) -> Fields {
    fields(group)
        .text("CreateDate", group.created.to_string())
        .text("UpdateDate", group.updated.to_string())
}
