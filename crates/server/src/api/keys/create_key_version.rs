//! `CreateKeyVersion`: gives a key a new version by hand. Source: keys.md §8.1.

use yaoku_model::{
    arn::KeyRef,
    key::{Key, KeyVersion},
    time::Timestamp,
};
use yaoku_store::{Page, Tx};
use yaoku_wire::{
    error::{Code, Refusal},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call, KEY_BY_NAME, WRONG_STATE, running_instance},
    error::ApiError,
    node::Limits,
    versions,
};

use super::version::One;

/// A request to make a version.
#[derive(Debug)]
pub(super) struct CreateKeyVersion {
    key: KeyRef,
    prepared: Option<KeyVersion>,
}

impl Operation for CreateKeyVersion {
    const SPEC: &'static Spec = &Spec {
        name: "CreateKeyVersion",
        effect: Effect::Write,
        errors: &[
            KEY_BY_NAME,
            WRONG_STATE,
            &[
                Code::RejectedUnsupportedOperation,
                Code::UnsupportedOperation,
                Code::LimitExceeded,
                Code::DkmsInstanceNotFound,
                Code::DkmsInstanceStateInvalid,
            ],
        ],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, CreateKeyVersion)",
        ..Spec::DEFAULT
    };

    type Response = One;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, prepared: None })
    }

    /// Makes the material: of an RSA key that takes long, so only for a key that may have it.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let found = call.cached_key(&self.key, Ask::to(Self::ACTION)).await?;
        // Made for the try before this one, and for the same key: it is as good as a new one.
        if self.prepared.as_ref().is_none_or(|it| it.key != found.key.id) {
            let (node, now) = (call.node, call.now);
            node.metrics.store_reads.add_one();
            check(node.store.read().await?.tx(), &found.key, &node.limits, now).await?;
            self.prepared = Some(versions::make(node, &found.key, now).await?);
        }
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<One, ApiError> {
        let mut key = call.key(&self.key).await?;
        let (node, now) = (call.node, call.now);
        check(call.tx()?, &key, &node.limits, now).await?;
        let version = self.prepared.as_ref().filter(|it| it.key == key.id);
        let version = version.ok_or_else(ApiError::conflict)?;
        versions::keep(call.tx()?, &mut key, version).await?;
        Ok(One(version.clone()))
    }
}

/// Whether `key` may have one more, and its instance has room for it.
async fn check(
    tx: &mut dyn Tx,
    key: &Key,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), ApiError> {
    let one = Page { number: 1, size: 1 };
    let versions = tx.list_key_versions(&key.id, one).await?.total;
    must_take_one(key, versions, limits, now)?;
    // Source: instance.md §1.4: versions count, not keys.
    if let Some(home) = &key.instance {
        let quota = running_instance(tx, &key.account, home).await?.key_quota;
        if tx.count_key_versions(home, now).await? >= quota {
            return Err(Code::LimitExceeded.into());
        }
    }
    Ok(())
}

/// Source: keys.md §8.1 (inferred there); that the code for coming too early is this one is our
/// choice.
fn must_take_one(
    key: &Key,
    versions: i64,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), ApiError> {
    key.must_take_a_version(now)?;
    if versions >= limits.key_versions {
        return Err(Code::LimitExceeded.into());
    }
    let wait = limits.asymmetric_version_days.saturating_mul(86_400);
    let early = key.last_rotation.is_some_and(|it| now < it.plus_seconds(wait));
    if key.spec.is_asymmetric() && early {
        let refusal = Refusal::from(Code::RejectedUnsupportedOperation);
        return Err(refusal.with_message("The newest version of the key is too young.").into());
    }
    Ok(())
}
