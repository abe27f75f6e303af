//! `DeleteOidcProvider`: an identity provider vouches for nobody any more. Sessions that it began go on
//! until they end, or their role does.

use yaoku_model::{arn::Arn, ids::ProviderName};
use yaoku_wire::{error::Code, params::Params};

use super::ADMIN;
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to remove a provider.
#[derive(Debug)]
pub(super) struct DeleteOidcProvider {
    name: ProviderName,
}

impl Operation for DeleteOidcProvider {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteOidcProvider",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("Name", "cluster")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("Name")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        if call.tx()?.delete_oidc_provider(account, &self.name).await? {
            Ok(())
        } else {
            Err(Code::ResourceNotFound.into())
        }
    }
}
