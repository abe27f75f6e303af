//! `DeleteUser`: removes a user that has nothing and is nowhere. What is in the way is said one by
//! one: clients take it away and try again. Source: identity.md §2.4.

use yaoku_model::{identity::Holder, ids::UserName};
use yaoku_wire::{error::Code, params::Params};

use super::{USER_NAME, at, user};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a user.
#[derive(Debug)]
pub(super) struct DeleteUser {
    name: UserName,
}

impl Operation for DeleteUser {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteUser",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            &[
                Code::NoUser,
                Code::UserGroupInTheWay,
                Code::UserAccessKeyInTheWay,
                Code::UserLoginProfileInTheWay,
                Code::UserMfaDeviceInTheWay,
                Code::UserPolicyInTheWay,
            ],
        ],
        example: &[("UserName", "alice")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: USER_NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow_in_ram(&at(account, &self.name)).await?;
        user(call, &self.name).await?;
        if let Some(code) = self.in_the_way(call).await? {
            return Err(code.into());
        }
        Ok(call.tx()?.delete_user(account, &self.name).await?)
    }
}

impl DeleteUser {
    async fn in_the_way(&self, call: &mut Call<'_>) -> Result<Option<Code>, ApiError> {
        let (account, user) = (call.account(), &self.name);
        let tx = call.tx()?;
        let code = if !tx.groups_of_user(account, user).await?.is_empty() {
            Code::UserGroupInTheWay
        } else if !tx.access_keys(account, Some(user)).await?.is_empty() {
            Code::UserAccessKeyInTheWay
        } else if tx.login_profile(account, user).await?.is_some() {
            Code::UserLoginProfileInTheWay
        } else if tx.mfa_device_of_user(account, user).await?.is_some() {
            Code::UserMfaDeviceInTheWay
        } else if !tx.held_policies(account, &Holder::User(user.clone())).await?.is_empty() {
            Code::UserPolicyInTheWay
        } else {
            return Ok(None);
        };
        Ok(Some(code))
    }
}
