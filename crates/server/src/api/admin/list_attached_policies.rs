//! `ListAttachedPolicies`: the policies that a user has.

use yaoku_model::{arn::Arn, identity::Holder, ids::UserName};
use yaoku_store::Held;
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
pub(super) struct Listed(Vec<Held>);

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
        Ok(Listed(call.tx()?.held_policies(account, &Holder::User(self.user.clone())).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let policy = |it: &Held| {
            Fields::default()
                .text("PolicyName", it.policy.policy.as_str())
                .text("PolicyType", it.policy.kind.as_str())
        };
        Fields::default().list("Policies", "Policy", self.0.iter().map(policy).collect())
    }
}
