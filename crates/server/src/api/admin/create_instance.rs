//! `CreateInstance`: makes a software instance that is in service at once. Only for the operator.

use yaoku_model::{arn::Arn, instance::Instance};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator};
use crate::{
    accounts,
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to create an instance.
#[derive(Debug)]
pub(super) struct CreateInstance;

/// The answer.
#[derive(Debug)]
pub(super) struct Created(Instance);

impl Operation for CreateInstance {
    const SPEC: &'static Spec = &Spec { name: "CreateInstance", effect: Effect::Write, ..ADMIN };

    type Response = Created;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        // Each takes a place in locked memory for ever: no account gives that to itself.
        must_be_operator(call)?;
        let (node, account, now) = (call.node, call.account(), call.now);
        let instance = accounts::create_instance(node, call.tx()?, account, now).await?;
        call.has_made(Arn::instance(call.region(), account, &instance.id));
        Ok(Created(instance))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let instance = Fields::default()
            .text("InstanceId", self.0.id.as_str())
            .text("Status", self.0.status.as_str())
            .text("CreateDate", self.0.created.to_string());
        Fields::default().object("Instance", instance)
    }
}
