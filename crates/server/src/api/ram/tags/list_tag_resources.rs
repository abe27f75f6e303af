//! `ListTagResources`: the tags of things of one kind, one a row, a page at a time.
//! Source: identity.md §2.2, §2.3.

use yaoku_model::tag::TagKind;
use yaoku_store::{TagQuery, TagRow};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{FOUND, Several};
use crate::{
    api::{
        Operation, Spec,
        paging::Token,
        ram::{RAM, tagged::Filter},
    },
    call::Call,
    error::ApiError,
};

/// A request for the tags of things that are named, that carry some tags, or both; or of all of
/// their kind.
#[derive(Debug)]
pub(super) struct ListTagResources {
    on: Several,
    tags: Filter,
    after: Option<Token>,
    size: i64,
}

/// The answer.
#[derive(Debug)]
pub(super) struct TagRows {
    kind: TagKind,
    rows: Vec<TagRow>,
    next: Option<Token>,
}

impl Operation for ListTagResources {
    const SPEC: &'static Spec = &Spec {
        name: "ListTagResources",
        errors: &[FOUND],
        example: &[
            ("ResourceType", "user"),
            ("ResourceNames.1", "alice"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
            ("NextToken", ""),
            ("PageSize", "100"),
        ],
        ..RAM
    };

    type Response = TagRows;

    /// Rows of a page: 1 to 1,000, by default 100, as other lists of RAM's have items (our choice).
    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            on: Several::take(params)?,
            tags: Filter::take(params)?,
            after: params.optional("NextToken")?,
            size: params.integer("PageSize", 1..=1000)?.unwrap_or(100),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<TagRows, ApiError> {
        let account = call.account();
        if self.on.names.is_empty() {
            call.allow_in_ram(&self.on.at(account, "*")).await?;
        }
        self.on.must_be_there(call).await?;
        let query = TagQuery {
            kind: self.on.kind,
            resources: &self.on.names,
            tags: self.tags.tags(),
            after: self.after.as_ref().map(|it| (it.resource.as_str(), it.key.as_str())),
            limit: self.size + 1,
            now: call.now,
        };
        let mut rows = call.tx()?.list_tags(account, &query).await?;
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(Token::of);
        Ok(TagRows { kind: self.on.kind, rows, next })
    }
}

impl Encode for TagRows {
    fn encode(self) -> Fields {
        let Self { kind, rows, next } = self;
        let row = |it: TagRow| {
            Fields::default()
                .text("ResourceName", it.resource)
                .text("ResourceType", kind.as_str())
                .text("TagKey", it.tag.key.as_str())
                .text("TagValue", it.tag.value.as_str())
        };
        Fields::default()
            .plain_list("TagResources", rows.into_iter().map(row).collect())
            .text("NextToken", next.map_or_else(String::new, |it| it.encode()))
    }
}
