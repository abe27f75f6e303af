//! How users log in to the console: profiles and passwords. Source: identity.md §2.2, §2.3.

use yaoku_model::{identity::LoginProfile, ids::UserName, text::Password};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::users::{self, USER_NAME};
use crate::{api::Entry, call::Call, error::ApiError};

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
