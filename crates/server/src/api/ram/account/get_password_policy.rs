//! `GetPasswordPolicy`: what passwords of the account must be like. Source: identity.md §2.3.

use yaoku_model::identity::PasswordPolicy;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{policy_fields, rules};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for the password policy.
#[derive(Debug)]
pub(super) struct GetPasswordPolicy;

/// The answer.
#[derive(Debug)]
pub(super) struct Found(PasswordPolicy);

impl Operation for GetPasswordPolicy {
    const SPEC: &'static Spec = &Spec { name: "GetPasswordPolicy", ..RAM };

    type Response = Found;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        Ok(Found(rules(call).await?.passwords))
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        policy_fields(&self.0)
    }
}
