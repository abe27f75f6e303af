//! Roles. Those who assume them do so by STS.
//!
//! Service-linked roles are absent: no service here would ever assume one.

use yaoku_model::{
    arn::Arn,
    identity::Role,
    ids::{AccountId, RoleName},
    policy::Kind,
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{Rule, document::document, resource};
use crate::{api::Entry, call::Call, error::ApiError};

mod create_role;
mod delete_role;
mod get_role;
mod list_roles;
#[cfg(test)]
mod tests;
mod update_role;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_role::CreateRole>(),
    Entry::of::<delete_role::DeleteRole>(),
    Entry::of::<get_role::GetRole>(),
    Entry::of::<list_roles::ListRoles>(),
    Entry::of::<update_role::UpdateRole>(),
];

/// The name of a role.
pub(super) const ROLE_NAME: Rule = Rule {
    name: "RoleName",
    max: RoleName::MAX_LEN,
    codes: &[Code::RoleNameLength, Code::RoleNameChars],
};

/// What [`trust`] answers.
const TRUST: &[Code] = &[Code::AssumeRolePolicyDocumentLength, Code::MalformedPolicyDocument];

/// Takes the trust policy called `name`, if it is there. Source: identity.md §2.6.
fn trust(params: &mut Params, name: &str) -> Result<Option<String>, ApiError> {
    document(params, name, Kind::Trust, Code::AssumeRolePolicyDocumentLength)
}

/// Takes how long a session may last, in seconds, if it is there. Source: identity.md §2.2.
fn max_session(params: &mut Params, name: &str) -> Result<Option<i64>, ApiError> {
    Ok(params.integer(name, 3600..=43_200)?)
}

/// As policies call it. Source: identity.md §2.5.
pub(super) fn at(account: &AccountId, name: &RoleName) -> Arn {
    resource(account, &format!("role/{name}"))
}

/// How a role is named to STS and in trust policies. Source: identity.md §2.6.
pub(super) fn role_arn(role: &Role) -> Arn {
    Arn::ram(&role.account, &format!("role/{}", role.name))
}

/// Finds a role, after the caller was let in.
pub(super) async fn role(call: &mut Call<'_>, name: &RoleName) -> Result<Role, ApiError> {
    let account = call.account();
    call.tx()?.role(account, name).await?.ok_or(Code::NoRole.into())
}

/// The same, if the caller may do what it does to it.
async fn allowed(call: &mut Call<'_>, name: &RoleName) -> Result<Role, ApiError> {
    call.allow_in_ram(&at(call.account(), name)).await?;
    role(call, name).await
}

/// What every answer has of a role. Source: identity.md §2.3.
fn fields(role: &Role) -> Fields {
    Fields::default()
        .text("RoleId", role.id.as_str())
        .text("RoleName", role.name.as_str())
        .text("Arn", role_arn(role).as_str())
        .text("Description", role.description.as_str())
        .number("MaxSessionDuration", role.max_session)
        .flag("AllowConsoleLogin", role.console_login)
        .text("CreateDate", role.created.to_string())
}

/// The same, and whom it trusts.
fn with_trust(role: &Role) -> Fields {
    fields(role).text("AssumeRolePolicyDocument", role.trust.as_str())
}
