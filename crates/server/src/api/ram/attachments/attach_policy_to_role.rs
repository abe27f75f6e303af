//! `AttachPolicyToRole`: gives a role what a policy says. Source: identity.md §2.4, §2.5.

use yaoku_model::identity::Holder;
use yaoku_wire::{error::Code, params::Params};

use super::Pair;
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{
            RAM,
            policies::{POLICY_NAME, POLICY_TYPE},
            roles::ROLE_NAME,
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to attach a policy.
#[derive(Debug)]
pub(super) struct AttachPolicyToRole(Pair);

impl Operation for AttachPolicyToRole {
    const SPEC: &'static Spec = &Spec {
        name: "AttachPolicyToRole",
        effect: Effect::Write,
        errors: &[
            ROLE_NAME.codes,
            POLICY_NAME.codes,
            POLICY_TYPE.codes,
            &[Code::NoRole, Code::NoPolicy, Code::RolePolicyExists, Code::TooManyRolePolicy],
        ],
        example: &[
            ("PolicyType", "System"),
            ("PolicyName", "AliyunKMSFullAccess"),
            ("RoleName", "deploy"),
            ("ResourceGroupId", ""),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let holder = Holder::Role(ROLE_NAME.required(params)?);
        Pair::take(params, holder).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.0.attach(call).await
    }
}
