//! `CreateUser`: makes a RAM user, who may do nothing yet. Source: identity.md §2.2, §2.3.

use yaoku_model::{arn::Arn, identity::User, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_have_room};
use crate::{
    accounts,
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to create a user.
#[derive(Debug)]
pub(super) struct CreateUser {
    name: UserName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(User);

impl Operation for CreateUser {
    const SPEC: &'static Spec = &Spec {
        name: "CreateUser",
        effect: Effect::Write,
        errors: &[&[Code::ResourceExist, Code::LimitExceeded]],
        example: &[("UserName", "alice")],
        ..ADMIN
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("UserName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        call.allow(&Arn::any())?;
        let (node, account, now) = (call.node, call.account(), call.now);
        must_have_room(call.tx()?.identity_counts(account).await?.users, node.limits.users)?;
        let made = accounts::create_user(node, call.tx()?, account, &self.name, now).await?;
        let user = made.ok_or(Code::ResourceExist)?;
        call.has_made(Arn::ram(account, &format!("user/{}", user.name)));
        Ok(Created(user))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("User", fields(&self.0))
    }
}

/// What is told of a user.
pub(super) fn fields(user: &User) -> Fields {
    Fields::default()
        .text("UserId", user.id.as_str())
        .text("UserName", user.name.as_str())
        .text("CreateDate", user.created.to_string())
}
