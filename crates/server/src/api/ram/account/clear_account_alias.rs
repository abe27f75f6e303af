//! `ClearAccountAlias`: takes the account's other name away. One that is not there is not missed.

use yaoku_model::identity::LoginRules;
use yaoku_wire::params::Params;

use super::rules;
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to take the alias away.
#[derive(Debug)]
pub(super) struct ClearAccountAlias;

impl Operation for ClearAccountAlias {
    const SPEC: &'static Spec = &Spec { name: "ClearAccountAlias", effect: Effect::Write, ..RAM };

    type Response = ();

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let rules = LoginRules { alias: None, ..rules(call).await? };
        let account = call.account();
        call.tx()?.put_login_rules(account, &rules).await?;
        Ok(())
    }
}
