//! Administration: accounts, users, access keys and policies, until RAM's own operations come; and
//! the root key.
//!
//! A product of our own, by the same pipeline, permission (`yaoku:<Operation>` on `*`) and audit
//! as any other. Names, limits and shapes are RAM's where it has them. Source: architecture.md,
//! "The path of a call"; identity.md §2.2, §2.3, §2.5.

use yaoku_model::{arn::Arn, ids::UserName};
use yaoku_wire::error::{Code, Refusal};

use super::{Entry, Product, Spec};
use crate::{call::Call, caller::Principal, error::ApiError};

mod add_root_key_wrap;
#[cfg(feature = "test-clock")]
mod advance_clock;
mod create_access_key;
mod create_account;
mod create_instance;
mod create_user;
mod delete_access_key;
mod delete_user;
mod describe_account;
mod describe_root_key;
mod list_access_keys;
mod list_accounts;
mod list_key_uses;
mod list_users;
mod open_root_key_wrap;
mod remove_root_key_wrap;
mod root_key;
#[cfg(test)]
mod root_key_tests;
mod rotate_root_key;
mod set_access_key_status;
#[cfg(test)]
mod tests;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<add_root_key_wrap::AddRootKeyWrap>(),
    #[cfg(feature = "test-clock")]
    Entry::of::<advance_clock::AdvanceClock>(),
    Entry::of::<create_access_key::CreateAccessKey>(),
    Entry::of::<create_account::CreateAccount>(),
    Entry::of::<create_instance::CreateInstance>(),
    Entry::of::<create_user::CreateUser>(),
    Entry::of::<delete_access_key::DeleteAccessKey>(),
    Entry::of::<delete_user::DeleteUser>(),
    Entry::of::<describe_account::DescribeAccount>(),
    Entry::of::<describe_root_key::DescribeRootKey>(),
    Entry::of::<list_access_keys::ListAccessKeys>(),
    Entry::of::<list_accounts::ListAccounts>(),
    Entry::of::<list_key_uses::ListKeyUses>(),
    Entry::of::<list_users::ListUsers>(),
    Entry::of::<open_root_key_wrap::OpenRootKeyWrap>(),
    Entry::of::<remove_root_key_wrap::RemoveRootKeyWrap>(),
    Entry::of::<rotate_root_key::RotateRootKey>(),
    Entry::of::<set_access_key_status::SetAccessKeyStatus>(),
];

/// What these operations have in common; each says what is different.
pub(super) const ADMIN: Spec = Spec {
    product: Product::Yaoku,
    works_while_closed: true,
    source: "our own; names, limits and shapes are RAM's (2015-05-01)",
    ..Spec::DEFAULT
};

/// Fails unless the one who runs the program calls: what crosses accounts is nobody else's.
fn must_be_operator(call: &mut Call<'_>) -> Result<(), ApiError> {
    call.allow(&Arn::any())?;
    match call.caller.principal {
        Principal::Operator => Ok(()),
        _ => Err(Refusal::no_permission(&Arn::any()).into()),
    }
}

/// Fails unless the caller's account has such a user.
async fn must_exist(call: &mut Call<'_>, user: &UserName) -> Result<(), ApiError> {
    let account = call.account();
    call.tx()?.user(account, user).await?.map(|_| ()).ok_or(Code::ResourceNotFound.into())
}

/// Whose access keys are meant: those of the user named, or of the caller itself, so that no user
/// comes by the account's own by leaving the name out. Source: identity.md §2.2.
async fn access_key_owner(
    call: &mut Call<'_>,
    named: Option<&UserName>,
) -> Result<Option<UserName>, ApiError> {
    match (named, &call.caller.principal) {
        (Some(user), _) => {
            must_exist(call, user).await?;
            Ok(Some(user.clone()))
        }
        (None, Principal::User(user)) => Ok(Some(user.clone())),
        (None, Principal::Root | Principal::Operator) => Ok(None),
        // A role has no access keys.
        (None, Principal::Role(..)) => Err(ApiError::missing("UserName")),
    }
}

/// Fails if there is no room for one more. Source: identity.md §2.5.
fn must_have_room(count: impl TryInto<usize>, limit: usize) -> Result<(), ApiError> {
    if count.try_into().is_ok_and(|it| it < limit) {
        Ok(())
    } else {
        Err(Code::LimitExceeded.into())
    }
}
