//! `ListKeyUses`: who used a key for what, so that a person sees who would miss it. Our own.

use yaoku_model::arn::KeyRef;
use yaoku_store::KeyUse;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::ADMIN;
use crate::{
    api::{Operation, Spec},
    call::{Ask, Call, KEY_BY_NAME},
    error::ApiError,
    uses::{self, DAYS},
};

/// As many callers and operations are answered. Our choice.
const MOST: i64 = 1_000;

/// A request to list the uses of a key.
#[derive(Debug)]
pub(super) struct ListKeyUses {
    key: KeyRef,
    days: i64,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed {
    key: String,
    uses: Vec<KeyUse>,
}

impl Operation for ListKeyUses {
    const SPEC: &'static Spec = &Spec {
        name: "ListKeyUses",
        errors: &[KEY_BY_NAME],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"), ("Days", "90")],
        source: "our own",
        ..ADMIN
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let days = params.integer("Days", 1..=DAYS)?.unwrap_or(DAYS);
        Ok(Self { key: params.required("KeyId")?, days })
    }

    /// What this node has counted so far is written down first, for those who may see it.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.cached_key(&self.key, Ask::to(Self::ACTION)).await?;
        Ok(call.node.uses.write_down(&*call.node.store).await?)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let key = call.key(&self.key).await?.id;
        let first = uses::day(call.now) - self.days + 1;
        let uses = call.tx()?.key_uses(&key, first, MOST).await?;
        Ok(Listed { key: key.as_str().to_owned(), uses })
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let one = |it: KeyUse| {
            Fields::default()
                .text("Caller", it.caller)
                .text("Operation", it.action)
                .number("Count", it.count)
                .text("LastTime", it.last.to_string())
        };
        let uses = self.uses.into_iter().map(one).collect();
        Fields::default().text("KeyId", self.key).list("KeyUses", "KeyUse", uses)
    }
}
