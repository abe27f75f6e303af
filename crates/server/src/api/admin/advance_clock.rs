//! `AdvanceClock`: moves the domain's clock on. Only with the feature `test-clock`, at the admin
//! socket, of `yaoku dev`.

use std::any::Any;

use yaoku_model::{key::Interval, time::Timestamp};
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
    test_clock::TestClock,
};

const BY: &str = "By";

/// A request to move the clock on.
#[derive(Debug)]
pub(super) struct AdvanceClock {
    by: Interval,
}

/// The answer: the time then.
#[derive(Debug)]
pub(super) struct Moved(Timestamp);

impl Operation for AdvanceClock {
    const SPEC: &'static Spec = &Spec {
        name: "AdvanceClock",
        effect: Effect::Use,
        errors: &[&[Code::UnsupportedOperation]],
        example: &[(BY, "365d")],
        ..ADMIN
    };

    type Response = Moved;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { by: params.required(BY)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Moved, ApiError> {
        must_be_operator(call)?;
        let clock: &dyn Any = &*call.node.domain_clock;
        // Only `yaoku dev` has one.
        let clock: &TestClock = clock.downcast_ref().ok_or(Code::UnsupportedOperation)?;
        let moved = clock.advance(self.by.0).ok_or_else(|| ApiError::invalid(BY))?;
        call.node.rotations.wake();
        Ok(Moved(moved))
    }
}

impl Encode for Moved {
    fn encode(self) -> Fields {
        Fields::default().text("Now", self.0.to_string())
    }
}
