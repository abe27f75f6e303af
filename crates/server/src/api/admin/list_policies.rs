//! `ListPolicies`: the policies that can be attached: the system's, then the account's own.

use yaoku_model::{
    arn::Arn,
    identity::{CustomPolicy, PolicyType},
    policy::system::{self, SystemPolicy},
};
use yaoku_store::Slice;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::ADMIN;
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the policies.
#[derive(Debug)]
pub(super) struct ListPolicies;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<(CustomPolicy, i64)>);

impl Operation for ListPolicies {
    const SPEC: &'static Spec = &Spec { name: "ListPolicies", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Listed(call.tx()?.custom_policies(account, Slice::ALL).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let system = |it: &SystemPolicy| {
            Fields::default()
                .text("PolicyName", it.name)
                .text("PolicyType", PolicyType::System.as_str())
                .text("Description", it.description)
        };
        let custom = |(it, _): &(CustomPolicy, i64)| {
            Fields::default()
                .text("PolicyName", it.name.as_str())
                .text("PolicyType", PolicyType::Custom.as_str())
                .text("CreateDate", it.created.to_string())
        };
        let all = system::ALL.iter().map(system).chain(self.0.iter().map(custom)).collect();
        Fields::default().list("Policies", "Policy", all)
    }
}
