//! `AddUserToGroup`: puts a user into a group. Source: identity.md §2.4, §2.5.

use yaoku_wire::{error::Code, params::Params};

use super::Membership;
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, must_have_room},
    },
    call::Call,
    error::ApiError,
};

/// A request to put a user into a group.
#[derive(Debug)]
pub(super) struct AddUserToGroup(Membership);

impl Operation for AddUserToGroup {
    const SPEC: &'static Spec = &Spec {
        name: "AddUserToGroup",
        effect: Effect::Write,
        errors: &[
            Membership::ERRORS[0],
            Membership::ERRORS[1],
            Membership::ERRORS[2],
            &[Code::UserGroupExists, Code::TooManyUserGroup],
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
        let (account, now, most) = (call.account(), call.now, call.node.limits.groups_of_user);
        let tx = call.tx()?;
        let groups = tx.groups_of_user(account, &asked.user).await?;
        if groups.iter().any(|(it, _)| it.name == asked.group) {
            return Err(Code::UserGroupExists.into());
        }
        let count = i64::try_from(groups.len()).unwrap_or(i64::MAX);
        must_have_room(count, most, Code::TooManyUserGroup)?;
        tx.join_group(account, &asked.group, &asked.user, now).await?;
        Ok(())
    }
}
