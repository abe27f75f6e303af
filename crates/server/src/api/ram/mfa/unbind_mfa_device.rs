//! `UnbindMFADevice`: takes a user's device from it. The device stays. Source: identity.md §2.3.

use yaoku_model::ids::UserName;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{SerialNumber, USER_NAME, bound, owner_to_change};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to unbind a user's device.
#[derive(Debug)]
pub(super) struct UnbindMFADevice {
    user: Option<UserName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Unbound(SerialNumber);

impl Operation for UnbindMFADevice {
    const SPEC: &'static Spec = &Spec {
        name: "UnbindMFADevice",
        effect: Effect::Write,
        errors: &[USER_NAME.codes, &[Code::NoUser, Code::NoUserMfaDevice]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Unbound;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Unbound, ApiError> {
        let user = owner_to_change(call, self.user.as_ref()).await?;
        let mut device = bound(call, &user).await?;
        device.bound = None;
        call.tx()?.update_mfa_device(&device).await?;
        Ok(Unbound(SerialNumber::of(&device)))
    }
}

impl Encode for Unbound {
    fn encode(self) -> Fields {
        let device = Fields::default().text("SerialNumber", self.0.arn().as_str());
        Fields::default().object("MFADevice", device)
    }
}
