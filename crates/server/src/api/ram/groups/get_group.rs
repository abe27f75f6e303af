//! `GetGroup`: what is known of a group. Source: identity.md §2.3.

use yaoku_model::{identity::Group, ids::GroupName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{GROUP_NAME, at, fields_dated, group};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a group.
#[derive(Debug)]
pub(super) struct GetGroup {
    name: GroupName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Found(Group);

impl Operation for GetGroup {
    const SPEC: &'static Spec = &Spec {
        name: "GetGroup",
        errors: &[GROUP_NAME.codes, &[Code::NoGroup]],
        example: &[("GroupName", "developers")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: GROUP_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        call.allow_in_ram(&at(call.account(), &self.name)).await?;
        group(call, &self.name).await.map(Found)
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        Fields::default().object("Group", fields_dated(&self.0))
    }
}
