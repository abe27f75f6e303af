//! `VerifyMac`: says whether a code is a message's. Source: keys.md §10.

use yaoku_model::{algorithm::MacAlgorithm, ids::KeyId, text::Wiped};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{MAC, Message};
use crate::{
    api::{Effect, Operation, Spec, bytes},
    call::{Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
};

/// A request to check a code.
#[derive(Debug)]
pub(super) struct VerifyMac {
    message: Message,
    mac: Wiped,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Verified {
    key: KeyId,
    algorithm: MacAlgorithm,
    holds: bool,
}

impl Operation for VerifyMac {
    const SPEC: &'static Spec = &Spec {
        name: "VerifyMac",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[MAC, WRONG_STATE],
        secret_params: &["Message"],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("Algorithm", "HMAC_SHA_256"),
            ("Message", "aGVsbG8="),
            ("Mac", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw="),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, VerifyMac)",
        ..Spec::DEFAULT
    };

    type Response = Verified;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            message: Message::take(params)?,
            mac: bytes::required(params, "Mac", bytes::MAX_PROOF)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Verified, ApiError> {
        let used = self.message.usable(call, Self::ACTION).await?;
        let backend = &call.node.backend;
        let holds = backend.verify_mac(&used.handle, &self.message.text, &self.mac)?;
        let algorithm = self.message.algorithm;
        Ok(Verified { key: used.key.key.id.clone(), algorithm, holds })
    }
}

impl Encode for Verified {
    fn encode(self) -> Fields {
        Message::fields(self.algorithm, &self.key).flag("Value", self.holds)
    }
}
