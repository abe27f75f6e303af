//! `DeletePolicy`: removes a policy of the account that nobody has. Source: identity.md §2.2, §2.4.

use yaoku_model::{
    identity::{Attachment, Holder, PolicyType},
    ids::PolicyName,
};
use yaoku_wire::{error::Code, params::Params};

use super::{POLICY_NAME, custom};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a policy.
#[derive(Debug)]
pub(super) struct DeletePolicy {
    name: PolicyName,
    with_versions: bool,
}

impl Operation for DeletePolicy {
    const SPEC: &'static Spec = &Spec {
        name: "DeletePolicy",
        effect: Effect::Write,
        errors: &[
            POLICY_NAME.codes,
            &[
                Code::NoPolicy,
                Code::PolicyUserInTheWay,
                Code::PolicyGroupInTheWay,
                Code::PolicyRoleInTheWay,
                Code::PolicyVersionInTheWay,
            ],
        ],
        example: &[("PolicyName", "Orders"), ("CascadingDelete", "true")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name = POLICY_NAME.required(params)?;
        Ok(Self { name, with_versions: params.flag("CascadingDelete")?.unwrap_or(false) })
    }

    /// One that is attached stays, whatever is asked: it may deny, and would then be missed.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        custom(call, &self.name).await?;
        let account = call.account();
        let policy = Attachment { kind: PolicyType::Custom, policy: self.name.clone() };
        let holders = call.tx()?.holders(account, &policy).await?;
        if let Some((holder, _)) = holders.first() {
            return Err(in_the_way(holder).into());
        }
        let versions = call.tx()?.policy_versions(account, &self.name).await?;
        if versions.len() > 1 && !self.with_versions {
            return Err(Code::PolicyVersionInTheWay.into());
        }
        Ok(call.tx()?.delete_custom_policy(account, &self.name).await?)
    }
}

fn in_the_way(holder: &Holder) -> Code {
    match holder {
        Holder::User(_) => Code::PolicyUserInTheWay,
        Holder::Group(_) => Code::PolicyGroupInTheWay,
        Holder::Role(_) => Code::PolicyRoleInTheWay,
    }
}
