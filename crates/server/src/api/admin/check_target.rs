//! `CheckTarget`: logs in to a server as its administrator, and says what came of it.

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
    rotation::{self, Trouble},
};

/// A request to try a target.
#[derive(Debug)]
pub(super) struct CheckTarget {
    id: TargetId,
    tried: Option<Checked>,
}

/// The answer: nothing is wrong, or this.
#[derive(Clone, Debug)]
pub(super) struct Checked(Option<(&'static str, String)>);

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
        let tried = rotation::check(node, &target).await;
        self.tried = Some(Checked(tried.err().map(|it| (Trouble::code(&it), it.message()))));
        Ok(())
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Checked, ApiError> {
        must_be_operator(call)?;
        self.tried.clone().ok_or(Code::InternalFailure.into())
    }
}

impl Encode for Checked {
    fn encode(self) -> Fields {
        let fields = Fields::default().flag("Works", self.0.is_none());
        match self.0 {
            Some((fault, message)) => fields.text("Fault", fault).text("Message", message),
            None => fields,
        }
    }
}
