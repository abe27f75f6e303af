//! `GetPolicyVersion`: one text of a policy. Source: identity.md §2.3.

use yaoku_model::identity::{Attachment, PolicyVersion};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    POLICY_NAME, POLICY_TYPE, Told, VERSION_ID, VersionId, policy_resource, version_fields,
    versions, which,
};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for a version.
#[derive(Debug)]
pub(super) struct GetPolicyVersion {
    policy: Attachment,
    version: VersionId,
}

/// The answer: the version, and which one counts.
#[derive(Debug)]
pub(super) struct Found(PolicyVersion, i64);

impl Operation for GetPolicyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "GetPolicyVersion",
        errors: &[
            POLICY_NAME.codes,
            POLICY_TYPE.codes,
            VERSION_ID.codes,
            &[Code::NoPolicy, Code::NoPolicyVersion],
        ],
        example: &[("PolicyName", "Orders"), ("PolicyType", "Custom"), ("VersionId", "v1")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { policy: which(params)?, version: VERSION_ID.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        call.allow_in_ram(&policy_resource(call.account(), &self.policy)).await?;
        let policy = Told::of(call, &self.policy).await?;
        let mut versions = versions(call, &self.policy).await?.into_iter();
        let version = versions.find(|it| it.number == self.version.0);
        Ok(Found(version.ok_or(Code::NoPolicyVersion)?, policy.default_version))
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        Fields::default().object("PolicyVersion", version_fields(&self.0, self.1))
    }
}
