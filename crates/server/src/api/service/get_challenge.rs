//! `GetChallenge`: the first step of proving what a program runs in, refused in plain words.
//!
//! What it leads to is a `Recipient`, which every operation refuses: a challenge that nobody can use
//! would be a worse answer. Source: keys.md §9.9; that it is refused too is our choice.

use yaoku_model::arn::Arn;
use yaoku_wire::{error::Code, params::Params};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// A request for a challenge.
#[derive(Debug)]
pub(super) struct GetChallenge;

impl Operation for GetChallenge {
    const SPEC: &'static Spec = &Spec {
        name: "GetChallenge",
        effect: Effect::Use,
        class: Some(Class::Read),
        errors: &[&[Code::UnsupportedOperation]],
        source: "no public page; alibabacloud-kms20160120 3.3.1 calls it",
        ..Spec::DEFAULT
    };

    type Response = ();

    fn parse(_: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow(&Arn::any())?;
        Err(Code::UnsupportedOperation.into())
    }
}
