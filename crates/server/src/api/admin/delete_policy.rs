//! `DeletePolicy`: removes a policy of the account that nobody has.

use yaoku_model::{
    arn::Arn,
    identity::{Attachment, PolicyType},
    ids::PolicyName,
};
use yaoku_wire::{
    error::{Code, Refusal},
    params::Params,
};

use super::ADMIN;
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to delete a policy.
#[derive(Debug)]
pub(super) struct DeletePolicy {
    name: PolicyName,
}

impl Operation for DeletePolicy {
    const SPEC: &'static Spec = &Spec {
        name: "DeletePolicy",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound, Code::ResourceInUse]],
        example: &[("PolicyName", "Orders")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("PolicyName")? })
    }

    /// One that is attached stays: it may deny, and would then be missed.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        if call.tx()?.custom_policy(account, &self.name).await?.is_none() {
            return Err(Code::ResourceNotFound.into());
        }
        let policy = Attachment { kind: PolicyType::Custom, policy: self.name.clone() };
        if !call.tx()?.holders(account, &policy).await?.is_empty() {
            return Err(Refusal::from(Code::ResourceInUse)
                .with_message("The policy is attached to a user.")
                .into());
        }
        Ok(call.tx()?.delete_custom_policy(account, &self.name).await?)
    }
}
