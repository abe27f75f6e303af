//! `DescribeAccountKmsStatus`: whether an account has opened the service. Source: keys.md §15.1.

use yaoku_model::arn::Arn;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// A request for the caller's account's status.
#[derive(Debug)]
pub(super) struct DescribeAccountKmsStatus;

/// The answer. Nobody runs up debts here, so two of the four words are never said.
#[derive(Debug)]
pub(super) struct Status {
    open: bool,
}

impl Operation for DescribeAccountKmsStatus {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeAccountKmsStatus",
        effect: Effect::Use,
        class: Some(Class::Instance),
        works_while_closed: true,
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DescribeAccountKmsStatus)",
        ..Spec::DEFAULT
    };

    type Response = Status;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Status, ApiError> {
        call.allow(&Arn::any())?;
        Ok(Status { open: call.caller.kms_open })
    }
}

impl Encode for Status {
    fn encode(self) -> Fields {
        let status = if self.open { "Enabled" } else { "NotEnabled" };
        Fields::default().text("AccountStatus", status)
    }
}
