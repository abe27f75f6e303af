//! `GetPolicy`: what is known of a policy, and the text that counts. Source: identity.md §2.3.

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

/// A request for a policy.
#[derive(Debug)]
pub(super) struct GetPolicy(Attachment);

/// The answer.
#[derive(Debug)]
pub(super) struct Found {
    policy: Told,
    holders: usize,
    version: PolicyVersion,
}

impl Operation for GetPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "GetPolicy",
        errors: &[POLICY_NAME.codes, POLICY_TYPE.codes, &[Code::NoPolicy]],
        example: &[("PolicyName", "Orders"), ("PolicyType", "Custom")],
        ..RAM
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(which(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        let account = call.account();
        call.allow_in_ram(&policy_resource(account, &self.0)).await?;
        let policy = Told::of(call, &self.0).await?;
        let holders = call.tx()?.holders(account, &self.0).await?.len();
        let mut versions = versions(call, &self.0).await?.into_iter();
        let version = versions.find(|it| it.number == policy.default_version);
        let version = version.ok_or(Code::NoPolicy)?;
        Ok(Found { policy, holders, version })
    }
}

impl Encode for Found {
    fn encode(self) -> Fields {
        let holders = i64::try_from(self.holders).unwrap_or(i64::MAX);
        let policy = self.policy.changed().number("AttachmentCount", holders);
        let policy = policy.text("PolicyDocument", self.version.document.as_str());
        let version = version_fields(&self.version, self.policy.default_version);
        Fields::default().object("Policy", policy).object("DefaultPolicyVersion", version)
    }
}
