//! `DescribeService`: an operation of older clients alone, refused in plain words.
//!
//! The vendor withdrew it and its pages. Source: clients.md §A.1 and appendix 2, 12.

use yaoku_model::arn::Arn;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// A request for the service's prices and limits, as they once were.
#[derive(Debug)]
pub(super) struct DescribeService;

impl Operation for DescribeService {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeService",
        effect: Effect::Use,
        class: Some(Class::Read),
        errors: &[&[Code::UnsupportedOperation]],
        source: "no public page; @alicloud/kms20160120 1.2.0 calls it",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        Err(Code::UnsupportedOperation.into())
    }
}
