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
pub(super) struct Listed(Vec<(Account, Option<String>)>);

impl Operation for ListAccounts {
    const SPEC: &'static Spec = &Spec { name: "ListAccounts", ..ADMIN };

    type Response = Listed;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        must_be_operator(call)?;
        let mut listed = Vec::new();
        for account in call.tx()?.accounts().await? {
            let alias = call.tx()?.login_rules(&account.id).await?.alias;
            listed.push((account, alias));
        }
        Ok(Listed(listed))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let accounts = self.0.into_iter();
        let accounts = accounts.map(|(account, alias)| {
            create_account::fields(&account).maybe_text("AccountAlias", alias)
        });
        let accounts = accounts.collect();
        Fields::default().list("Accounts", "Account", accounts)
    }
}
