//! `GetSecurityPreference`: what users may do for themselves, and how long a login lasts.
//! Source: identity.md §2.3.

use yaoku_model::identity::SecurityPreference;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{preference_fields, rules};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for the security preference.
#[derive(Debug)]
pub(super) struct GetSecurityPreference;

/// The answer.
#[derive(Debug)]
pub(super) struct Found(SecurityPreference);

impl Operation for GetSecurityPreference {
    const SPEC: &'static Spec = &Spec { name: "GetSecurityPreference", ..RAM };

    type Response = Found;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        Ok(Found(rules(call).await?.preference))
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        preference_fields(&self.0)
    }
}
