//! `DeleteRole`: removes a role that holds no policy. Its sessions are over. Source: identity.md §2.4.

use yaoku_model::{identity::Holder, ids::RoleName};
use yaoku_wire::{error::Code, params::Params};

use super::{ROLE_NAME, allowed};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a role.
#[derive(Debug)]
pub(super) struct DeleteRole(RoleName);

impl Operation for DeleteRole {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteRole",
        effect: Effect::Write,
        errors: &[ROLE_NAME.codes, &[Code::NoRole, Code::RolePolicyInTheWay]],
        example: &[("RoleName", "deploy")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(ROLE_NAME.required(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        allowed(call, &self.0).await?;
        let account = call.account();
        let held = call.tx()?.held_policies(account, &Holder::Role(self.0.clone())).await?;
        if !held.is_empty() {
            return Err(Code::RolePolicyInTheWay.into());
        }
        Ok(call.tx()?.delete_role(account, &self.0).await?)
    }
}
