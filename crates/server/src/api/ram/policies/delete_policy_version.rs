//! `DeletePolicyVersion`: removes a text of a policy that does not count. Source: identity.md §2.4.

use yaoku_model::ids::PolicyName;
use yaoku_wire::{error::Code, params::Params};

use super::{POLICY_NAME, VERSION_ID, VersionId, custom};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a version.
#[derive(Debug)]
pub(super) struct DeletePolicyVersion {
    name: PolicyName,
    version: VersionId,
}

impl Operation for DeletePolicyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "DeletePolicyVersion",
        effect: Effect::Write,
        errors: &[
            POLICY_NAME.codes,
            VERSION_ID.codes,
            &[Code::NoPolicy, Code::NoPolicyVersion, Code::PolicyVersionDefaultInTheWay],
        ],
        example: &[("PolicyName", "Orders"), ("VersionId", "v1")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: POLICY_NAME.required(params)?, version: VERSION_ID.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let (mut policy, number) = (custom(call, &self.name).await?, self.version.0);
        let account = call.account();
        let versions = call.tx()?.policy_versions(account, &self.name).await?;
        if !versions.iter().any(|it| it.number == number) {
            return Err(Code::NoPolicyVersion.into());
        }
        if policy.default_version == number {
            return Err(Code::PolicyVersionDefaultInTheWay.into());
        }
        policy.updated = call.now;
        call.tx()?.delete_policy_version(account, &self.name, number).await?;
        Ok(call.tx()?.update_custom_policy(&policy).await?)
    }
}
