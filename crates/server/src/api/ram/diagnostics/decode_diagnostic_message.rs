//! `DecodeDiagnosticMessage`: why a call of this account was refused. Source: identity.md §2.3.

use yaoku_model::arn::Arn;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
    judge::Denial,
};

/// The parameter.
const NAME: &str = "EncodedDiagnosticMessage";

/// A request to decode what a refusal held.
#[derive(Debug)]
pub(super) struct DecodeDiagnosticMessage {
    message: String,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Decoded(Denial);

impl Operation for DecodeDiagnosticMessage {
    const SPEC: &'static Spec = &Spec {
        name: "DecodeDiagnosticMessage",
        example: &[(NAME, "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA")],
        source: "https://www.alibabacloud.com/help/en/ram (API reference, DecodeDiagnosticMessage)",
        ..RAM
    };

    type Response = Decoded;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let message = params.text(NAME).filter(|it| !it.is_empty());
        let message = message.ok_or_else(|| ApiError::missing(NAME))?;
        Ok(Self { message: message.as_str().to_owned() })
    }

    /// A message of another account is as invalid as one that was made up.
    async fn run(&self, call: &mut Call<'_>) -> Result<Decoded, ApiError> {
        call.allow(&Arn::any())?;
        let denial = Denial::open(&call.node.keyring, call.account(), &self.message);
        denial.map(Decoded).ok_or_else(|| ApiError::invalid(NAME))
    }
}

impl Encode for Decoded {
    fn encode(self) -> Fields {
        Fields::default().object("DecodedDiagnosticMessage", self.0.decoded())
    }
}
