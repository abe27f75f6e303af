//! `DeleteTarget`: forgets a server. Secrets that name it stay; their next rotation fails.
//! The secret of its administrator stays too.

use yaoku_model::ids::TargetId;
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to remove a target.
#[derive(Debug)]
pub(super) struct DeleteTarget {
    id: TargetId,
}

impl Operation for DeleteTarget {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteTarget",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("TargetId", "rm-bp1orders")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { id: params.required("TargetId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let account = call.account();
        if call.tx()?.delete_target(account, &self.id).await? {
            Ok(())
        } else {
            Err(Code::ResourceNotFound.into())
        }
    }
}
