//! `ListAccessKeys`: the access keys of a user, or of the account itself; never their secrets.
//! Source: identity.md §2.3.

use yaoku_model::{arn::Arn, identity::AccessKey, ids::UserName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, access_key_owner};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list access keys.
#[derive(Debug)]
pub(super) struct ListAccessKeys {
    user: Option<UserName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<AccessKey>);

impl Operation for ListAccessKeys {
    const SPEC: &'static Spec = &Spec {
        name: "ListAccessKeys",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("UserName", "alice")],
        ..ADMIN
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { user: params.optional("UserName")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let owner = access_key_owner(call, self.user.as_ref()).await?;
        let account = call.account();
        Ok(Listed(call.tx()?.access_keys(account, owner.as_ref()).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let key = |it: &AccessKey| {
            Fields::default()
                .text("AccessKeyId", it.id.as_str())
                .text("Status", status(it.active))
                .text("CreateDate", it.created.to_string())
        };
        Fields::default().list("AccessKeys", "AccessKey", self.0.iter().map(key).collect())
    }
}

/// The word for whether an access key may sign. Source: identity.md §2.2.
pub(super) const fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}
