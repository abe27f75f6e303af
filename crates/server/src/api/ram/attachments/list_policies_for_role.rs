//! `ListPoliciesForRole`: the policies that a role holds, in the order of attaching.
//! Source: identity.md §2.3.

use yaoku_model::identity::Holder;
use yaoku_store::Held;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{held_by, listed};
use crate::{
    api::{
        Operation, Spec,
        ram::{RAM, policies::Told, roles::ROLE_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request to list the policies of a role.
#[derive(Debug)]
pub(super) struct ListPoliciesForRole(Holder);

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<(Told, Held)>);

impl Operation for ListPoliciesForRole {
    const SPEC: &'static Spec = &Spec {
        name: "ListPoliciesForRole",
        errors: &[ROLE_NAME.codes, &[Code::NoRole, Code::NoPolicy]],
        example: &[("RoleName", "deploy")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(Holder::Role(ROLE_NAME.required(params)?)))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        held_by(call, &self.0).await.map(Listed)
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        listed(&self.0)
    }
}
