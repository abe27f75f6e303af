//! `AsymmetricSign`: signs a digest; nothing is hashed here. Source: keys.md §3.3, §10.

use std::sync::Arc;

use yaoku_model::algorithm::SignatureAlgorithm;
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

/// A request to sign.
#[derive(Debug)]
pub(super) struct AsymmetricSign {
    pair: Pair,
    algorithm: SignatureAlgorithm,
    digest: [u8; 32],
}

/// The answer.
#[derive(Debug)]
pub(super) struct Signed {
    done: Done,
    signature: Vec<u8>,
}

impl Operation for AsymmetricSign {
    const SPEC: &'static Spec = &Spec {
        name: "AsymmetricSign",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[PAIR, WRONG_STATE],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"),
            ("Algorithm", "RSA_PSS_SHA_256"),
            ("Digest", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw="),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, AsymmetricSign)",
        ..Spec::DEFAULT
    };

    type Response = Signed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            pair: Pair::take(params)?,
            algorithm: take_algorithm(params)?,
            digest: bytes::exactly(params, "Digest")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Signed, ApiError> {
        let ask = Ask::algorithm(Self::ACTION, self.algorithm.as_str());
        let used = self.pair.signs(call, ask, self.algorithm).await?;
        let (backend, random) = (Arc::clone(&call.node.backend), Arc::clone(&call.node.random));
        let (key, algorithm, digest) = (used.handle.clone(), self.algorithm, self.digest);
        let sign = move || backend.sign(&key, algorithm, &digest, &*random);
        let signature = call.node.aside.run(used.handle.spec(), sign).await??;
        Ok(Signed { done: Done::by(&used), signature })
    }
}

impl Encode for Signed {
    fn encode(self) -> Fields {
        self.done.fields().base64("Value", &self.signature)
    }
}
