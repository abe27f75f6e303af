//! `AsymmetricVerify`: says whether a signature is one. Source: keys.md §10.

use yaoku_model::{algorithm::SignatureAlgorithm, text::Wiped};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{Done, PAIR, Pair, take_algorithm};
use crate::{
    api::{Effect, Operation, Spec, bytes},
    call::{Ask, Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
};

/// A request to verify.
#[derive(Debug)]
pub(super) struct AsymmetricVerify {
    pair: Pair,
    algorithm: SignatureAlgorithm,
    digest: [u8; 32],
    signature: Wiped,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Verified {
    done: Done,
    holds: bool,
}

impl Operation for AsymmetricVerify {
    const SPEC: &'static Spec = &Spec {
        name: "AsymmetricVerify",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[PAIR, WRONG_STATE],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"),
            ("Algorithm", "RSA_PSS_SHA_256"),
            ("Digest", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw="),
            ("Value", "M2CceNZH00ZgL9ED/ZHFp21YRAvYeZHknJUc207OCZ0N9wNn9As4z2bON3FF3je+"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, AsymmetricVerify)",
        ..Spec::DEFAULT
    };

    type Response = Verified;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            pair: Pair::take(params)?,
            algorithm: take_algorithm(params)?,
            digest: bytes::exactly(params, "Digest")?,
            signature: bytes::required(params, "Value", bytes::MAX_PROOF)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Verified, ApiError> {
        let ask = Ask::algorithm(Self::ACTION, self.algorithm.as_str());
        let used = self.pair.signs(call, ask, self.algorithm).await?;
        let backend = &call.node.backend;
        let holds = backend.verify(&used.handle, self.algorithm, &self.digest, &self.signature)?;
        Ok(Verified { done: Done::by(&used), holds })
    }
}

impl Encode for Verified {
    fn encode(self) -> Fields {
        self.done.fields().flag("Value", self.holds)
    }
}
