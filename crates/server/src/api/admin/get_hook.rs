//! `GetHook`: what rotates a generic secret, and how far it has come if it is at it.

use yaoku_model::{arn::Arn, hook::Hook, ids::SecretName, secret::Rotation};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, hook::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to be told of a hook.
#[derive(Debug)]
pub(super) struct GetHook {
    secret: SecretName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Got(Hook, Option<Rotation>);

impl Operation for GetHook {
    const SPEC: &'static Spec = &Spec {
        name: "GetHook",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("SecretName", "db/orders")],
        ..ADMIN
    };

    type Response = Got;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { secret: params.required("SecretName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Got, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        let hook = call.tx()?.hook(account, &self.secret).await?.ok_or(Code::ResourceNotFound)?;
        Ok(Got(hook, call.tx()?.rotation(account, &self.secret).await?))
    }
}

impl Encode for Got {
    fn encode(self) -> Fields {
        let answer = Fields::default().object("Hook", fields(&self.0));
        let Some(it) = self.1 else { return answer };
        let rotation = Fields::default()
            .text("VersionId", it.version.as_str())
            .text("Step", it.step.of_hook().unwrap_or_default())
            .text("BeginDate", it.started.to_string())
            .number("Failures", it.tries)
            .text("NextTryDate", it.next_try.to_string());
        answer.object("Rotation", rotation)
    }
}
