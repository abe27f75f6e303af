//! `ListRoles`: the roles of the account, by name. Source: identity.md §2.3.

use yaoku_model::{
    identity::Role,
    tag::{Tag, TagKind},
};
use yaoku_store::Slice;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::fields;
use crate::{
    api::{
        Operation, Spec,
        ram::{
            Found, Part, RAM, resource,
            tagged::{self, Filter, TagsOf},
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to list roles.
#[derive(Debug)]
pub(super) struct ListRoles {
    filter: Filter,
    part: Part,
}

/// The answer: roles and their tags.
#[derive(Debug)]
pub(super) struct Listed(Found<(Role, Vec<Tag>)>);

impl Operation for ListRoles {
    const SPEC: &'static Spec = &Spec {
        name: "ListRoles",
        example: &[
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
            ("Marker", "deploy"),
            ("MaxItems", "100"),
        ],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { filter: Filter::take(params)?, part: Part::take(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&resource(account, "role/*")).await?;
        let (all, slice) = (self.filter.is_none(), self.part.slice());
        let limit = if all { slice.limit } else { i64::MAX };
        let mut found = call.tx()?.roles(account, Slice { limit, ..slice }).await?;
        let mut tags = if all {
            let names: Vec<String> = found.iter().map(|it| it.name.to_string()).collect();
            TagsOf::named(call, TagKind::Role, &names).await?
        } else {
            self.filter.matching(call, TagKind::Role).await?
        };
        found.retain(|it| all || tags.has(it.name.as_str()));
        let with_tags = |it: Role| {
            let tags = tags.take(it.name.as_str());
            (it, tags)
        };
        let found = found.into_iter().map(with_tags).collect();
        Ok(Listed(self.part.cut(found, |(it, _)| it.name.to_string())))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        self.0.encode("Roles", "Role", |(role, tags)| {
            tagged::encoded(fields(role).text("UpdateDate", role.updated.to_string()), tags)
        })
    }
}
