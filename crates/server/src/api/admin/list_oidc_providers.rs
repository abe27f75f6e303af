//! `ListOidcProviders`: the identity providers of an account, by name.

use yaoku_model::{arn::Arn, identity::OidcProvider};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, oidc_provider::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the providers.
#[derive(Debug)]
pub(super) struct ListOidcProviders;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<OidcProvider>);

impl Operation for ListOidcProviders {
    const SPEC: &'static Spec = &Spec { name: "ListOidcProviders", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Listed(call.tx()?.oidc_providers(account).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let all = self.0.iter().map(fields).collect();
        Fields::default().list("OidcProviders", "OidcProvider", all)
    }
}
