//! `ListTargets`: the servers whose credentials are turned, by id.

use yaoku_model::{arn::Arn, target::Target};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, target::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the targets.
#[derive(Debug)]
pub(super) struct ListTargets;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<Target>);

impl Operation for ListTargets {
    const SPEC: &'static Spec = &Spec { name: "ListTargets", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Listed(call.tx()?.targets(account).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        Fields::default().list("Targets", "Target", self.0.iter().map(fields).collect())
    }
}
