//! `ListAccessKeys`: the access keys of a user, without their secrets. Source: identity.md §2.3.

use yaoku_model::{identity::AccessKey, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{owner, status};
use crate::{
    api::{
        Operation, Spec,
        ram::{RAM, users::USER_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request for access keys.
#[derive(Debug)]
pub(super) struct ListAccessKeys {
    user: Option<UserName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<AccessKey>);

impl Operation for ListAccessKeys {
    const SPEC: &'static Spec = &Spec {
        name: "ListAccessKeys",
        errors: &[USER_NAME.codes, &[Code::NoUser]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let owner = owner(call, self.user.as_ref()).await?;
        let account = call.account();
        Ok(Listed(call.tx()?.access_keys(account, owner.as_ref()).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let fields = |it: &AccessKey| {
            Fields::default()
                .text("AccessKeyId", it.id.as_str())
                .text("Status", status(it.active))
                .text("CreateDate", it.created.to_string())
        };
        Fields::default().list("AccessKeys", "AccessKey", self.0.iter().map(fields).collect())
    }
}
