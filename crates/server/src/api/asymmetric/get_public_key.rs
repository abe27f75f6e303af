//! `GetPublicKey`: answers the public half of a pair, PEM. Source: keys.md §10.

use ::pem::{EncodeConfig, LineEnding, Pem};
use yaoku_model::key::Key;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{Done, PAIR, Pair};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
};

/// A request for a public key.
#[derive(Debug)]
pub(super) struct GetPublicKey(Pair);

/// The answer.
#[derive(Debug)]
pub(super) struct Public {
    done: Done,
    pem: String,
}

impl Operation for GetPublicKey {
    const SPEC: &'static Spec = &Spec {
        name: "GetPublicKey",
        effect: Effect::Use,
        class: Some(Class::Read),
        errors: &[PAIR, WRONG_STATE],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetPublicKey)",
        ..Spec::DEFAULT
    };

    type Response = Public;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Pair::take(params).map(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Public, ApiError> {
        let Pair { key, version } = &self.0;
        let ask = Ask::to(Self::ACTION);
        let fits = |it: &Key| it.spec.is_asymmetric();
        let used = call.usable_key_version(key, version, ask, fits).await?;
        let der = call.node.backend.public_key(&used.handle)?;
        Ok(Public { done: Done::by(&used), pem: pem(&der) })
    }
}

/// A `SubjectPublicKeyInfo` as clients read it: lines of 64 characters, the last one ended too.
fn pem(der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    ::pem::encode_config(&Pem::new("PUBLIC KEY", der), config)
}

impl Encode for Public {
    fn encode(self) -> Fields {
        self.done.fields().text("PublicKey", self.pem)
    }
}
