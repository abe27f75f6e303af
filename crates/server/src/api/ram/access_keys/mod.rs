//! Access keys of users, and of the account itself.
//!
//! A user is named, or is the caller itself. The root, naming nobody, means the account's own keys:
//! our choice, for the vendor's pages speak of users only. Source: identity.md §2.2.

use yaoku_model::{
    identity::{AccessKey, SecurityPreference},
    ids::{AccessKeyId, UserName},
};
use yaoku_wire::error::Code;

use super::{must_be_let, resource, user_or_caller, users};
use crate::{api::Entry, call::Call, error::ApiError};

mod create_access_key;
mod delete_access_key;
mod get_access_key_last_used;
mod list_access_keys;
mod update_access_key;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_access_key::CreateAccessKey>(),
    Entry::of::<delete_access_key::DeleteAccessKey>(),
    Entry::of::<get_access_key_last_used::GetAccessKeyLastUsed>(),
    Entry::of::<list_access_keys::ListAccessKeys>(),
    Entry::of::<update_access_key::UpdateAccessKey>(),
];

/// What finding a key, or whose it is, may answer.
const FOUND: &[Code] = &[Code::NoUser, Code::NoUserAccessKey];

/// Whose keys are meant: a user, or (`None`) the account itself. Who may not do this is refused.
async fn owner(
    call: &mut Call<'_>,
    named: Option<&UserName>,
) -> Result<Option<UserName>, ApiError> {
    if named.is_none() && call.caller.is_root() {
        call.allow_in_ram(&resource(call.account(), "root")).await?;
        return Ok(None);
    }
    let user = user_or_caller(call, named)?;
    call.allow_in_ram(&users::at(call.account(), &user)).await?;
    users::user(call, &user).await?;
    Ok(Some(user))
}

/// The same, of who would change them: users may be kept from doing so for themselves.
async fn owner_to_change(
    call: &mut Call<'_>,
    named: Option<&UserName>,
) -> Result<Option<UserName>, ApiError> {
    let owner = owner(call, named).await?;
    if let Some(user) = &owner {
        must_be_let(call, user, |it: &SecurityPreference| it.manage_access_keys).await?;
    }
    Ok(owner)
}

/// Finds a key of that owner.
async fn key(
    call: &mut Call<'_>,
    owner: Option<&UserName>,
    id: &AccessKeyId,
) -> Result<AccessKey, ApiError> {
    let account = call.account();
    let found = call.tx()?.access_key(id).await?;
    let found = found.filter(|it| it.account == *account && it.user.as_ref() == owner);
    found.ok_or(Code::NoUserAccessKey.into())
}

/// Source: identity.md §2.2.
const fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}
