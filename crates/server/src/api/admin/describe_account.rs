//! `DescribeAccount`: an account, and how much it has of what its quotas count.

use yaoku_model::{arn::Arn, identity::Account};
use yaoku_store::IdentityCounts;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, create_account};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to describe the caller's account.
#[derive(Debug)]
pub(super) struct DescribeAccount;

/// The answer.
#[derive(Debug)]
pub(super) struct Described(Account, Option<String>, IdentityCounts);

impl Operation for DescribeAccount {
    const SPEC: &'static Spec =
        &Spec { name: "DescribeAccount", errors: &[&[Code::ResourceNotFound]], ..ADMIN };

    type Response = Described;

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Described, ApiError> {
        call.allow(&Arn::any())?;
        let id = call.account();
        let account = call.tx()?.account(id).await?.ok_or(Code::ResourceNotFound)?;
        let alias = call.tx()?.login_rules(id).await?.alias;
        Ok(Described(account, alias, call.tx()?.identity_counts(id).await?))
    }
}

impl Encode for Described {
    fn encode(self) -> Fields {
        let Self(account, alias, counts) = self;
        let fields = create_account::fields(&account)
            .maybe_text("AccountAlias", alias)
            .flag("KmsOpen", account.kms_open)
            .number("Users", counts.users)
            .number("Groups", counts.groups)
            .number("Roles", counts.roles)
            .number("Policies", counts.policies)
            .number("MfaDevices", counts.mfa_devices);
        Fields::default().object("Account", fields)
    }
}
