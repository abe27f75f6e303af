//! `UpdateSecret`: changes what is written about a secret. Source: secrets.md §4.8.

use yaoku_model::{arn::SecretRef, secret::CustomData};
use yaoku_wire::params::Params;

use crate::{
    api::{Effect, Operation, Spec, keys::description::Description},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    throttle::Class,
};

use super::{
    Named,
    managed::{custom_data, replace_custom_data},
};

/// A request to change a secret.
#[derive(Debug)]
pub(super) struct UpdateSecret {
    secret: SecretRef,
    /// `None` leaves it as it is.
    description: Option<Description>,
    /// Of a managed secret; a generic one has none, whatever is sent.
    custom: Option<CustomData>,
}

impl Operation for UpdateSecret {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateSecret",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[LIVE_SECRET],
        example: &[
            ("SecretName", "db/orders"),
            ("Description", "for the orders"),
            ("ExtendedConfig.CustomData", "{}"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateSecret)",
        ..Spec::DEFAULT
    };

    type Response = Named;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let secret = params.required("SecretName")?;
        let (custom, description) = (custom_data(params)?, Description::take(params)?);
        Ok(Self { secret, description, custom })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Named, ApiError> {
        let mut secret = call.live_secret(&self.secret).await?;
        if let Some(description) = &self.description {
            description.as_str().clone_into(&mut secret.description);
        }
        if let Some(custom) = &self.custom {
            replace_custom_data(&mut secret, custom)?;
        }
        secret.updated = call.now;
        call.tx()?.update_secret(&secret).await?;
        Ok(Named(secret.name))
    }
}
