//! `GetAccountAlias`: the other name of the account. Source: identity.md §2.3.

use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::rules;
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for the alias.
#[derive(Debug)]
pub(super) struct GetAccountAlias;

/// The answer.
#[derive(Debug)]
pub(super) struct Found(Option<String>);

impl Operation for GetAccountAlias {
    const SPEC: &'static Spec = &Spec { name: "GetAccountAlias", ..RAM };

    type Response = Found;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        Ok(Found(rules(call).await?.alias))
    }
}

/// An account without an alias has an empty one: our choice.
impl Encode for Found {
    fn encode(self) -> Fields {
        Fields::default().text("AccountAlias", self.0.unwrap_or_default())
    }
}
