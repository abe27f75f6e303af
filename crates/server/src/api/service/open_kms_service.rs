//! `OpenKmsService`: opens the service for an account, once. Source: keys.md §15.1.

use yaoku_model::arn::Arn;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// A request to open the service for the caller's account.
#[derive(Debug)]
pub(super) struct OpenKmsService;

impl Operation for OpenKmsService {
    const SPEC: &'static Spec = &Spec {
        name: "OpenKmsService",
        effect: Effect::Write,
        class: Some(Class::Instance),
        errors: &[&[Code::Opened]],
        works_while_closed: true,
        source: "https://www.alibabacloud.com/help/en/kms (API reference, OpenKmsService)",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        let account = call.account();
        if call.tx()?.account(account).await?.is_some_and(|it| it.kms_open) {
            return Err(Code::Opened.into());
        }
        Ok(call.tx()?.set_kms_open(account, true).await?)
    }
}
