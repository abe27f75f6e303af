//! `GetAccessKeyLastUsed`: when an access key last signed a call. Source: identity.md §2.3.
//!
//! What this node saw is told at once; what another one saw, a minute later at most.

use yaoku_model::{
    ids::{AccessKeyId, UserName},
    time::Timestamp,
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{FOUND, key, owner};
use crate::{
    api::{
        Operation, Spec,
        ram::{RAM, users::USER_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request for the last use of an access key.
#[derive(Debug)]
pub(super) struct GetAccessKeyLastUsed {
    user: Option<UserName>,
    id: AccessKeyId,
}

/// The answer.
#[derive(Debug)]
pub(super) struct LastUsed(Option<Timestamp>);

impl Operation for GetAccessKeyLastUsed {
    const SPEC: &'static Spec = &Spec {
        name: "GetAccessKeyLastUsed",
        errors: &[USER_NAME.codes, FOUND],
        example: &[("UserName", "alice"), ("UserAccessKeyId", "LTAI5tAbCdEfGhIjKlMnOpQr")],
        ..RAM
    };

    type Response = LastUsed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)?, id: params.required("UserAccessKeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<LastUsed, ApiError> {
        let owner = owner(call, self.user.as_ref()).await?;
        let found = key(call, owner.as_ref(), &self.id).await?;
        Ok(LastUsed(found.last_used.max(call.node.last_uses.of(&found.id))))
    }
}

/// A key that was never used has no date: an empty text, our choice.
impl Encode for LastUsed {
    fn encode(self) -> Fields {
        let date = self.0.map(|it| it.to_string()).unwrap_or_default();
        Fields::default().object("AccessKeyLastUsed", Fields::default().text("LastUsedDate", date))
    }
}
