//! `GetUser`: what is known of a user. Source: identity.md §2.3.

use yaoku_model::{identity::User, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{USER_NAME, at, fields_updated, user};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a user.
#[derive(Debug)]
pub(super) struct GetUser {
    name: UserName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Found(User);

impl Operation for GetUser {
    const SPEC: &'static Spec = &Spec {
        name: "GetUser",
        errors: &[USER_NAME.codes, &[Code::NoUser]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: USER_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        call.allow_in_ram(&at(call.account(), &self.name)).await?;
        user(call, &self.name).await.map(Found)
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        let last_login = self.0.last_login.map(|it| it.to_string()).unwrap_or_default();
        Fields::default().object("User", fields_updated(&self.0).text("LastLoginDate", last_login))
    }
}
