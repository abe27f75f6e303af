//! `GetKeyPolicy`: the policy of a key in an instance. Source: keys.md §11.

use yaoku_model::{arn::KeyRef, ids::PolicyName, policy::Object};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

/// A request to read a key's policy.
#[derive(Debug)]
pub(super) struct GetKeyPolicy {
    key: KeyRef,
    /// Whether it is asked for by the one name that it can have.
    by_its_name: bool,
}

/// The answer: the text as it was submitted.
#[derive(Debug)]
pub(super) struct Policy(String);

impl Operation for GetKeyPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "GetKeyPolicy",
        errors: &[KEY_BY_ID, &[Code::ResourceNotFound]],
        example: &[("KeyId", "key-hzz62f1cb66fa42qo1234"), ("PolicyName", "default")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetKeyPolicy)",
        ..Spec::DEFAULT
    };

    type Response = Policy;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name: Option<PolicyName> = params.optional("PolicyName")?;
        Ok(Self {
            key: params.required("KeyId")?,
            by_its_name: name.is_none_or(|it| it.as_str() == Object::POLICY_NAME),
        })
    }

    /// A key outside instances has none, which Terraform reads as such. Source: errors.md §3.
    async fn run(&self, call: &mut Call<'_>) -> Result<Policy, ApiError> {
        let key = call.key_by_id(&self.key).await?;
        if !self.by_its_name || key.instance.is_none() {
            return Err(Code::ResourceNotFound.into());
        }
        Ok(Policy(key.policy.unwrap_or_else(|| Object::Key.default_policy(&key.account))))
    }
}

impl Encode for Policy {
    fn encode(self) -> Fields {
        Fields::default().text("Policy", self.0)
    }
}
