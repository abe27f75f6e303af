//! `DeleteAccessKey`: removes an access key for good.

use yaoku_model::{
    arn::Arn,
    ids::{AccessKeyId, UserName},
};
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, set_access_key_status::must_be_of};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to delete an access key.
#[derive(Debug)]
pub(super) struct DeleteAccessKey {
    user: Option<UserName>,
    key: AccessKeyId,
}

impl Operation for DeleteAccessKey {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteAccessKey",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("UserName", "alice"), ("UserAccessKeyId", "LTAI0123456789abcdefghij")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: params.optional("UserName")?, key: params.required("UserAccessKeyId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        must_be_of(call, self.user.as_ref(), &self.key).await?;
        Ok(call.tx()?.delete_access_key(&self.key).await?)
    }
}
