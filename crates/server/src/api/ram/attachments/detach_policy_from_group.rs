//! `DetachPolicyFromGroup`: takes from a group what a policy says. Source: identity.md §2.4, §2.5.

use yaoku_model::identity::Holder;
use yaoku_wire::{error::Code, params::Params};

use super::Pair;
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{
            RAM,
            groups::GROUP_NAME,
            policies::{POLICY_NAME, POLICY_TYPE},
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to detach a policy.
#[derive(Debug)]
pub(super) struct DetachPolicyFromGroup(Pair);

impl Operation for DetachPolicyFromGroup {
    const SPEC: &'static Spec = &Spec {
        name: "DetachPolicyFromGroup",
        effect: Effect::Write,
        errors: &[
            GROUP_NAME.codes,
            POLICY_NAME.codes,
            POLICY_TYPE.codes,
            &[Code::NoGroup, Code::NoPolicy, Code::NoGroupPolicy],
        ],
        example: &[
            ("PolicyType", "System"),
            ("PolicyName", "AliyunKMSFullAccess"),
            ("GroupName", "admins"),
            ("ResourceGroupId", ""),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let holder = Holder::Group(GROUP_NAME.required(params)?);
        Pair::take(params, holder).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.0.detach(call).await
    }
}
