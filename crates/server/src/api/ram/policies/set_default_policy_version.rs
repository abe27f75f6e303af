//! `SetDefaultPolicyVersion`: says which text of a policy counts. Source: identity.md §2.1.

use yaoku_model::ids::PolicyName;
use yaoku_wire::{error::Code, params::Params};

use super::{POLICY_NAME, VERSION_ID, VersionId, custom};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to let a version count.
#[derive(Debug)]
pub(super) struct SetDefaultPolicyVersion {
    name: PolicyName,
    version: VersionId,
}

impl Operation for SetDefaultPolicyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "SetDefaultPolicyVersion",
        effect: Effect::Write,
        errors: &[POLICY_NAME.codes, VERSION_ID.codes, &[Code::NoPolicy, Code::NoPolicyVersion]],
        example: &[("PolicyName", "Orders"), ("VersionId", "v1")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: POLICY_NAME.required(params)?, version: VERSION_ID.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut policy = custom(call, &self.name).await?;
        let account = call.account();
        let versions = call.tx()?.policy_versions(account, &self.name).await?;
        if !versions.iter().any(|it| it.number == self.version.0) {
            return Err(Code::NoPolicyVersion.into());
        }
        policy.default_version = self.version.0;
        policy.updated = call.now;
        Ok(call.tx()?.update_custom_policy(&policy).await?)
    }
}
