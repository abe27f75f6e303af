//! `UpdateGroup`: says something else of a group, or gives it another name. What is not sent stays.
//! Source: identity.md §2.2.

use yaoku_model::{identity::Group, ids::GroupName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{GROUP_NAME, at, fields_dated, group};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, Rule, users::NEW_COMMENTS},
    },
    call::Call,
    error::ApiError,
};

const NEW_GROUP_NAME: Rule = Rule {
    name: "NewGroupName",
    max: GroupName::MAX_LEN,
    codes: &[Code::NewGroupNameLength, Code::NewGroupNameChars],
};

/// A request to change a group.
#[derive(Debug)]
pub(super) struct UpdateGroup {
    name: GroupName,
    new_name: Option<GroupName>,
    comments: Option<String>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Updated(Group);

impl Operation for UpdateGroup {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateGroup",
        effect: Effect::Write,
        errors: &[
            GROUP_NAME.codes,
            NEW_GROUP_NAME.codes,
            NEW_COMMENTS.codes,
            &[Code::NoGroup, Code::GroupExists],
        ],
        example: &[
            ("GroupName", "developers"),
            ("NewGroupName", "makers"),
            ("NewComments", "of the shop"),
        ],
        ..RAM
    };

    type Response = Updated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            name: GROUP_NAME.required(params)?,
            new_name: NEW_GROUP_NAME.optional(params)?,
            comments: NEW_COMMENTS.replacing::<Plain>(params)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Updated, ApiError> {
        call.allow_in_ram(&at(call.account(), &self.name)).await?;
        // Policies go by names: who takes one takes what is said of it.
        if let Some(new_name) = &self.new_name {
            call.allow_in_ram(&at(call.account(), new_name)).await?;
        }
        let mut group = group(call, &self.name).await?;
        group.name = self.new_name.as_ref().unwrap_or(&self.name).clone();
        if let Some(comments) = &self.comments {
            group.comments.clone_from(comments);
        }
        group.updated = call.now;
        if !call.tx()?.update_group(&self.name, &group).await? {
            return Err(Code::GroupExists.into());
        }
        if group.name != self.name {
            call.has_made(at(call.account(), &group.name));
        }
        Ok(Updated(group))
    }
}

impl Encode for Updated {
    fn encode(self) -> Fields {
        Fields::default().object("Group", fields_dated(&self.0))
    }
}
