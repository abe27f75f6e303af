//! `DeleteLoginProfile`: keeps a user from logging in to the console, and forgets its passwords.

use yaoku_model::ids::UserName;
use yaoku_wire::{error::Code, params::Params};

use super::{USER_NAME, must_be_let_at, must_be_there, profile};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a login profile.
#[derive(Debug)]
pub(super) struct DeleteLoginProfile {
    user: UserName,
}

impl Operation for DeleteLoginProfile {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteLoginProfile",
        effect: Effect::Write,
        errors: &[USER_NAME.codes, &[Code::NoUser, Code::NoUserLoginProfile]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_there(call, &self.user).await?;
        let profile = profile(call, &self.user).await?;
        must_be_let_at(call, &self.user, Some(&profile)).await?;
        let account = call.account();
        Ok(call.tx()?.delete_login_profile(account, &self.user).await?)
    }
}
