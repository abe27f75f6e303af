//! `RotateRootKey`: makes a new root key, which takes the place of the old one while calls go on.
//!
//! The answer says that it has begun; `DescribeRootKey` says how far it is. Nothing stops it: what
//! a kill interrupts, the next start finishes.

use yaoku_crypto::rootkey::Generation;
use yaoku_model::ids::WrapName;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    root::rotation,
};

/// A request to rotate the root key.
#[derive(Debug)]
pub(super) struct RotateRootKey {
    /// Wraps that end with it.
    drop: Vec<WrapName>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Begun(Generation);

impl Operation for RotateRootKey {
    const SPEC: &'static Spec = &Spec {
        name: "RotateRootKey",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound, Code::StateModifiedFailed, Code::LimitExceeded]],
        example: &[("DropWrap.1", "vault")],
        ..ADMIN
    };

    type Response = Begun;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { drop: params.list("DropWrap")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Begun, ApiError> {
        must_be_operator(call)?;
        let node = call.node;
        Ok(Begun(rotation::begin(call.tx()?, &node.held, &self.drop, &*node.random).await?))
    }
}

impl Encode for Begun {
    fn encode(self) -> Fields {
        Fields::default().number("Generation", self.0.0.into())
    }
}
