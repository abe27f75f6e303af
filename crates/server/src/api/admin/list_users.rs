//! `ListUsers`: the RAM users of the account, all at once. Source: identity.md §2.3.

use yaoku_model::{arn::Arn, identity::User};
use yaoku_store::Slice;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, create_user};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list the users.
#[derive(Debug)]
pub(super) struct ListUsers;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<User>);

impl Operation for ListUsers {
    const SPEC: &'static Spec = &Spec { name: "ListUsers", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        Ok(Listed(call.tx()?.users(account, Slice::ALL).await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let users = self.0.iter().map(create_user::fields).collect();
        Fields::default().list("Users", "User", users)
    }
}
