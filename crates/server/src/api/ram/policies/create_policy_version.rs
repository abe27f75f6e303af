//! `CreatePolicyVersion`: gives a policy another text, which counts if that is asked for.
//! Source: identity.md §2.2, §2.3.

use std::str::FromStr;

use yaoku_model::{
    identity::{CustomPolicy, PolicyVersion},
    ids::{Invalid, PolicyName},
    policy::Kind,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{DOCUMENT, POLICY_NAME, custom, version_fields};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, document::document},
    },
    call::Call,
    error::ApiError,
};

/// A request for a version.
#[derive(Debug)]
pub(super) struct CreatePolicyVersion {
    name: PolicyName,
    document: String,
    as_default: bool,
    strategy: RotateStrategy,
}

/// What happens to a policy that has as many versions as it may.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum RotateStrategy {
    /// It gets no other.
    #[default]
    None,
    /// The oldest that does not count gives way.
    DeleteOldest,
}

/// The answer: the version, and which one counts.
#[derive(Debug)]
pub(super) struct Created(PolicyVersion, i64);

impl Operation for CreatePolicyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "CreatePolicyVersion",
        effect: Effect::Write,
        errors: &[POLICY_NAME.codes, DOCUMENT, &[Code::NoPolicy, Code::TooManyPolicyVersion]],
        example: &[
            ("PolicyName", "Orders"),
            (
                "PolicyDocument",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#,
            ),
            ("SetAsDefault", "true"),
            ("RotateStrategy", "DeleteOldestNonDefaultVersionWhenLimitExceeded"),
        ],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const NAME: &str = "PolicyDocument";
        let name = POLICY_NAME.required(params)?;
        let document = document(params, NAME, Kind::Identity, Code::PolicyDocumentLength)?;
        Ok(Self {
            name,
            document: document.ok_or_else(|| ApiError::missing(NAME))?,
            as_default: params.flag("SetAsDefault")?.unwrap_or(false),
            strategy: params.optional("RotateStrategy")?.unwrap_or_default(),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let mut policy = custom(call, &self.name).await?;
        self.make_room(call, &policy).await?;
        policy.last_version += 1;
        policy.updated = call.now;
        let number = policy.last_version;
        if self.as_default {
            policy.default_version = number;
        }
        let version = PolicyVersion { number, document: self.document.clone(), created: call.now };
        let account = call.account();
        call.tx()?.insert_policy_version(account, &self.name, &version).await?;
        call.tx()?.update_custom_policy(&policy).await?;
        Ok(Created(version, policy.default_version))
    }
}

impl CreatePolicyVersion {
    /// Deletes the oldest version that does not count, if there is no room and that is asked for.
    async fn make_room(&self, call: &mut Call<'_>, policy: &CustomPolicy) -> Result<(), ApiError> {
        let (account, limit) = (call.account(), call.node.limits.policy_versions);
        let versions = call.tx()?.policy_versions(account, &self.name).await?;
        if versions.len() < limit {
            return Ok(());
        }
        let oldest = versions.iter().find(|it| it.number != policy.default_version);
        match (self.strategy, oldest) {
            (RotateStrategy::DeleteOldest, Some(oldest)) => {
                Ok(call.tx()?.delete_policy_version(account, &self.name, oldest.number).await?)
            }
            _ => Err(Code::TooManyPolicyVersion.into()),
        }
    }
}

impl FromStr for RotateStrategy {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        match raw {
            "None" => Ok(Self::None),
            "DeleteOldestNonDefaultVersionWhenLimitExceeded" => Ok(Self::DeleteOldest),
            _ => Err(Invalid),
        }
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("PolicyVersion", version_fields(&self.0, self.1))
    }
}
