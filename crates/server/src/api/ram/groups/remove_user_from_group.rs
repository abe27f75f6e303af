//! `RemoveUserFromGroup`: takes a user out of a group. Source: identity.md §2.4, §2.5.

use yaoku_wire::{error::Code, params::Params};

use super::Membership;
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to take a user out of a group.
#[derive(Debug)]
pub(super) struct RemoveUserFromGroup(Membership);

impl Operation for RemoveUserFromGroup {
    const SPEC: &'static Spec = &Spec {
        name: "RemoveUserFromGroup",
        effect: Effect::Write,
        errors: &[
            Membership::ERRORS[0],
            Membership::ERRORS[1],
            Membership::ERRORS[2],
            &[Code::NoUserGroup],
        ],
        example: &[("UserName", "alice"), ("GroupName", "developers")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Membership::take(params).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let Self(asked) = self;
        asked.must_be_there(call).await?;
        let account = call.account();
        if call.tx()?.leave_group(account, &asked.group, &asked.user).await? {
            Ok(())
        } else {
            Err(Code::NoUserGroup.into())
        }
    }
}
