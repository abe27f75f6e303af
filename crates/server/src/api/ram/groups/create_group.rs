//! `CreateGroup`: makes a group, with nobody in it. Source: identity.md §2.2, §2.3, §2.5.

use yaoku_model::{
    identity::Group,
    ids::{GroupName, identity_id},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{GROUP_NAME, at, fields};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, must_have_room, resource, users::COMMENTS},
    },
    call::Call,
    error::ApiError,
};

/// A request to create a group.
#[derive(Debug)]
pub(super) struct CreateGroup {
    name: GroupName,
    comments: Option<Plain>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(Group);

impl Operation for CreateGroup {
    const SPEC: &'static Spec = &Spec {
        name: "CreateGroup",
        effect: Effect::Write,
        errors: &[GROUP_NAME.codes, COMMENTS.codes, &[Code::GroupExists, Code::TooManyGroup]],
        example: &[("GroupName", "developers"), ("Comments", "of the shop")],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: GROUP_NAME.required(params)?, comments: COMMENTS.optional(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let account = call.account();
        call.allow_new_in_ram(&resource(account, "group/*"), &at(account, &self.name)).await?;
        let count = call.tx()?.identity_counts(account).await?.groups;
        must_have_room(count, call.node.limits.groups, Code::TooManyGroup)?;
        let group = Group {
            account: account.clone(),
            name: self.name.clone(),
            id: identity_id(call.random())?,
            comments: self.comments.as_ref().map(|Plain(it)| it.clone()).unwrap_or_default(),
            created: call.now,
            updated: call.now,
        };
        if call.tx()?.insert_group(&group).await? {
            call.has_made(at(account, &group.name));
            Ok(Created(group))
        } else {
            Err(Code::GroupExists.into())
        }
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let group = fields(&self.0).text("CreateDate", self.0.created.to_string());
        Fields::default().object("Group", group)
    }
}
