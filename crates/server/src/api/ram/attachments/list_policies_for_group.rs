//! `ListPoliciesForGroup`: the policies that a group holds, in the order of attaching.
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
        ram::{RAM, groups::GROUP_NAME, policies::Told},
    },
    call::Call,
    error::ApiError,
};

/// A request to list the policies of a group.
#[derive(Debug)]
pub(super) struct ListPoliciesForGroup(Holder);

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<(Told, Held)>);

impl Operation for ListPoliciesForGroup {
    const SPEC: &'static Spec = &Spec {
        name: "ListPoliciesForGroup",
        errors: &[GROUP_NAME.codes, &[Code::NoGroup, Code::NoPolicy]],
        example: &[("GroupName", "admins")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(Holder::Group(GROUP_NAME.required(params)?)))
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
