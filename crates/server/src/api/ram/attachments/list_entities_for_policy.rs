//! `ListEntitiesForPolicy`: who holds a policy, each kind in the order of attaching.
//! Source: identity.md §2.3.

use std::collections::HashMap;

use yaoku_model::{
    identity::{Attachment, Group, Holder, Role, User},
    time::Timestamp,
};
use yaoku_store::Slice;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{
        Operation, Spec,
        ram::{
            RAM,
            policies::{POLICY_NAME, POLICY_TYPE, Told, policy_resource, which},
            roles::role_arn,
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to list who holds a policy.
#[derive(Debug)]
pub(super) struct ListEntitiesForPolicy(Attachment);

/// The answer.
#[derive(Debug, Default)]
pub(super) struct Listed {
    users: Vec<(User, Timestamp)>,
    groups: Vec<(Group, Timestamp)>,
    roles: Vec<(Role, Timestamp)>,
}

impl Operation for ListEntitiesForPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "ListEntitiesForPolicy",
        errors: &[POLICY_NAME.codes, POLICY_TYPE.codes, &[Code::NoPolicy]],
        example: &[("PolicyType", "System"), ("PolicyName", "AliyunKMSFullAccess")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(which(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&policy_resource(account, &self.0)).await?;
        Told::of(call, &self.0).await?;
        let holders = call.tx()?.holders(account, &self.0).await?;
        let tx = call.tx()?;
        // All of each kind at once: a policy may have a thousand holders.
        let users = tx.users(account, Slice::ALL).await?.into_iter();
        let mut users: HashMap<_, _> = users.map(|it| (it.name.clone(), it)).collect();
        let groups = tx.groups(account, Slice::ALL).await?.into_iter();
        let mut groups: HashMap<_, _> = groups.map(|it| (it.name.clone(), it)).collect();
        let roles = tx.roles(account, Slice::ALL).await?.into_iter();
        let mut roles: HashMap<_, _> = roles.map(|it| (it.name.clone(), it)).collect();
        let mut listed = Listed::default();
        for (holder, since) in holders {
            match holder {
                Holder::User(it) => listed.users.extend(users.remove(&it).map(|it| (it, since))),
                Holder::Group(it) => listed.groups.extend(groups.remove(&it).map(|it| (it, since))),
                Holder::Role(it) => listed.roles.extend(roles.remove(&it).map(|it| (it, since))),
            }
        }
        Ok(listed)
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let user = |(it, since): &(User, Timestamp)| {
            Fields::default()
                .text("UserId", it.id.as_str())
                .text("UserName", it.name.as_str())
                .text("DisplayName", it.about.display_name.as_str())
                .text("AttachDate", since.to_string())
        };
        let group = |(it, since): &(Group, Timestamp)| {
            Fields::default()
                .text("GroupName", it.name.as_str())
                .text("Comments", it.comments.as_str())
                .text("AttachDate", since.to_string())
        };
        let role = |(it, since): &(Role, Timestamp)| {
            Fields::default()
                .text("RoleId", it.id.as_str())
                .text("RoleName", it.name.as_str())
                .text("Arn", role_arn(it).as_str())
                .text("Description", it.description.as_str())
                .text("AttachDate", since.to_string())
        };
        Fields::default()
            .list("Users", "User", self.users.iter().map(user).collect())
            .list("Groups", "Group", self.groups.iter().map(group).collect())
            .list("Roles", "Role", self.roles.iter().map(role).collect())
    }
}
