//! `UpdateKeyDescription`: gives a key another description, or none. Source: keys.md §6.7.

use yaoku_model::arn::KeyRef;
use yaoku_wire::params::Params;

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED},
    error::ApiError,
};

use super::description::Description;

/// A request to describe a key anew.
#[derive(Debug)]
pub(super) struct UpdateKeyDescription {
    key: KeyRef,
    description: Description,
}

impl Operation for UpdateKeyDescription {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateKeyDescription",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("Description", "for the orders"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateKeyDescription)",
        ..Spec::DEFAULT
    };

    type Response = ();

    /// An empty description is one: Terraform clears it so.
    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let description = Description::take(params)?;
        Ok(Self {
            key: params.required("KeyId")?,
            description: description.ok_or_else(|| ApiError::missing("Description"))?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let mut key = call.key_by_id(&self.key).await?;
        key.must_be_changeable()?;
        self.description.as_str().clone_into(&mut key.description);
        Ok(call.tx()?.update_key(&key).await?)
    }
}
