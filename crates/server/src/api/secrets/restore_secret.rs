//! `RestoreSecret`: takes back a deletion that has not come yet. Source: secrets.md §3, §4.13.

use yaoku_model::arn::SecretRef;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, SECRET},
    error::ApiError,
    throttle::Class,
};

use super::Named;

/// A request to restore a secret.
#[derive(Debug)]
pub(super) struct RestoreSecret {
    secret: SecretRef,
}

impl Operation for RestoreSecret {
    const SPEC: &'static Spec = &Spec {
        name: "RestoreSecret",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[SECRET, &[Code::ResourceInUse]],
        example: &[("SecretName", "db/orders")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, RestoreSecret)",
        ..Spec::DEFAULT
    };

    type Response = Named;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { secret: params.required("SecretName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Named, ApiError> {
        let mut secret = call.secret(&self.secret).await?;
        secret.restore(call.now)?;
        call.tx()?.update_secret(&secret).await?;
        Ok(Named(secret.name))
    }
}
