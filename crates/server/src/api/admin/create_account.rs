//! `CreateAccount`: makes an account, with the keys that it needs from its first day on.

use yaoku_model::{arn::Arn, identity::Account};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator};
use crate::{
    accounts,
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to create an account.
#[derive(Debug)]
pub(super) struct CreateAccount;

/// The answer.
#[derive(Debug)]
pub(super) struct Created(Account);

impl Operation for CreateAccount {
    const SPEC: &'static Spec = &Spec { name: "CreateAccount", effect: Effect::Write, ..ADMIN };

    type Response = Created;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        must_be_operator(call)?;
        let (node, now) = (call.node, call.now);
        let account = accounts::create_account(node, call.tx()?, now).await?;
        call.has_made(Arn::ram(&account.id, "root"));
        Ok(Created(account))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("Account", fields(&self.0))
    }
}

/// What is told of an account.
pub(super) fn fields(account: &Account) -> Fields {
    Fields::default()
        .text("AccountId", account.id.as_str())
        .text("CreateDate", account.created.to_string())
}
