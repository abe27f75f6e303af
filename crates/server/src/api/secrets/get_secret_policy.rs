//! `GetSecretPolicy`: the policy of a secret in an instance. Source: secrets.md §4.14.

use yaoku_model::{arn::SecretRef, ids::PolicyName, policy::Object};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::{Call, SECRET},
    error::ApiError,
    throttle::Class,
};

/// A request to read a secret's policy.
#[derive(Debug)]
pub(super) struct GetSecretPolicy {
    secret: SecretRef,
    /// Whether it is asked for by the one name that it can have.
    by_its_name: bool,
}

/// The answer: the text as it was submitted.
#[derive(Debug)]
pub(super) struct Policy(String);

impl Operation for GetSecretPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "GetSecretPolicy",
        class: Some(Class::SecretRead),
        errors: &[SECRET, &[Code::RejectedUnsupportedOperation]],
        example: &[("SecretName", "db/orders"), ("PolicyName", "default")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetSecretPolicy)",
        ..Spec::DEFAULT
    };

    type Response = Policy;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name: Option<PolicyName> = params.optional("PolicyName")?;
        Ok(Self {
            secret: params.required("SecretName")?,
            by_its_name: name.is_none_or(|it| it.as_str() == Object::POLICY_NAME),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Policy, ApiError> {
        let secret = call.secret(&self.secret).await?;
        if secret.instance.is_none() {
            return Err(Code::RejectedUnsupportedOperation.into());
        }
        if !self.by_its_name {
            return Err(Code::ResourceNotFound.into());
        }
        let default = || Object::Secret.default_policy(&secret.account);
        Ok(Policy(secret.policy.clone().unwrap_or_else(default)))
    }
}

impl Encode for Policy {
    fn encode(self) -> Fields {
        Fields::default().text("Policy", self.0)
    }
}
