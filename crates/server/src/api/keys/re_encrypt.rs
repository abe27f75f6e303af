//! `ReEncrypt`: opens a blob and seals its text under another key. Source: keys.md §9.8.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{
    algorithm::EncryptionAlgorithm,
    arn::KeyRef,
    context::{CiphertextBlob, EncryptionContext},
    ids::Invalid,
    text::Wiped,
};
use yaoku_wire::{error::Code, params::Params};
use zeroize::Zeroizing;

use crate::{
    api::{
        Action, Effect, Operation, Spec,
        asymmetric::{self, Pair},
    },
    call::{Ask, Call, KEY_BY_ID, UsableKey, WRONG_STATE},
    error::ApiError,
};

use super::{
    blob::{self, Sealed},
    context,
};

/// There is no action of the operation's own name. Source: identity.md §4.2.
const FROM: Action = Action::kms("ReEncryptFrom");
const TO: Action = Action::kms("ReEncryptTo");

/// What names an asymmetric source: all of them or none.
const SOURCE: [&str; 3] = ["SourceKeyId", "SourceKeyVersionId", "SourceEncryptionAlgorithm"];

/// A request to seal a text anew. The text is not shown to the caller.
#[derive(Debug)]
pub(super) struct ReEncrypt {
    source: Source,
    key: KeyRef,
    context: EncryptionContext,
}

/// What is to be opened.
#[derive(Debug)]
enum Source {
    /// What a symmetric key sealed: it names its key.
    Blob(CiphertextBlob, EncryptionContext),
    /// What was encrypted under a public key.
    Pair(Pair, EncryptionAlgorithm, Wiped),
}

impl Operation for ReEncrypt {
    const SPEC: &'static Spec = &Spec {
        name: "ReEncrypt",
        effect: Effect::Use,
        also_actions: &[FROM, TO],
        errors: &[
            KEY_BY_ID,
            WRONG_STATE,
            &[
                Code::KeyVersionNotFound,
                Code::LimitExceeded,
                Code::RejectedUnsupportedOperation,
                Code::UnsupportedOperation,
            ],
        ],
        dry_run: true,
        example: &[
            ("CiphertextBlob", blob::EXAMPLE),
            ("SourceEncryptionContext", r#"{"table":"users"}"#),
            ("SourceKeyId", ""),
            ("SourceKeyVersionId", ""),
            ("SourceEncryptionAlgorithm", ""),
            ("DestinationKeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("DestinationEncryptionContext", r#"{"table":"clients"}"#),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ReEncrypt)",
        ..Spec::DEFAULT
    };

    type Response = Sealed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            source: Source::take(params)?,
            key: params.required("DestinationKeyId")?,
            context: context::take(params, "DestinationEncryptionContext")?,
        })
    }

    /// Both permissions and states come before the blob is tried.
    ///
    /// Answers the key and version that opened it, with the new blob.
    async fn run(&self, call: &mut Call<'_>) -> Result<Sealed, ApiError> {
        if self.key.is_alias() {
            return Err(Code::UnsupportedAlias.into());
        }
        let from = self.source.usable(call).await;
        // Who may not seal under the one key learns nothing of the other's state.
        let to = call.usable_key(&self.key, Ask::cipher(TO, &self.context)).await;
        let (from, to) = match (from, to) {
            (Err(error), Err(denied)) if denied.code() == Code::NoPermission => {
                return Err(if error.code() == Code::NoPermission { error } else { denied });
            }
            (from, to) => (from?, to?),
        };
        let text = self.source.open(call, &from).await?;
        let sealed = blob::seal(call, &to, &self.context, &text).await?;
        Ok(Sealed { key: from.key.key.id.clone(), version: from.version, blob: sealed.blob })
    }
}

impl Source {
    /// The three parameters of a pair come together or not at all. Source: keys.md §9.8 (inferred).
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        let context = context::take(params, "SourceEncryptionContext")?;
        let texts = SOURCE.map(|name| params.text(name).filter(|it| !it.is_empty()));
        let [Some(key), Some(version), Some(algorithm)] = &texts else {
            return match SOURCE.iter().zip(&texts).find(|(_, sent)| sent.is_none()) {
                Some((missing, _)) if texts.iter().any(Option::is_some) => {
                    Err(ApiError::missing(missing))
                }
                _ => Ok(Self::Blob(blob::take(params)?, context)),
            };
        };
        let [key_name, version_name, algorithm_name] = SOURCE;
        let pair = Pair {
            key: key.parse().map_err(|Invalid| ApiError::invalid(key_name))?,
            version: version.parse().map_err(|Invalid| ApiError::invalid(version_name))?,
        };
        let algorithm = algorithm.parse();
        let algorithm = algorithm.map_err(|Invalid| ApiError::invalid(algorithm_name))?;
        Ok(Self::Pair(pair, algorithm, asymmetric::take_ciphertext(params)?))
    }

    async fn usable(&self, call: &mut Call<'_>) -> Result<UsableKey, ApiError> {
        match self {
            Self::Blob(blob, context) => {
                call.usable_version(&blob.version, Ask::cipher(FROM, context)).await
            }
            Self::Pair(pair, ..) if pair.key.is_alias() => Err(Code::UnsupportedAlias.into()),
            Self::Pair(pair, algorithm, _) => {
                pair.decrypts(call, Ask::algorithm(FROM, algorithm.as_str()), *algorithm).await
            }
        }
    }

    /// Of what a public key encrypted, the Base64 is sealed: `Decrypt` then answers what
    /// `AsymmetricDecrypt` would have. Source: keys.md §9.8 (inferred there).
    async fn open(
        &self,
        call: &mut Call<'_>,
        from: &UsableKey,
    ) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        match self {
            Self::Blob(blob, context) => {
                let text = blob::open(call, from, context, blob)?;
                Ok(Zeroizing::new(text.expose().to_vec()))
            }
            Self::Pair(_, algorithm, ciphertext) => {
                let opened = asymmetric::open(call, from, *algorithm, ciphertext).await?;
                Ok(Zeroizing::new(STANDARD.encode(&*opened).into_bytes()))
            }
        }
    }
}
