//! `ListNotices`: what the account was told of what happened to its keys and secrets, the last first.
//! Our own; what a notice says is in [`crate::notices`].

use yaoku_model::arn::Arn;
use yaoku_store::{Listed, NoticeRow, Page};
use yaoku_wire::{
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
pub(super) struct ListNotices(Page);

/// The answer.
#[derive(Debug)]
pub(super) struct Notices {
    listed: Listed<NoticeRow>,
    page: Page,
}

impl Operation for ListNotices {
    const SPEC: &'static Spec = &Spec {
        name: "ListNotices",
        example: &[("PageNumber", "1"), ("PageSize", "100")],
        ..ADMIN
    };

    type Response = Notices;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(paging::page(params, 100, 1..=1000)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Notices, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Notices { listed: call.tx()?.notices(account, self.0).await?, page: self.0 })
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
