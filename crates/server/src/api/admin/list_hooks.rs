//! `ListHooks`: what rotates generic secrets, by secret.

use yaoku_model::{arn::Arn, hook::Hook};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, hook::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the hooks.
#[derive(Debug)]
pub(super) struct ListHooks;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<Hook>);

impl Operation for ListHooks {
    const SPEC: &'static Spec = &Spec { name: "ListHooks", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Listed(call.tx()?.hooks(account).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        Fields::default().list("Hooks", "Hook", self.0.iter().map(fields).collect())
    }
}
