//! How users log in to the console: profiles and passwords. Source: identity.md §2.2, §2.3.

use yaoku_model::{
    identity::{LoginProfile, PasswordPolicy},
    ids::UserName,
    text::Password,
    time::Timestamp,
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{
    must_be_let,
    users::{self, USER_NAME},
};
use crate::{
    api::Entry,
    call::Call,
    caller::Principal,
    error::ApiError,
    throttle::{Exceeded, Whose},
};

mod change_password;
mod create_login_profile;
mod delete_login_profile;
mod get_login_profile;
mod new_password;
mod update_login_profile;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<change_password::ChangePassword>(),
    Entry::of::<create_login_profile::CreateLoginProfile>(),
    Entry::of::<delete_login_profile::DeleteLoginProfile>(),
    Entry::of::<get_login_profile::GetLoginProfile>(),
    Entry::of::<update_login_profile::UpdateLoginProfile>(),
];

/// Takes a password, if there is one. What no policy could accept is too weak.
fn password(params: &mut Params, name: &str) -> Result<Option<Password>, ApiError> {
    let text = params.text(name).filter(|it| !it.is_empty());
    text.map(|it| it.parse().map_err(|_| Code::PasswordTooWeak.into())).transpose()
}

/// Whose profile it is: named, and there. Source: identity.md §2.5.
async fn must_be_there(call: &mut Call<'_>, user: &UserName) -> Result<(), ApiError> {
    call.allow_in_ram(&users::at(call.account(), user)).await?;
    users::user(call, user).await.map(drop)
}

/// Fails if a user is about its own profile, and may not change its password now: because its account
/// does not let its users do that, or because too many guesses at it were wrong. Here nobody asks for
/// the old one.
async fn must_be_let_at(
    call: &mut Call<'_>,
    user: &UserName,
    profile: Option<&LoginProfile>,
) -> Result<(), ApiError> {
    must_be_let(call, user, |it| it.change_password).await?;
    let own = matches!(&call.caller.principal, Principal::User(caller) if caller == user);
    let Some(profile) = profile.filter(|_| own) else { return Ok(()) };
    let (account, now) = (call.account(), call.now);
    must_not_be_locked(profile, &call.tx()?.login_rules(account).await?.passwords, now)
}

/// Fails while no more guesses are looked at, and says when they are again.
fn must_not_be_locked(
    profile: &LoginProfile,
    rules: &PasswordPolicy,
    now: Timestamp,
) -> Result<(), ApiError> {
    let Some(until) = profile.locked_until(rules, now) else { return Ok(()) };
    let retry_after_ms = u64::try_from(until.unix_ms() - now.unix_ms()).unwrap_or_default().max(1);
    let exceeded = Exceeded { whose: Whose::Principal, retry_after_ms };
    Err(ApiError::caused(Code::ThrottlingUser, exceeded))
}

/// Finds a user's profile. The caller must have been let at it.
async fn profile(call: &mut Call<'_>, user: &UserName) -> Result<LoginProfile, ApiError> {
    let account = call.account();
    call.tx()?.login_profile(account, user).await?.ok_or(Code::NoUserLoginProfile.into())
}

/// Source: identity.md §2.3.
fn fields(profile: &LoginProfile) -> Fields {
    let profile = Fields::default()
        .text("UserName", profile.user.as_str())
        .flag("PasswordResetRequired", profile.reset_required)
        .flag("MFABindRequired", profile.mfa_required)
        .text("CreateDate", profile.created.to_string());
    Fields::default().object("LoginProfile", profile)
}
