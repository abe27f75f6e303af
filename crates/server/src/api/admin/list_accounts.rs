//! `ListAccounts`: all accounts.

use yaoku_model::identity::Account;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, create_account, must_be_operator};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to list all accounts.
#[derive(Debug)]
pub(super) struct ListAccounts;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<Account>);

impl Operation for ListAccounts {
    const SPEC: &'static Spec = &Spec { name: "ListAccounts", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        must_be_operator(call)?;
        Ok(Listed(call.tx()?.accounts().await?))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let accounts = self.0.iter().map(create_account::fields).collect();
        Fields::default().list("Accounts", "Account", accounts)
    }
}
