//! `CreateAlias`: gives a key one more name. Source: keys.md §7.

use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::AliasName,
    key::Alias,
};
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_ID},
    error::ApiError,
};

use super::customers_alias;

/// A request to name a key.
#[derive(Debug)]
pub(super) struct CreateAlias {
    key: KeyRef,
    name: AliasName,
}

impl Operation for CreateAlias {
    const SPEC: &'static Spec = &Spec {
        name: "CreateAlias",
        effect: Effect::Write,
        errors: &[
            KEY_BY_ID,
            &[
                Code::AliasAlreadyExists,
                Code::LimitExceeded,
                Code::StateModifiedFailed,
                Code::UnsupportedOperation,
            ],
        ],
        example: &[("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"), ("AliasName", "alias/app")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, CreateAlias)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { key: params.required("KeyId")?, name: customers_alias(params)? })
    }

    /// Needs the action on the alias and on the key. Source: identity.md §4.2.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow(&Arn::alias(call.region(), account, &self.name))?;
        let key = call.key_by_id(&self.key).await?;
        key.must_take_an_alias()?;
        let now = call.now;
        if call.tx()?.count_aliases(account, now).await? >= call.node.limits.aliases {
            return Err(Code::LimitExceeded.into());
        }
        let alias =
            Alias { account: account.clone(), name: self.name.clone(), key: key.id, created: now };
        free_name(call, &self.name).await?;
        let is_new = call.tx()?.insert_alias(&alias).await?;
        if is_new { Ok(()) } else { Err(Code::AliasAlreadyExists.into()) }
    }
}

/// What a key that is gone was called is free, whether or not it was removed yet.
async fn free_name(call: &mut Call<'_>, name: &AliasName) -> Result<(), ApiError> {
    let (account, now, tx) = (call.account(), call.now, call.tx()?);
    let Some(alias) = tx.alias(account, name).await? else { return Ok(()) };
    if tx.key(&alias.key).await?.is_some_and(|it| it.is_gone(now)) {
        tx.delete_alias(account, name).await?;
    }
    Ok(())
}
