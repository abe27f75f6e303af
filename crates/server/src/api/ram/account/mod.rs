//! What an account sets for all its users: its other name, what passwords must be like, and what
//! users may do for themselves. Source: identity.md §2.2, §2.3.

use yaoku_model::identity::{LoginRules, PasswordPolicy, SecurityPreference};
use yaoku_wire::fields::Fields;

use super::resource;
use crate::{api::Entry, call::Call, error::ApiError};

mod clear_account_alias;
mod get_account_alias;
mod get_password_policy;
mod get_security_preference;
mod set_account_alias;
mod set_password_policy;
mod set_security_preference;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<clear_account_alias::ClearAccountAlias>(),
    Entry::of::<get_account_alias::GetAccountAlias>(),
    Entry::of::<get_password_policy::GetPasswordPolicy>(),
    Entry::of::<get_security_preference::GetSecurityPreference>(),
    Entry::of::<set_account_alias::SetAccountAlias>(),
    Entry::of::<set_password_policy::SetPasswordPolicy>(),
    Entry::of::<set_security_preference::SetSecurityPreference>(),
];

/// The rules of the account, if the caller may do this to them. Source: identity.md §2.5.
async fn rules(call: &mut Call<'_>) -> Result<LoginRules, ApiError> {
    let account = call.account();
    call.allow_in_ram(&resource(account, "*")).await?;
    Ok(call.tx()?.login_rules(account).await?)
}

/// `MaxLoginAttemps` is the vendor's spelling. Source: identity.md §2.2, §2.3.
fn policy_fields(policy: &PasswordPolicy) -> Fields {
    let policy = Fields::default()
        .number("MinimumPasswordLength", policy.minimum_length)
        .flag("RequireLowercaseCharacters", policy.lowercase)
        .flag("RequireUppercaseCharacters", policy.uppercase)
        .flag("RequireNumbers", policy.numbers)
        .flag("RequireSymbols", policy.symbols)
        .flag("HardExpiry", policy.hard_expiry)
        .number("MaxPasswordAge", policy.max_age)
        .number("PasswordReusePrevention", policy.reuse_prevention)
        .number("MaxLoginAttemps", policy.max_attempts);
    Fields::default().object("PasswordPolicy", policy)
}

/// Source: identity.md §2.3.
fn preference_fields(it: &SecurityPreference) -> Fields {
    let of = |name, value| Fields::default().flag(name, value);
    let login = of("AllowUserToChangePassword", it.change_password)
        .flag("EnableSaveMFATicket", it.save_mfa_ticket)
        .text("LoginNetworkMasks", it.login_networks.as_str())
        .number("LoginSessionDuration", it.login_hours);
    let preference = Fields::default()
        .object("LoginProfilePreference", login)
        .object("AccessKeyPreference", of("AllowUserToManageAccessKeys", it.manage_access_keys))
        .object("MFAPreference", of("AllowUserToManageMFADevices", it.manage_mfa_devices))
        .object("PublicKeyPreference", of("AllowUserToManagePublicKeys", it.manage_public_keys));
    Fields::default().object("SecurityPreference", preference)
}
