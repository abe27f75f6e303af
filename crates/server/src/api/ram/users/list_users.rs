//! `ListUsers`: the users of the account, by name. Source: identity.md §2.3.

use yaoku_model::identity::User;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::fields_updated;
use crate::{
    api::{
        Operation, Spec,
        ram::{Found, Part, RAM, resource},
    },
    call::Call,
    error::ApiError,
};

/// A request to list users.
#[derive(Debug)]
pub(super) struct ListUsers(Part);

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Found<User>);

impl Operation for ListUsers {
    const SPEC: &'static Spec =
        &Spec { name: "ListUsers", example: &[("Marker", "alice"), ("MaxItems", "100")], ..RAM };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(Part::take(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&resource(account, "user/*")).await?;
        let found = call.tx()?.users(account, self.0.slice()).await?;
        Ok(Listed(self.0.cut(found, |it| it.name.to_string())))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        self.0.encode("Users", "User", fields_updated)
    }
}
