//! `GetLoginProfile`: how a user logs in, without its password. Source: identity.md §2.3.

use yaoku_model::{identity::LoginProfile, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{USER_NAME, fields, must_be_there, profile};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a login profile.
#[derive(Debug)]
pub(super) struct GetLoginProfile {
    user: UserName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Found(LoginProfile);

impl Operation for GetLoginProfile {
    const SPEC: &'static Spec = &Spec {
        name: "GetLoginProfile",
        errors: &[USER_NAME.codes, &[Code::NoUser, Code::NoUserLoginProfile]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        must_be_there(call, &self.user).await?;
        profile(call, &self.user).await.map(Found)
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        fields(&self.0)
    }
}
