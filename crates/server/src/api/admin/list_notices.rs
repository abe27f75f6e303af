//! `ListNotices`: what the account was told of what happened to its keys and secrets, the last first.
//! Our own; what a notice says is in [`crate::notices`].

use std::str::FromStr;

use yaoku_model::{
    arn::{Arn, SecretRef},
    ids::Invalid,
};
use yaoku_store::{Listed, Match, NoticeFilter, NoticeRow, Page};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::ADMIN;
use crate::{
    api::{Operation, Spec, paging},
    call::Call,
    error::ApiError,
};

/// A request to list notices.
#[derive(Debug)]
pub(super) struct ListNotices {
    /// Only those about this secret.
    secret: Option<SecretRef>,
    /// Only those of this name, or whose names begin so.
    name: Option<Match>,
    page: Page,
}

/// What notices are called, or how that begins: `Secret:RotateSecret:*`. Letters, digits and `:`, at
/// most 64 characters.
struct Pattern(Match);

impl FromStr for Pattern {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (start, found): (_, fn(String) -> Match) = match raw.strip_suffix('*') {
            Some(start) => (start, Match::Prefix),
            None => (raw, Match::Exact),
        };
        let fits =
            raw.len() <= 64 && start.bytes().all(|it| it.is_ascii_alphanumeric() || it == b':');
        if fits { Ok(Self(found(start.to_owned()))) } else { Err(Invalid) }
    }
}

/// The answer.
#[derive(Debug)]
pub(super) struct Notices {
    listed: Listed<NoticeRow>,
    page: Page,
}

impl Operation for ListNotices {
    const SPEC: &'static Spec = &Spec {
        name: "ListNotices",
        errors: &[&[Code::KeyUnavailable]],
        example: &[
            ("SecretName", ""),
            ("Name", "Secret:RotateSecret:*"),
            ("PageNumber", "1"),
            ("PageSize", "100"),
        ],
        ..ADMIN
    };

    type Response = Notices;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let page = paging::page(params, 100, 1..=1000)?;
        let name = params.optional("Name")?.map(|Pattern(it)| it);
        Ok(Self { secret: params.optional("SecretName")?, name, page })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Notices, ApiError> {
        let about = self.about(call).await?.map(|it| it.as_str().to_owned());
        let filter = NoticeFilter { about, name: self.name.clone() };
        let account = call.account();
        let listed = call.tx()?.notices(account, &filter, self.page).await?;
        Ok(Notices { listed, page: self.page })
    }
}

impl ListNotices {
    /// Asks whether the caller may: of one secret, as of any that is done to it.
    async fn about(&self, call: &mut Call<'_>) -> Result<Option<Arn>, ApiError> {
        let Some(named) = &self.secret else {
            call.allow(&Arn::any())?;
            return Ok(None);
        };
        match call.secret(named).await {
            // The caller may, and it is gone: what was told of it is there all the same.
            Err(error) if error.code() != Code::ResourceNotFound => Err(error),
            _ => Ok(Some(call.arn_of_secret(named))),
        }
    }
}

impl Encode for Notices {
    fn encode(self) -> Fields {
        let one = |it: NoticeRow| {
            Fields::default()
                .text("EventId", it.id)
                .text("EventTime", it.at.to_string())
                .text("Name", it.name)
                .text("Level", it.level)
                .text("ResourceId", it.about)
                .number("WebhooksWaiting", it.waiting)
                .text("Event", it.body)
        };
        let notices = self.listed.items.into_iter().map(one).collect();
        let fields = Fields::default().list("Notices", "Notice", notices);
        paging::paged(fields, self.page, self.listed.total)
    }
}
