//! `DeleteAlias`: takes a name away from its key, which stays as it is. Source: keys.md §7.

use yaoku_model::{
    arn::{Arn, KeyRef},
    ids::AliasName,
};
use yaoku_wire::params::Params;

use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, KEY_BY_NAME},
    error::ApiError,
};

use super::customers_alias;

/// A request to remove an alias.
#[derive(Debug)]
pub(super) struct DeleteAlias {
    name: AliasName,
}

impl Operation for DeleteAlias {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteAlias",
        effect: Effect::Write,
        errors: &[KEY_BY_NAME],
        example: &[("AliasName", "alias/app")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DeleteAlias)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: customers_alias(params)? })
    }

    /// Needs the action on the alias and on its key. Source: identity.md §4.2.
    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow(&Arn::alias(call.region(), account, &self.name))?;
        call.key(&KeyRef::Alias(self.name.clone())).await?;
        call.tx()?.delete_alias(account, &self.name).await?;
        Ok(())
    }
}
