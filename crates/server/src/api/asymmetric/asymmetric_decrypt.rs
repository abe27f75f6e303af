//! `AsymmetricDecrypt`: opens what was encrypted under a public key. Source: keys.md §10.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{algorithm::EncryptionAlgorithm, text::Wiped};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};
use zeroize::Zeroizing;

use super::{Done, PAIR, Pair, open, take_algorithm, take_ciphertext};
use crate::{
    api::{Effect, Operation, Spec, keys::recipient},
    call::{Ask, Call, WRONG_STATE},
    error::ApiError,
    throttle::Class,
};

/// A request to decrypt.
#[derive(Debug)]
pub(super) struct AsymmetricDecrypt {
    pair: Pair,
    algorithm: EncryptionAlgorithm,
    ciphertext: Wiped,
}

/// The answer.
pub(super) struct Decrypted {
    done: Done,
    plaintext: Zeroizing<String>,
}

impl Operation for AsymmetricDecrypt {
    const SPEC: &'static Spec = &Spec {
        name: "AsymmetricDecrypt",
        effect: Effect::Use,
        class: Some(Class::Asymmetric),
        errors: &[PAIR, WRONG_STATE, &[Code::UnsupportedOperation]],
        dry_run: true,
        example: &[
            ("KeyId", "alias/app"),
            ("KeyVersionId", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"),
            ("Algorithm", "RSAES_OAEP_SHA_256"),
            ("CiphertextBlob", "BQKP+1zK6+ZEMxTP5qaVzcsgXtWplYBKm0NXdSnB5FzliFxE1bSiu4dn"),
            ("Recipient", ""),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, AsymmetricDecrypt)",
        ..Spec::DEFAULT
    };

    type Response = Decrypted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        recipient::refuse(params)?;
        Ok(Self {
            pair: Pair::take(params)?,
            algorithm: take_algorithm(params)?,
            ciphertext: take_ciphertext(params)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Decrypted, ApiError> {
        let ask = Ask::algorithm(Self::ACTION, self.algorithm.as_str());
        let used = self.pair.decrypts(call, ask, self.algorithm).await?;
        let plaintext = open(call, &used, self.algorithm, &self.ciphertext).await?;
        let plaintext = Zeroizing::new(STANDARD.encode(&*plaintext));
        Ok(Decrypted { done: Done::by(&used), plaintext })
    }
}

impl Encode for Decrypted {
    fn encode(self) -> Fields {
        self.done.fields().secret("Plaintext", self.plaintext.as_str())
    }
}
