//! `GetTarget`: what is known of a server whose credentials are turned.

use yaoku_model::{arn::Arn, ids::TargetId, target::Target};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, target::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to be told of a target.
#[derive(Debug)]
pub(super) struct GetTarget {
    id: TargetId,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Got(Target);

impl Operation for GetTarget {
    const SPEC: &'static Spec = &Spec {
        name: "GetTarget",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("TargetId", "rm-bp1orders")],
        ..ADMIN
    };

    type Response = Got;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { id: params.required("TargetId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Got, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        let found = call.tx()?.target(account, &self.id).await?;
        found.map(Got).ok_or(Code::ResourceNotFound.into())
    }
}

impl Encode for Got {
    fn encode(self) -> Fields {
        Fields::default().object("Target", fields(&self.0))
    }
}
