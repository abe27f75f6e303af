//! `TagResources`: gives several things of one kind the same tags. Source: identity.md §2.2.

use std::collections::BTreeSet;

use yaoku_model::tag::Tag;
use yaoku_wire::{error::Code, params::Params};

use super::{FOUND, Several};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, tagged},
    },
    call::Call,
    error::ApiError,
};

/// A request to tag things.
#[derive(Debug)]
pub(super) struct TagResources {
    on: Several,
    tags: Vec<Tag>,
}

impl Operation for TagResources {
    const SPEC: &'static Spec = &Spec {
        name: "TagResources",
        effect: Effect::Write,
        errors: &[FOUND, &[Code::TooManyTag]],
        example: &[
            ("ResourceType", "user"),
            ("ResourceNames.1", "alice"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let on = Several::take_some(params)?;
        let tags = tagged::tags(params)?;
        if tags.is_empty() { Err(ApiError::missing("Tag")) } else { Ok(Self { on, tags }) }
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.on.must_be_there(call).await?;
        let (account, most, kind) = (call.account(), call.node.limits.tags, self.on.kind);
        let tx = call.tx()?;
        for name in &self.on.names {
            let before = tx.tags(account, kind, name).await?;
            let keys: BTreeSet<_> = before.iter().chain(&self.tags).map(|it| &it.key).collect();
            if keys.len() > most {
                return Err(Code::TooManyTag.into());
            }
            for tag in &self.tags {
                tx.put_tag(account, kind, name, tag).await?;
            }
        }
        Ok(())
    }
}
