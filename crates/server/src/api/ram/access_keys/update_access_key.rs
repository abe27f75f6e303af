//! `UpdateAccessKey`: switches an access key on or off. Source: identity.md §2.2.

use std::str::FromStr;

use yaoku_model::ids::{AccessKeyId, Invalid, UserName};
use yaoku_wire::params::Params;

use super::{FOUND, key, owner_to_change, status};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, users::USER_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request to switch an access key.
#[derive(Debug)]
pub(super) struct UpdateAccessKey {
    user: Option<UserName>,
    id: AccessKeyId,
    status: Status,
}

#[derive(Debug)]
struct Status {
    active: bool,
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let found = [true, false].into_iter().find(|it| status(*it) == raw);
        found.map(|active| Self { active }).ok_or(Invalid)
    }
}

impl Operation for UpdateAccessKey {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateAccessKey",
        effect: Effect::Write,
        errors: &[USER_NAME.codes, FOUND],
        example: &[
            ("UserName", "alice"),
            ("UserAccessKeyId", "LTAI5tAbCdEfGhIjKlMnOpQr"),
            ("Status", "Inactive"),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            user: USER_NAME.optional(params)?,
            id: params.required("UserAccessKeyId")?,
            status: params.required("Status")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let owner = owner_to_change(call, self.user.as_ref()).await?;
        let found = key(call, owner.as_ref(), &self.id).await?;
        Ok(call.tx()?.set_access_key_active(&found.id, self.status.active).await?)
    }
}
