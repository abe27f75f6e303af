//! `DeleteHook`: nothing rotates a generic secret any more. A rotation that runs fails.

use yaoku_model::ids::SecretName;
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to remove a hook.
#[derive(Debug)]
pub(super) struct DeleteHook {
    secret: SecretName,
}

impl Operation for DeleteHook {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteHook",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("SecretName", "db/orders")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { secret: params.required("SecretName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let account = call.account();
        if call.tx()?.delete_hook(account, &self.secret).await? {
            Ok(())
        } else {
            Err(Code::ResourceNotFound.into())
        }
    }
}
