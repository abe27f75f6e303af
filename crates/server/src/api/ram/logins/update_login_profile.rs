//! `UpdateLoginProfile`: sets another password, or what a login asks for. What is not sent stays.
//! Source: identity.md §2.2.

use yaoku_model::{ids::UserName, text::Password};
use yaoku_wire::{error::Code, params::Params};

use super::{
    USER_NAME, must_be_let_at, must_be_there,
    new_password::{Before, Work},
    password, profile,
};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, users},
    },
    call::Call,
    error::ApiError,
};

/// A request to change a login profile.
#[derive(Debug)]
pub(super) struct UpdateLoginProfile {
    user: UserName,
    password: Option<Password>,
    reset_required: Option<bool>,
    mfa_required: Option<bool>,
    work: Work,
}

impl Operation for UpdateLoginProfile {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateLoginProfile",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            &[Code::NoUser, Code::NoUserLoginProfile, Code::PasswordTooWeak],
        ],
        secret_params: &["Password"],
        example: &[
            ("UserName", "alice"),
            ("Password", "Correct-horse-8"),
            ("PasswordResetRequired", "false"),
            ("MFABindRequired", "true"),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            user: USER_NAME.required(params)?,
            password: password(params, "Password")?,
            reset_required: params.flag("PasswordResetRequired")?,
            mfa_required: params.flag("MFABindRequired")?,
            work: Work::default(),
        })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow_in_ram(&users::at(call.account(), &self.user)).await?;
        let Some(password) = &self.password else { return Ok(()) };
        self.work.begin(call.node, call.caller, &self.user).await?;
        let before = Before::read(call.node, call.account(), &self.user).await?;
        if before.profile.is_none() {
            return Err(Code::NoUserLoginProfile.into());
        }
        self.work.make(call.node, password, &before).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_there(call, &self.user).await?;
        let mut profile = profile(call, &self.user).await?;
        must_be_let_at(call, &self.user, Some(&profile)).await?;
        if let Some(made) = self.work.made() {
            if !made.replaces(Some(&profile)) {
                return Err(ApiError::conflict());
            }
            profile.change_password(made.hash(), call.now);
        }
        profile.reset_required = self.reset_required.unwrap_or(profile.reset_required);
        profile.mfa_required = self.mfa_required.unwrap_or(profile.mfa_required);
        Ok(call.tx()?.put_login_profile(&profile).await?)
    }
}
