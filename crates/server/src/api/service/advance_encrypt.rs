//! `AdvanceEncrypt`: an operation of older clients alone, refused in plain words.
//!
//! It takes modes, paddings and IVs that only an instance's own gateway has. Source: keys.md §3.3;
//! clients.md, appendix 2, 12.

use yaoku_model::arn::Arn;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to encrypt with a chosen mode. Nothing of it is kept.
#[derive(Debug)]
pub(super) struct AdvanceEncrypt;

impl Operation for AdvanceEncrypt {
    const SPEC: &'static Spec = &Spec {
        name: "AdvanceEncrypt",
        effect: Effect::Use,
        errors: &[&[Code::UnsupportedOperation]],
        secret_params: &["Plaintext"],
        example: &[("Plaintext", "hello")],
        source: "no public page; aliyun-python-sdk-kms 2.16.5 calls it",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        _ = params.text("Plaintext");
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        Err(Code::UnsupportedOperation.into())
    }
}
