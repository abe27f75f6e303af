//! `GenerateMac`: makes a message authentication code. Source: keys.md §10.

use yaoku_model::{algorithm::MacAlgorithm, ids::KeyId};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{MAC, Message};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
};

/// A request for a code.
#[derive(Debug)]
pub(super) struct GenerateMac(Message);

/// The answer.
#[derive(Debug)]
pub(super) struct Generated {
    key: KeyId,
    algorithm: MacAlgorithm,
    mac: Vec<u8>,
}

impl Operation for GenerateMac {
    const SPEC: &'static Spec = &Spec {
        name: "GenerateMac",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[MAC, WRONG_STATE],
        secret_params: &["Message"],
        dry_run: true,
        example: &[("KeyId", "alias/app"), ("Algorithm", "HMAC_SHA_256"), ("Message", "aGVsbG8=")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GenerateMac)",
        ..Spec::DEFAULT
    };

    type Response = Generated;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Message::take(params).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Generated, ApiError> {
        let used = self.0.usable(call, Self::ACTION).await?;
        let mac = call.node.backend.mac(&used.handle, &self.0.text)?;
        Ok(Generated { key: used.key.key.id.clone(), algorithm: self.0.algorithm, mac })
    }
}

impl Encode for Generated {
    fn encode(self) -> Fields {
        Message::fields(self.algorithm, &self.key).base64("Mac", &self.mac)
    }
}
