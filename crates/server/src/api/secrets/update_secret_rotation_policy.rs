//! `UpdateSecretRotationPolicy`: says whether, and how often, a managed secret's credential changes by
//! itself. Source: secrets.md §4.10.

use yaoku_model::{
    arn::SecretRef,
    secret::{Managed, RotationInterval},
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    rotation::begin,
    throttle::Class,
};

use super::{Named, managed};

/// A request to change the policy.
#[derive(Debug)]
pub(super) struct UpdateSecretRotationPolicy {
    secret: SecretRef,
    /// `None`: it does not rotate.
    interval: Option<RotationInterval>,
}

impl Operation for UpdateSecretRotationPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateSecretRotationPolicy",
        effect: Effect::Write,
        class: Some(Class::SecretWrite),
        errors: &[LIVE_SECRET, &[Code::RejectedUnsupportedOperation, Code::ResourceInUse]],
        example: &[
            ("SecretName", "db/orders"),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "7d"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateSecretRotationPolicy)",
        ..Spec::DEFAULT
    };

    type Response = Named;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let secret = params.required("SecretName")?;
        let missing = || ApiError::missing("EnableAutomaticRotation");
        let enabled = params.flag("EnableAutomaticRotation")?.ok_or_else(missing)?;
        Ok(Self { secret, interval: interval(params, enabled)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Named, ApiError> {
        let (node, now) = (call.node, call.now);
        let mut secret = call.live_secret(&self.secret).await?;
        managed(&secret)?;
        match call.tx()?.rotation(&secret.account, &secret.name).await? {
            // It waits for whoever puts the server right, perhaps for ever.
            Some(it) if begin::is_left_over(&secret, &it) => {
                begin::again(call.tx()?, &mut secret, it, now).await?;
                node.rotations.wake();
            }
            Some(it) if it.is_running() => return Err(begin::being_rotated()),
            _ => {}
        }
        let created = secret.created;
        if let Some(managed) = &mut secret.managed {
            set(managed, self.interval, created);
        }
        secret.updated = now;
        call.tx()?.update_secret(&secret).await?;
        Ok(Named(secret.name))
    }
}

/// Takes the interval: needed if it rotates, and ignored if not. Source: secrets.md §6.7.
pub(super) fn interval(
    params: &mut Params,
    enabled: bool,
) -> Result<Option<RotationInterval>, ApiError> {
    if enabled {
        return Ok(Some(params.required("RotationInterval")?));
    }
    _ = params.text("RotationInterval");
    Ok(None)
}

/// Has a secret rotate so often, or not at all.
pub(super) fn set(
    managed: &mut Managed,
    interval: Option<RotationInterval>,
    created: yaoku_model::time::Timestamp,
) {
    match interval {
        Some(interval) => managed.enable(interval.seconds(), created),
        None => managed.disable(),
    }
}
