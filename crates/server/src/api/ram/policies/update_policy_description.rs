//! `UpdatePolicyDescription`: says anew what a policy is for. Source: identity.md §2.2.

use yaoku_model::ids::PolicyName;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{NEW_DESCRIPTION, POLICY_NAME, Told, custom};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM},
    },
    call::Call,
    error::ApiError,
};

/// A request to change a description.
#[derive(Debug)]
pub(super) struct UpdatePolicyDescription {
    name: PolicyName,
    description: String,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Updated(Told);

impl Operation for UpdatePolicyDescription {
    const SPEC: &'static Spec = &Spec {
        name: "UpdatePolicyDescription",
        effect: Effect::Write,
        errors: &[POLICY_NAME.codes, NEW_DESCRIPTION.codes, &[Code::NoPolicy]],
        example: &[("PolicyName", "Orders"), ("NewDescription", "what the order service does")],
        ..RAM
    };

    type Response = Updated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name = POLICY_NAME.required(params)?;
        let description = NEW_DESCRIPTION.replacing::<Plain>(params)?;
        Ok(Self {
            name,
            description: description.ok_or_else(|| ApiError::missing("NewDescription"))?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Updated, ApiError> {
        let mut policy = custom(call, &self.name).await?;
        policy.description.clone_from(&self.description);
        policy.updated = call.now;
        call.tx()?.update_custom_policy(&policy).await?;
        Ok(Updated(policy.into()))
    }
}

impl Encode for Updated {
    fn encode(self) -> Fields {
        Fields::default().object("Policy", self.0.changed())
    }
}
