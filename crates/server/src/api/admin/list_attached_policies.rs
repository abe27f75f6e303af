//! `ListAttachedPolicies`: the policies that a user has.

use yaoku_model::{arn::Arn, identity::Attachment, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_exist};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the policies of a user.
#[derive(Debug)]
pub(super) struct ListAttachedPolicies {
    user: UserName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<Attachment>);

impl Operation for ListAttachedPolicies {
    const SPEC: &'static Spec = &Spec {
        name: "ListAttachedPolicies",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("UserName", "alice")],
        ..ADMIN
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: params.required("UserName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        must_exist(call, &self.user).await?;
        let account = call.account();
        Ok(Listed(call.tx()?.attachments(account, &self.user).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let policy = |it: &Attachment| {
            Fields::default()
                .text("PolicyName", it.policy.as_str())
                .text("PolicyType", it.kind.as_str())
        };
        Fields::default().list("Policies", "Policy", self.0.iter().map(policy).collect())
    }
}
