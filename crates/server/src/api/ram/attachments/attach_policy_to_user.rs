//! `AttachPolicyToUser`: gives a user what a policy says. Source: identity.md §2.4, §2.5.

use yaoku_model::identity::Holder;
use yaoku_wire::{error::Code, params::Params};

use super::Pair;
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{
            RAM,
            policies::{POLICY_NAME, POLICY_TYPE},
            users::USER_NAME,
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to attach a policy.
#[derive(Debug)]
pub(super) struct AttachPolicyToUser(Pair);

impl Operation for AttachPolicyToUser {
    const SPEC: &'static Spec = &Spec {
        name: "AttachPolicyToUser",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            POLICY_NAME.codes,
            POLICY_TYPE.codes,
            &[Code::NoUser, Code::NoPolicy, Code::UserPolicyExists, Code::TooManyUserPolicy],
        ],
        example: &[
            ("PolicyType", "System"),
            ("PolicyName", "AliyunKMSFullAccess"),
            ("UserName", "alice"),
            ("ResourceGroupId", ""),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let holder = Holder::User(USER_NAME.required(params)?);
        Pair::take(params, holder).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.0.attach(call).await
    }
}
