//! `ListUsersForGroup`: the users in a group, by name. Source: identity.md §2.3.

use yaoku_model::{identity::User, ids::GroupName, time::Timestamp};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{GROUP_NAME, at, group};
use crate::{
    api::{
        Operation, Spec,
        ram::{Found, Part, RAM},
    },
    call::Call,
    error::ApiError,
};

/// A request for the users in a group.
#[derive(Debug)]
pub(super) struct ListUsersForGroup {
    group: GroupName,
    part: Part,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Found<(User, Timestamp)>);

impl Operation for ListUsersForGroup {
    const SPEC: &'static Spec = &Spec {
        name: "ListUsersForGroup",
        errors: &[GROUP_NAME.codes, &[Code::NoGroup]],
        example: &[("GroupName", "developers"), ("Marker", "alice"), ("MaxItems", "100")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { group: GROUP_NAME.required(params)?, part: Part::take(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&at(account, &self.group)).await?;
        group(call, &self.group).await?;
        let found = call.tx()?.users_of_group(account, &self.group, self.part.slice()).await?;
        Ok(Listed(self.part.cut(found, |(it, _)| it.name.to_string())))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        self.0.encode("Users", "User", |(user, at)| {
            Fields::default()
                .text("UserName", user.name.as_str())
                .text("DisplayName", user.about.display_name.as_str())
                .text("JoinDate", at.to_string())
        })
    }
}
