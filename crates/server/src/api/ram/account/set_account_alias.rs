//! `SetAccountAlias`: gives the account another name, which no other account has.
//! Source: identity.md §2.2, §2.4.

use yaoku_model::{identity::LoginRules, login::AccountAlias};
use yaoku_wire::{error::Code, params::Params};

use super::rules;
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, Rule},
    },
    call::Call,
    error::ApiError,
};

const ACCOUNT_ALIAS: Rule = Rule {
    name: "AccountAlias",
    max: 32,
    codes: &[Code::AccountAliasFormat, Code::AccountAliasFormat],
};

/// A request to set the alias.
#[derive(Debug)]
pub(super) struct SetAccountAlias {
    alias: AccountAlias,
}

impl Operation for SetAccountAlias {
    const SPEC: &'static Spec = &Spec {
        name: "SetAccountAlias",
        effect: Effect::Write,
        errors: &[ACCOUNT_ALIAS.codes, &[Code::AccountAliasExists]],
        example: &[("AccountAlias", "acme")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { alias: ACCOUNT_ALIAS.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let alias = Some(self.alias.clone().into_text());
        let rules = LoginRules { alias, ..rules(call).await? };
        let account = call.account();
        if call.tx()?.put_login_rules(account, &rules).await? {
            Ok(())
        } else {
            Err(Code::AccountAliasExists.into())
        }
    }
}
