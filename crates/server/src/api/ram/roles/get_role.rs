//! `GetRole`: what is known of a role. Source: identity.md §2.3.

use yaoku_model::{identity::Role, ids::RoleName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ROLE_NAME, allowed, with_trust};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a role.
#[derive(Debug)]
pub(super) struct GetRole(RoleName);

/// The answer.
#[derive(Debug)]
pub(super) struct Found(Role);

impl Operation for GetRole {
    const SPEC: &'static Spec = &Spec {
        name: "GetRole",
        errors: &[ROLE_NAME.codes, &[Code::NoRole]],
        example: &[("RoleName", "deploy")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(ROLE_NAME.required(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        allowed(call, &self.0).await.map(Found)
    }
}

impl Encode for Found {
    /// What a role is called where people log in is inferred: `role@role.<account>.onaliyunservice.com`.
    fn encode(self) -> Fields {
        let Self(role) = self;
        let principal = format!("{}@role.{}.onaliyunservice.com", role.name, role.account);
        let fields = with_trust(&role)
            .text("UpdateDate", role.updated.to_string())
            .text("RolePrincipalName", principal)
            .flag("IsServiceLinkedRole", false);
        Fields::default().object("Role", fields)
    }
}
