//! `UpdateAlias`: binds an alias to another key. Source: keys.md §7.

use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::AliasName,
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID, KEY_FIXED},
    error::ApiError,
};

use super::customers_alias;

/// A request to bind an alias anew.
#[derive(Debug)]
pub(super) struct UpdateAlias {
    key: KeyRef,
    name: AliasName,
}

impl Operation for UpdateAlias {
    const SPEC: &'static Spec = &Spec {
        name: "UpdateAlias",
        effect: Effect::Write,
        errors: &[KEY_BY_ID, KEY_FIXED, &[Code::AliasNotFound]],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"), ("AliasName", "alias/app")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, UpdateAlias)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, name: customers_alias(params)? })
    }

    /// Needs the action on the alias, on the key it is bound to from now on, and on the key that it
    /// leaves: this one then serves its callers no more. Source: identity.md §4.2 (inferred there; the
    /// last is our choice, stricter).
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow(&Arn::alias(call.region(), account, &self.name))?;
        let key = call.key_by_id(&self.key).await?;
        key.must_be_changeable()?;
        let before = call.tx()?.alias(account, &self.name).await?.ok_or(Code::AliasNotFound)?;
        call.key_by_id(&KeyRef::Id(before.key)).await?;
        let was_there = call.tx()?.move_alias(account, &self.name, &key.id).await?;
        if was_there { Ok(()) } else { Err(Code::AliasNotFound.into()) }
    }
}
