//! `DeleteKeyMaterial`: forgets imported material; the same may be imported again.
//! Source: keys.md §12.1.

use yaoku_model::{
    arn::KeyRef,
    key::{Key, KeyVersion},
};
use yaoku_store::{StoreError, Tx};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

/// A request to forget material.
#[derive(Debug)]
pub(super) struct DeleteKeyMaterial {
    key: KeyRef,
}

impl Operation for DeleteKeyMaterial {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteKeyMaterial",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, &[Code::UnsupportedOrigin]],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DeleteKeyMaterial)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let key = call.key_by_id(&self.key).await?;
        key.must_be_imported()?;
        Ok(forget(call.tx()?, key).await?)
    }
}

/// Forgets a key's material, and remembers only by what the same is known again.
pub(crate) async fn forget(tx: &mut dyn Tx, mut key: Key) -> Result<(), StoreError> {
    for version in tx.key_versions(&key.id).await? {
        if !version.sealed.is_empty() {
            tx.update_key_version(&KeyVersion { sealed: Vec::new(), ..version }).await?;
        }
    }
    key.lose_material();
    tx.update_key(&key).await
}
