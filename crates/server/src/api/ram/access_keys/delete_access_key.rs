//! `DeleteAccessKey`: removes an access key. From then on nobody knows it.

use yaoku_model::ids::{AccessKeyId, UserName};
use yaoku_wire::params::Params;

use super::{FOUND, key, owner_to_change};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, users::USER_NAME},
    },
    call::Call,
    error::ApiError,
};

/// A request to delete an access key.
#[derive(Debug)]
pub(super) struct DeleteAccessKey {
    user: Option<UserName>,
    id: AccessKeyId,
}

impl Operation for DeleteAccessKey {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteAccessKey",
        effect: Effect::Write,
        errors: &[USER_NAME.codes, FOUND],
        example: &[("UserName", "alice"), ("UserAccessKeyId", "LTAI5tAbCdEfGhIjKlMnOpQr")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: USER_NAME.optional(params)?, id: params.required("UserAccessKeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let owner = owner_to_change(call, self.user.as_ref()).await?;
        let found = key(call, owner.as_ref(), &self.id).await?;
        Ok(call.tx()?.delete_access_key(&found.id).await?)
    }
}
