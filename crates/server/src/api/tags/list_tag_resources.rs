//! `ListTagResources`: the tags of several resources, one a row, a page at a time.
//! Source: keys.md §14.

use yaoku_model::{
    arn::Arn,
    ids::AccountId,
    tag::{Tag, TagKey, TagValue},
};
use yaoku_store::{TagQuery, TagRow};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Action, Operation, Spec, paging::Token},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

use super::several::Several;

/// Rows of a page.
const PAGE: u8 = 200;

/// A request for the tags of resources that are named, that carry some tags, or both.
#[derive(Debug)]
pub(super) struct ListTagResources {
    on: Several,
    tags: Vec<(TagKey, Option<TagValue>)>,
    after: Option<Token>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct TagRows {
    word: &'static str,
    rows: Vec<TagRow>,
    next: Option<Token>,
}

impl Operation for ListTagResources {
    const SPEC: &'static Spec = &Spec {
        name: "ListTagResources",
        or_action: Some(Action::kms("ListResourceTags")),
        errors: &[
            KEY_BY_ID,
            &[Code::ResourceNotFound, Code::KeyUnavailable, Code::DkmsInstanceNotFound],
        ],
        example: &[
            ("RegionId", "cn-hangzhou"),
            ("ResourceType", "key"),
            ("ResourceId.1", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
            ("NextToken", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListTagResources)",
        ..Spec::DEFAULT
    };

    type Response = TagRows;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let on = Several::take_any(params)?;
        let mut tags = Vec::new();
        for mut tag in params.records("Tag", &["Key", "Value"])? {
            tags.push((tag.required("Key")?, tag.optional("Value")?));
        }
        if tags.len() > Tag::MAX_PER_RESOURCE {
            return Err(ApiError::invalid("Tag"));
        }
        if on.named.is_empty() && tags.is_empty() {
            return Err(ApiError::missing("ResourceId"));
        }
        Ok(Self { on, tags, after: params.optional("NextToken")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<TagRows, ApiError> {
        let (account, resources) = self.resources(call).await?;
        let query = TagQuery {
            kind: self.on.of.kind,
            resources: &resources,
            tags: &self.tags,
            now: call.now,
            after: self.after.as_ref().map(|it| (it.resource.as_str(), it.key.as_str())),
            limit: i64::from(PAGE) + 1,
        };
        let mut rows = call.tx()?.list_tags(&account, &query).await?;
        let more = rows.len() > usize::from(PAGE);
        rows.truncate(PAGE.into());
        let next = rows.last().filter(|_| more).map(Token::of);
        Ok(TagRows { word: self.on.of.word, rows, next })
    }
}

impl ListTagResources {
    /// Judges each resource that is named or, where none is, all of their kind.
    /// Source: identity.md §4.2 (inferred there). All must be of one account: a row does not say
    /// whose it is (our choice).
    async fn resources(&self, call: &mut Call<'_>) -> Result<(AccountId, Vec<String>), ApiError> {
        if self.on.named.is_empty() {
            let kind = self.on.of.container;
            call.allow(&Arn::container(call.region(), call.account(), kind))?;
        }
        let mut resources = Vec::with_capacity(self.on.named.len());
        for named in &self.on.named {
            resources.push(named.to_read(call).await?);
        }
        let account = resources.first().map_or(call.account(), |it| &it.account).clone();
        if resources.iter().any(|it| it.account != account) {
            return Err(ApiError::invalid("ResourceId"));
        }
        Ok((account, resources.into_iter().map(|it| it.resource).collect()))
    }
}

impl Encode for TagRows {
    fn encode(self) -> Fields {
        let Self { word, rows, next } = self;
        let row = |it: TagRow| {
            Fields::default()
                .text("ResourceId", it.resource)
                .text("ResourceType", word)
                .text("TagKey", it.tag.key.as_str())
                .text("TagValue", it.tag.value.as_str())
        };
        Fields::default()
            .list("TagResources", "TagResource", rows.into_iter().map(row).collect())
            .text("NextToken", next.map_or_else(String::new, |it| it.encode()))
    }
}
