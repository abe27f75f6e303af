//! `SetKeyPolicy`: gives a key in an instance another policy. Source: keys.md §11.

use yaoku_model::{arn::KeyRef, ids::PolicyName, policy::Object};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    access::Guarded,
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED},
    error::ApiError,
};

use super::policy;

/// A request to replace a key's policy.
#[derive(Debug)]
pub(super) struct SetKeyPolicy {
    key: KeyRef,
    policy: String,
}

impl Operation for SetKeyPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "SetKeyPolicy",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED, &[Code::LimitExceeded]],
        example: &[
            ("KeyId", "key-hzz62f1cb66fa42qo1234"),
            ("PolicyName", "default"),
            (
                "Policy",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1540355698840000:*"]},"Action":["kms:*"],"Resource":["*"]}]}"#,
            ),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, SetKeyPolicy)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name: Option<PolicyName> = params.optional("PolicyName")?;
        if name.is_some_and(|it| it.as_str() != Object::POLICY_NAME) {
            return Err(ApiError::invalid("PolicyName"));
        }
        Ok(Self {
            key: params.required("KeyId")?,
            policy: policy::take(params)?.ok_or_else(|| ApiError::missing("Policy"))?,
        })
    }

    /// A policy that lets nobody manage the key is taken as well: its account's root always may.
    /// Source: identity.md §4.5.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let now = call.now;
        let mut key = call.key_by_id(&self.key).await?;
        let Some(home) = &key.instance else { return Err(Code::UnsupportedOperation.into()) };
        key.must_be_changeable()?;
        let before = Guarded::from(&key);
        if let Some(home) = call.tx()?.instance(home).await? {
            let after = Guarded { policy: Some(&self.policy), ..before };
            after.must_fit(call.tx()?, home.access_quota, now).await?;
        }
        before.release(call.tx()?, Some(&self.policy), now).await?;
        key.policy = Some(self.policy.clone());
        Ok(call.tx()?.update_key(&key).await?)
    }
}
