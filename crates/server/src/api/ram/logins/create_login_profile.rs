//! `CreateLoginProfile`: lets a user log in to the console. Source: identity.md §2.2, §2.3.

use yaoku_model::{identity::LoginProfile, ids::UserName, text::Password};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    USER_NAME, fields, must_be_let_at, must_be_there,
    new_password::{Before, Work},
    password,
};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, users},
    },
    call::Call,
    error::ApiError,
};

/// A request to create a login profile.
#[derive(Debug)]
pub(super) struct CreateLoginProfile {
    user: UserName,
    password: Password,
    reset_required: bool,
    mfa_required: bool,
    work: Work,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(LoginProfile);

impl Operation for CreateLoginProfile {
    const SPEC: &'static Spec = &Spec {
        name: "CreateLoginProfile",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            &[Code::NoUser, Code::UserLoginProfileExists, Code::PasswordTooWeak],
        ],
        secret_params: &["Password"],
        example: &[
            ("UserName", "alice"),
            ("Password", "Correct-horse-7"),
            ("PasswordResetRequired", "true"),
            ("MFABindRequired", "false"),
        ],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            user: USER_NAME.required(params)?,
            password: password(params, "Password")?.ok_or_else(|| ApiError::missing("Password"))?,
            reset_required: params.flag("PasswordResetRequired")?.unwrap_or(false),
            mfa_required: params.flag("MFABindRequired")?.unwrap_or(false),
            work: Work::default(),
        })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow_in_ram(&users::at(call.account(), &self.user)).await?;
        self.work.begin(call.node, call.caller, &self.user).await?;
        let before = Before::read(call.node, call.account(), &self.user).await?;
        if before.profile.is_some() {
            return Err(Code::UserLoginProfileExists.into());
        }
        self.work.make(call.node, &self.password, &before).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        must_be_there(call, &self.user).await?;
        must_be_let_at(call, &self.user, None).await?;
        let account = call.account();
        if call.tx()?.login_profile(account, &self.user).await?.is_some() {
            return Err(Code::UserLoginProfileExists.into());
        }
        let hash = self.work.made().ok_or_else(ApiError::conflict)?.hash();
        let mut profile = LoginProfile::new(account.clone(), self.user.clone(), hash, call.now);
        profile.reset_required = self.reset_required;
        profile.mfa_required = self.mfa_required;
        call.tx()?.put_login_profile(&profile).await?;
        Ok(Created(profile))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        fields(&self.0)
    }
}
