//! `CancelKeyDeletion`: lets a key that waits for its deletion live on. Source: keys.md §5, §6.5.

use yaoku_model::{
    arn::KeyRef,
    instance::InstanceStatus,
    key::{Key, Origin},
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
    versions,
};

/// A request to call a key back.
#[derive(Debug)]
pub(super) struct CancelKeyDeletion {
    key: KeyRef,
}

impl Operation for CancelKeyDeletion {
    const SPEC: &'static Spec = &Spec {
        name: "CancelKeyDeletion",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, &[Code::StateModifiedFailed, Code::UnsupportedOperation]],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, CancelKeyDeletion)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    /// A rotation that came due while it was suspended happens at once. Source: keys.md §8.3.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        let (has_material, in_service) =
            (has_material(call, &key).await?, is_in_service(call, &key).await?);
        key.cancel_deletion(has_material, in_service)?;
        call.tx()?.update_key(&key).await?;
        let (node, now) = (call.node, call.now);
        versions::rotate_if_due(node, call.tx()?, &mut key, now).await?;
        Ok(())
    }
}

/// Only imported material can be missing.
async fn has_material(call: &mut Call<'_>, key: &Key) -> Result<bool, ApiError> {
    if key.origin == Origin::Kms {
        return Ok(true);
    }
    let versions = call.tx()?.key_versions(&key.id).await?;
    Ok(versions.iter().any(|it| !it.sealed.is_empty()))
}

async fn is_in_service(call: &mut Call<'_>, key: &Key) -> Result<bool, ApiError> {
    let Some(home) = &key.instance else { return Ok(true) };
    let home = call.tx()?.instance(home).await?;
    Ok(home.is_some_and(|it| it.status == InstanceStatus::Connected))
}
