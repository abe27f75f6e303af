//! `SetAccessKeyStatus`: switches an access key on or off. Source: identity.md §2.2.

use std::str::FromStr;

use yaoku_model::{
    arn::Arn,
    ids::{AccessKeyId, Invalid, UserName},
};
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, access_key_owner, list_access_keys::status};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to switch an access key on or off.
#[derive(Debug)]
pub(super) struct SetAccessKeyStatus {
    user: Option<UserName>,
    key: AccessKeyId,
    active: bool,
}

impl Operation for SetAccessKeyStatus {
    const SPEC: &'static Spec = &Spec {
        name: "SetAccessKeyStatus",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[
            ("UserName", "alice"),
            ("UserAccessKeyId", "LTAI0123456789abcdefghij"),
            ("Status", "Inactive"),
        ],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let Status(active) = params.required("Status")?;
        Ok(Self {
            user: params.optional("UserName")?,
            key: params.required("UserAccessKeyId")?,
            active,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        must_be_of(call, self.user.as_ref(), &self.key).await?;
        Ok(call.tx()?.set_access_key_active(&self.key, self.active).await?)
    }
}

/// Fails unless the access key is the user's, or the caller's own where no user is named.
pub(super) async fn must_be_of(
    call: &mut Call<'_>,
    user: Option<&UserName>,
    key: &AccessKeyId,
) -> Result<(), ApiError> {
    let owner = access_key_owner(call, user).await?;
    let account = call.account();
    let keys = call.tx()?.access_keys(account, owner.as_ref()).await?;
    let found = keys.iter().any(|it| it.id == *key);
    if found { Ok(()) } else { Err(Code::ResourceNotFound.into()) }
}

/// Whether an access key may sign.
struct Status(bool);

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        [true, false].into_iter().find(|it| raw == status(*it)).map(Self).ok_or(Invalid)
    }
}
