//! `CreateAccessKey`: makes an access key. Its secret is in this answer and in no other.
//! Source: identity.md §2.3, §2.5.

use yaoku_model::{arn::Arn, ids::UserName, time::Timestamp};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{owner_to_change, status};
use crate::{
    accounts::{self, NewAccessKey},
    api::{
        Effect, Operation, Spec,
        ram::{RAM, must_have_room, users::USER_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request to create an access key.
#[derive(Debug)]
pub(super) struct CreateAccessKey {
    user: Option<UserName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    key: NewAccessKey,
    created: Timestamp,
}

impl Operation for CreateAccessKey {
    const SPEC: &'static Spec = &Spec {
        name: "CreateAccessKey",
        effect: Effect::Write,
        errors: &[USER_NAME.codes, &[Code::NoUser, Code::TooManyUserAccessKey]],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let owner = owner_to_change(call, self.user.as_ref()).await?;
        let (node, account, now) = (call.node, call.account(), call.now);
        let count = call.tx()?.access_keys(account, owner.as_ref()).await?.len();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        must_have_room(count, node.limits.access_keys, Code::TooManyUserAccessKey)?;
        let key = accounts::create_access_key(node, call.tx()?, account, owner.as_ref(), now);
        let key = key.await?;
        // RAM has no such ARN: our choice.
        call.has_made(Arn::ram(account, &format!("accesskey/{}", key.id)));
        Ok(Created { key, created: now })
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let key = Fields::default()
            .text("AccessKeyId", self.key.id.as_str())
            .secret("AccessKeySecret", self.key.secret.expose_text())
            .text("Status", status(true))
            .text("CreateDate", self.created.to_string());
        Fields::default().object("AccessKey", key)
    }
}
