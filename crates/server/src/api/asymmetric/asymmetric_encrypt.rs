//! `AsymmetricEncrypt`: encrypts bytes under a public key. Source: keys.md §3.3, §10.

use yaoku_model::{algorithm::EncryptionAlgorithm, text::Wiped};
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

/// The longest plaintext of any algorithm, in bytes. Source: keys.md §3.3.
const MAX_PLAINTEXT: usize = 6047;

/// A request to encrypt.
#[derive(Debug)]
pub(super) struct AsymmetricEncrypt {
    pair: Pair,
    algorithm: EncryptionAlgorithm,
    plaintext: Wiped,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Encrypted {
    done: Done,
    ciphertext: Vec<u8>,
}

impl Operation for AsymmetricEncrypt {
    const SPEC: &'static Spec = &Spec {
        name: "AsymmetricEncrypt",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[PAIR, WRONG_STATE],
        secret_params: &["Plaintext"],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"),
            ("Algorithm", "RSAES_OAEP_SHA_256"),
            ("Plaintext", "aGVsbG8="),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, AsymmetricEncrypt)",
        ..Spec::DEFAULT
    };

    type Response = Encrypted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            pair: Pair::take(params)?,
            algorithm: take_algorithm(params)?,
            plaintext: bytes::required(params, "Plaintext", MAX_PLAINTEXT)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Encrypted, ApiError> {
        let ask = Ask::algorithm(Self::ACTION, self.algorithm.as_str());
        let used = self.pair.decrypts(call, ask, self.algorithm).await?;
        let max = self.algorithm.max_plaintext(used.handle.spec());
        if max.is_none_or(|max| self.plaintext.len() > max) {
            return Err(ApiError::invalid("Plaintext"));
        }
        let (backend, random) = (&call.node.backend, call.random());
        let ciphertext = backend.encrypt(&used.handle, self.algorithm, &self.plaintext, random)?;
        Ok(Encrypted { done: Done::by(&used), ciphertext })
    }
}

impl Encode for Encrypted {
    fn encode(self) -> Fields {
        self.done.fields().base64("CiphertextBlob", &self.ciphertext)
    }
}
