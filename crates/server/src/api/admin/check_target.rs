//! `CheckTarget`: logs in to a server as its administrator, looks whether it is fit for rotations, and
//! says what is not. Nothing is changed there.

use yaoku_model::ids::TargetId;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_be_operator};
use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
    rotation::{self, Problem},
};

/// A request to try a target.
#[derive(Debug)]
pub(super) struct CheckTarget {
    id: TargetId,
    tried: Option<Checked>,
}

/// The answer: what is wrong.
#[derive(Clone, Debug)]
pub(super) struct Checked(Vec<Problem>);

impl Operation for CheckTarget {
    const SPEC: &'static Spec = &Spec {
        name: "CheckTarget",
        errors: &[&[Code::ResourceNotFound]],
        example: &[("TargetId", "rm-bp1orders")],
        ..ADMIN
    };

    type Response = Checked;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { id: params.required("TargetId")?, tried: None })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let (node, account) = (call.node, call.account());
        let found = node.store.read().await?.target(account, &self.id).await?;
        let target = found.ok_or(Code::ResourceNotFound)?;
        self.tried = Some(Checked(rotation::check(node, &target).await));
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Checked, ApiError> {
        must_be_operator(call)?;
        self.tried.clone().ok_or(Code::InternalFailure.into())
    }
}

impl Encode for Checked {
    fn encode(self) -> Fields {
        let problem = |it: &Problem| {
            Fields::default()
                .text("Fault", it.code)
                .text("Message", it.message.as_str())
                .text("Remedy", it.remedy.as_str())
                .flag("StopsAll", it.stops_all)
        };
        Fields::default().flag("Works", !self.0.iter().any(|it| it.stops_all)).list(
            "Problems",
            "Problem",
            self.0.iter().map(problem).collect(),
        )
    }
}
