//! `ListKeyUses`: who used a key for what, so that a person sees who would miss it. Our own.
//!
//! Each node counts in memory for ten seconds before it tells the store, and only the one that is
//! asked tells it at once: the last ten seconds of the others may be missing.

use yaoku_model::arn::KeyRef;
use yaoku_store::{KeyUse, Listed, Page};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::ADMIN;
use crate::{
    api::{Operation, Spec, paging},
    call::{Ask, Call, KEY_BY_NAME},
    error::ApiError,
    uses::{self, DAYS},
};

/// A request to list the uses of a key.
#[derive(Debug)]
pub(super) struct ListKeyUses {
    key: KeyRef,
    days: i64,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Uses {
    key: String,
    listed: Listed<KeyUse>,
    page: Page,
}

impl Operation for ListKeyUses {
    const SPEC: &'static Spec = &Spec {
        name: "ListKeyUses",
        errors: &[KEY_BY_NAME],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("Days", "90"),
            ("PageNumber", "1"),
            ("PageSize", "100"),
        ],
        source: "our own",
        ..ADMIN
    };

    type Response = Uses;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let days = params.integer("Days", 1..=DAYS)?.unwrap_or(DAYS);
        let page = paging::page(params, 100, 1..=1000)?;
        Ok(Self { key: params.required("KeyId")?, days, page })
    }

    /// What this node has counted so far is written down first, for those who may see it.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.cached_key(&self.key, Ask::to(Self::ACTION)).await?;
        Ok(call.node.uses.write_down(&*call.node.store).await?)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Uses, ApiError> {
        let key = call.key(&self.key).await?.id;
        let first = uses::day(call.now) - self.days + 1;
        let listed = call.tx()?.key_uses(&key, first, self.page).await?;
        Ok(Uses { key: key.as_str().to_owned(), listed, page: self.page })
    }
}

impl Encode for Uses {
    fn encode(self) -> Fields {
        let one = |it: KeyUse| {
            Fields::default()
                .text("Caller", it.caller)
                .text("Operation", it.action)
                .number("Count", it.count)
                .text("LastTime", it.last.to_string())
        };
        let uses = self.listed.items.into_iter().map(one).collect();
        let fields = Fields::default().text("KeyId", self.key).list("KeyUses", "KeyUse", uses);
        paging::paged(fields, self.page, self.listed.total)
    }
}
