//! `ListPolicyVersions`: the texts of a policy, oldest first. Source: identity.md §2.3.

use yaoku_model::identity::{Attachment, PolicyVersion};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{POLICY_NAME, POLICY_TYPE, Told, policy_resource, version_fields, versions, which};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to list versions.
#[derive(Debug)]
pub(super) struct ListPolicyVersions(Attachment);

/// The answer: the versions, and which one counts.
#[derive(Debug)]
pub(super) struct Listed(Vec<PolicyVersion>, i64);

impl Operation for ListPolicyVersions {
    const SPEC: &'static Spec = &Spec {
        name: "ListPolicyVersions",
        errors: &[POLICY_NAME.codes, POLICY_TYPE.codes, &[Code::NoPolicy]],
        example: &[("PolicyName", "Orders"), ("PolicyType", "Custom")],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(which(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow_in_ram(&policy_resource(call.account(), &self.0)).await?;
        let policy = Told::of(call, &self.0).await?;
        Ok(Listed(versions(call, &self.0).await?, policy.default_version))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let versions = self.0.iter().map(|it| version_fields(it, self.1)).collect();
        Fields::default().list("PolicyVersions", "PolicyVersion", versions)
    }
}
