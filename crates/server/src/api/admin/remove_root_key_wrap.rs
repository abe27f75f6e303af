//! `RemoveRootKeyWrap`: takes away a way to open the root key.
//!
//! Whoever has a copy of the store from before, and what the wrap was made with, still opens the
//! root key of that copy: a rotation after it makes that worthless for what comes later.

use yaoku_model::ids::WrapName;
use yaoku_wire::{error::Code, params::Params};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    root::rotation,
};

/// A request to remove a wrap.
#[derive(Debug)]
pub(super) struct RemoveRootKeyWrap {
    name: WrapName,
}

impl Operation for RemoveRootKeyWrap {
    const SPEC: &'static Spec = &Spec {
        name: "RemoveRootKeyWrap",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound, Code::StateModifiedFailed]],
        example: &[("Name", "vault")],
        ..ADMIN
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("Name")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let node = call.node;
        rotation::remove_wrap(call.tx()?, &node.held, &self.name).await
    }
}
