//! `ListGroups`: the groups of the account, by name. Source: identity.md §2.3.

use yaoku_model::identity::Group;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::fields_dated;
use crate::{
    api::{
        Operation, Spec,
        ram::{Found, Part, RAM, resource},
    },
    call::Call,
    error::ApiError,
};

/// A request to list groups.
#[derive(Debug)]
pub(super) struct ListGroups(Part);

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Found<Group>);

impl Operation for ListGroups {
    const SPEC: &'static Spec = &Spec {
        name: "ListGroups",
        example: &[("Marker", "developers"), ("MaxItems", "100")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        // Source: identity.md §2.2.
        Ok(Self(Part::of_at_most(params, 100)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&resource(account, "group/*")).await?;
        let found = call.tx()?.groups(account, self.0.slice()).await?;
        Ok(Listed(self.0.cut(found, |it| it.name.to_string())))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        self.0.encode("Groups", "Group", fields_dated)
    }
}
