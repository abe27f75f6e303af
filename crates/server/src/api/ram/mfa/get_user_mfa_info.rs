//! `GetUserMFAInfo`: which device a user has bound. Source: identity.md §2.3.

use yaoku_model::ids::UserName;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{SerialNumber, USER_NAME, bound, owner};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a user's device.
#[derive(Debug)]
pub(super) struct GetUserMFAInfo {
    user: Option<UserName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Found(SerialNumber);

impl Operation for GetUserMFAInfo {
    const SPEC: &'static Spec = &Spec {
        name: "GetUserMFAInfo",
        errors: &[USER_NAME.codes, &[Code::NoUser, Code::NoUserMfaDevice]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        let user = owner(call, self.user.as_ref()).await?;
        Ok(Found(SerialNumber::of(&bound(call, &user).await?)))
    }
}

/// `VMFA`: a virtual device, the one kind there is here.
impl Encode for Found {
    fn encode(self) -> Fields {
        let device =
            Fields::default().text("SerialNumber", self.0.arn().as_str()).text("Type", "VMFA");
        Fields::default().object("MFADevice", device)
    }
}
