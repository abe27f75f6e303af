//! `ListGroupsForUser`: the groups that a user is in, by name. Source: identity.md §2.3.

use yaoku_model::{identity::Group, ids::UserName, time::Timestamp};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::fields;
use crate::{
    api::{
        Operation, Spec,
        ram::{
            RAM,
            users::{self, USER_NAME},
        },
    },
    call::Call,
    error::ApiError,
};

/// A request for the groups of a user.
#[derive(Debug)]
pub(super) struct ListGroupsForUser {
    user: UserName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<(Group, Timestamp)>);

impl Operation for ListGroupsForUser {
    const SPEC: &'static Spec = &Spec {
        name: "ListGroupsForUser",
        errors: &[USER_NAME.codes, &[Code::NoUser]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&users::at(account, &self.user)).await?;
        users::user(call, &self.user).await?;
        Ok(Listed(call.tx()?.groups_of_user(account, &self.user).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let joined =
            |(group, at): &(Group, Timestamp)| fields(group).text("JoinDate", at.to_string());
        Fields::default().list("Groups", "Group", self.0.iter().map(joined).collect())
    }
}
