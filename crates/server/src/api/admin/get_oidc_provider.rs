//! `GetOidcProvider`: what is known of an identity provider.

use yaoku_model::{arn::Arn, identity::OidcProvider, ids::ProviderName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, oidc_provider::fields};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to be told of a provider.
#[derive(Debug)]
pub(super) struct GetOidcProvider {
    name: ProviderName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Got(OidcProvider);

impl Operation for GetOidcProvider {
    const SPEC: &'static Spec = &Spec {
        name: "GetOidcProvider",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("Name", "cluster")],
        ..ADMIN
    };

    type Response = Got;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("Name")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Got, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        let found = call.tx()?.oidc_provider(account, &self.name).await?;
        found.map(Got).ok_or(Code::ResourceNotFound.into())
    }
}

impl Encode for Got {
    fn encode(self) -> Fields {
        let keys = self.0.keys.clone();
        Fields::default().object("OidcProvider", fields(&self.0).maybe_text("Keys", keys))
    }
}
