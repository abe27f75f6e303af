//! Administration: accounts, users, access keys and policies, until RAM's own operations come; and
//! the root key.
//!
//! A product of our own, by the same pipeline, permission (`yaoku:<Operation>` on `*`) and audit
//! as any other. Names, limits and shapes are RAM's where it has them. Source: architecture.md,
//! "The path of a call"; identity.md §2.2, §2.3, §2.5.

use yaoku_model::{
    arn::Arn,
    identity::{Attachment, PolicyType},
    ids::{PolicyName, UserName},
    policy::system,
};
use yaoku_wire::{
    error::{Code, Refusal},
    params::Params,
};

use super::{Entry, Product, Spec};
use crate::{call::Call, caller::Principal, error::ApiError};

mod add_root_key_wrap;
#[cfg(feature = "test-clock")]
mod advance_clock;
mod attach_policy;
mod create_access_key;
mod create_account;
mod create_instance;
mod create_policy;
mod create_user;
mod delete_access_key;
mod delete_oidc_provider;
mod delete_policy;
mod delete_user;
mod describe_root_key;
mod detach_policy;
mod get_oidc_provider;
mod list_access_keys;
mod list_accounts;
mod list_attached_policies;
mod list_key_uses;
mod list_oidc_providers;
mod list_policies;
mod list_users;
mod list_who_can;
mod oidc_provider;
mod open_root_key_wrap;
mod put_oidc_provider;
mod remove_root_key_wrap;
mod root_key;
#[cfg(test)]
mod root_key_tests;
mod rotate_root_key;
mod set_access_key_status;
mod simulate_policy;
mod simulation;
#[cfg(test)]
mod simulation_tests;
#[cfg(test)]
mod tests;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<add_root_key_wrap::AddRootKeyWrap>(),
    #[cfg(feature = "test-clock")]
    Entry::of::<advance_clock::AdvanceClock>(),
    Entry::of::<attach_policy::AttachPolicy>(),
    Entry::of::<create_access_key::CreateAccessKey>(),
    Entry::of::<create_account::CreateAccount>(),
    Entry::of::<create_instance::CreateInstance>(),
    Entry::of::<create_policy::CreatePolicy>(),
    Entry::of::<create_user::CreateUser>(),
    Entry::of::<delete_access_key::DeleteAccessKey>(),
    Entry::of::<delete_oidc_provider::DeleteOidcProvider>(),
    Entry::of::<delete_policy::DeletePolicy>(),
    Entry::of::<delete_user::DeleteUser>(),
    Entry::of::<describe_root_key::DescribeRootKey>(),
    Entry::of::<detach_policy::DetachPolicy>(),
    Entry::of::<get_oidc_provider::GetOidcProvider>(),
    Entry::of::<list_access_keys::ListAccessKeys>(),
    Entry::of::<list_accounts::ListAccounts>(),
    Entry::of::<list_attached_policies::ListAttachedPolicies>(),
    Entry::of::<list_key_uses::ListKeyUses>(),
    Entry::of::<list_oidc_providers::ListOidcProviders>(),
    Entry::of::<list_policies::ListPolicies>(),
    Entry::of::<list_users::ListUsers>(),
    Entry::of::<list_who_can::ListWhoCan>(),
    Entry::of::<open_root_key_wrap::OpenRootKeyWrap>(),
    Entry::of::<put_oidc_provider::PutOidcProvider>(),
    Entry::of::<remove_root_key_wrap::RemoveRootKeyWrap>(),
    Entry::of::<rotate_root_key::RotateRootKey>(),
    Entry::of::<set_access_key_status::SetAccessKeyStatus>(),
    Entry::of::<simulate_policy::SimulatePolicy>(),
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
        (None, Principal::Role(..) | Principal::Federated(_)) => Err(ApiError::missing("UserName")),
    }
}

/// A policy and a user, as the operations that join or part them take them.
#[derive(Debug)]
struct PolicyAndUser {
    policy: PolicyName,
    kind: Option<PolicyType>,
    user: UserName,
}

impl PolicyAndUser {
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            policy: params.required("PolicyName")?,
            kind: params.optional("PolicyType")?,
            user: params.required("UserName")?,
        })
    }

    /// The policy, which must be there. Without a type, the name alone says which one it is:
    /// [`create_policy`] lets no two have the same.
    async fn attachment(&self, call: &mut Call<'_>) -> Result<Attachment, ApiError> {
        must_exist(call, &self.user).await?;
        let of_the_system = system::named(self.policy.as_str()).is_some();
        let guess = if of_the_system { PolicyType::System } else { PolicyType::Custom };
        let kind = self.kind.unwrap_or(guess);
        let account = call.account();
        let found = match kind {
            PolicyType::System => of_the_system,
            PolicyType::Custom => call.tx()?.custom_policy(account, &self.policy).await?.is_some(),
        };
        if found {
            Ok(Attachment { kind, policy: self.policy.clone() })
        } else {
            Err(Code::ResourceNotFound.into())
        }
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
