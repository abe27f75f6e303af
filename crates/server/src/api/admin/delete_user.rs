//! `DeleteUser`: removes a RAM user with its access keys, and what is attached to it.

use yaoku_model::{arn::Arn, ids::UserName};
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, must_exist};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to delete a user.
#[derive(Debug)]
pub(super) struct DeleteUser {
    name: UserName,
}

impl Operation for DeleteUser {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteUser",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("UserName", "alice")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("UserName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        must_exist(call, &self.name).await?;
        let account = call.account();
        Ok(call.tx()?.delete_user(account, &self.name).await?)
    }
}
