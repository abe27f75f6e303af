//! `SetSecretPolicy`: gives a secret in an instance another policy. Source: secrets.md §4.14.

use yaoku_model::{arn::SecretRef, ids::PolicyName, policy::Object};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    access::Guarded,
    api::{Effect, Operation, Spec},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    throttle::Class,
};

use super::policy;

/// A request to replace a secret's policy.
#[derive(Debug)]
pub(super) struct SetSecretPolicy {
    secret: SecretRef,
    policy: String,
}

impl Operation for SetSecretPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "SetSecretPolicy",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[LIVE_SECRET, &[Code::RejectedUnsupportedOperation, Code::LimitExceeded]],
        example: &[
            ("SecretName", "db/orders"),
            ("PolicyName", "default"),
            (
                "Policy",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1540355698840000:*"]},"Action":["kms:*"],"Resource":["*"]}]}"#,
            ),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, SetSecretPolicy)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name: Option<PolicyName> = params.optional("PolicyName")?;
        if name.is_some_and(|it| it.as_str() != Object::POLICY_NAME) {
            return Err(ApiError::invalid("PolicyName"));
        }
        Ok(Self {
            secret: params.required("SecretName")?,
            policy: policy(params)?.ok_or_else(|| ApiError::missing("Policy"))?,
        })
    }

    /// Only a secret in an instance has one. Source: secrets.md §4.14 (the code: inferred there).
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let now = call.now;
        let mut secret = call.live_secret(&self.secret).await?;
        let home = secret.instance.as_ref().ok_or(Code::RejectedUnsupportedOperation)?;
        let before = Guarded::from(&secret);
        if let Some(home) = call.tx()?.instance(home).await? {
            let after = Guarded { policy: Some(&self.policy), ..before };
            after.must_fit(call.tx()?, home.access_quota, now).await?;
        }
        before.release(call.tx()?, Some(&self.policy), now).await?;
        secret.policy = Some(self.policy.clone());
        secret.updated = now;
        Ok(call.tx()?.update_secret(&secret).await?)
    }
}
