//! `DeleteGroup`: removes a group that nobody is in and nothing is attached to.
//! Source: identity.md §2.4.

use yaoku_model::{identity::Holder, ids::GroupName};
use yaoku_store::Slice;
use yaoku_wire::{error::Code, params::Params};

use super::{GROUP_NAME, at, group};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a group.
#[derive(Debug)]
pub(super) struct DeleteGroup {
    name: GroupName,
}

impl Operation for DeleteGroup {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteGroup",
        effect: Effect::Write,
        errors: &[
            GROUP_NAME.codes,
            &[Code::NoGroup, Code::GroupUserInTheWay, Code::GroupPolicyInTheWay],
        ],
        example: &[("GroupName", "developers")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: GROUP_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow_in_ram(&at(account, &self.name)).await?;
        group(call, &self.name).await?;
        let tx = call.tx()?;
        let anybody = Slice { after: "", limit: 1 };
        if !tx.users_of_group(account, &self.name, anybody).await?.is_empty() {
            return Err(Code::GroupUserInTheWay.into());
        }
        if !tx.held_policies(account, &Holder::Group(self.name.clone())).await?.is_empty() {
            return Err(Code::GroupPolicyInTheWay.into());
        }
        Ok(tx.delete_group(account, &self.name).await?)
    }
}
