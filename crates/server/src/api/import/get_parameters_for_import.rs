//! `GetParametersForImport`: makes a pair of keys to wrap material for, and a token that says for
//! which key and until when. Source: keys.md §12.1.

use std::sync::Arc;

use yaoku_crypto::import::{ImportParameters, ImportPlace};
use yaoku_model::{
    algorithm::{WrappingAlgorithm, WrappingKeySpec},
    arn::KeyRef,
    ids::KeyId,
    key::KeyState,
    time::Timestamp,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    cache::CachedKey,
    call::{Ask, Call, KEY_BY_ID},
    error::ApiError,
    node::Node,
    throttle::Class,
};

/// How long a token is good for, in seconds.
const TOKEN_SECONDS: i64 = 24 * 3600;

/// A request for a wrapping key.
#[derive(Debug)]
pub(super) struct GetParametersForImport {
    key: KeyRef,
    algorithm: WrappingAlgorithm,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Parameters {
    key: KeyId,
    public_key: Vec<u8>,
    token: Vec<u8>,
    expires: Timestamp,
}

impl Operation for GetParametersForImport {
    const SPEC: &'static Spec = &Spec {
        name: "GetParametersForImport",
        effect: Effect::Use,
        class: Some(Class::KeyWrite),
        errors: &[KEY_BY_ID, &[Code::UnsupportedOrigin, Code::KeyUnavailable]],
        example: &[
            ("KeyId", "0b30658a-ed1a-4922-b8f7-a673ca9c1234"),
            ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
            ("WrappingKeySpec", "RSA_2048"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetParametersForImport)",
        ..Spec::DEFAULT
    };

    type Response = Parameters;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let spec: WrappingKeySpec = params.required("WrappingKeySpec")?;
        let algorithm: WrappingAlgorithm = params.required("WrappingAlgorithm")?;
        if algorithm.wrapping_key() != spec {
            return Err(ApiError::invalid("WrappingAlgorithm"));
        }
        Ok(Self { key: params.required("KeyId")?, algorithm })
    }

    /// Nothing is kept: the token holds it all, sealed.
    async fn run(&self, call: &mut Call<'_>) -> Result<Parameters, ApiError> {
        if self.key.is_alias() {
            return Err(Code::UnsupportedAlias.into());
        }
        let found = call.cached_key(&self.key, Ask::to(Self::ACTION)).await?;
        found.key.must_be_imported()?;
        if !self.algorithm.fits(found.key.spec) {
            return Err(ApiError::invalid("WrappingAlgorithm"));
        }
        if found.key.state == KeyState::Unavailable {
            return Err(Code::KeyUnavailable.into());
        }
        let expires = call.now.plus_seconds(TOKEN_SECONDS);
        let made = self.begin(call.node, &found, expires).await?;
        let key = found.key.id.clone();
        Ok(Parameters { key, public_key: made.public_key, token: made.token, expires })
    }
}

impl GetParametersForImport {
    /// A pair of RSA keys takes a while to make, one of SM2 does not.
    async fn begin(
        &self,
        node: &Node,
        found: &Arc<CachedKey>,
        expires: Timestamp,
    ) -> Result<ImportParameters, ApiError> {
        let (backend, random) = (Arc::clone(&node.backend), Arc::clone(&node.random));
        let (algorithm, of) = (self.algorithm, Arc::clone(found));
        let begin = move || {
            let key = &of.key;
            let (account, instance) = (&key.account, key.instance.as_ref());
            let place = ImportPlace { account, instance, key: &key.id };
            backend.begin_import(key.spec, &place, algorithm, expires, &*random)
        };
        match algorithm.wrapping_key() {
            WrappingKeySpec::EcSm2 => Ok(begin()?),
            WrappingKeySpec::Rsa2048 => Ok(node.heavy.run(&found.key.account, begin).await??),
        }
    }
}

impl Encode for Parameters {
    fn encode(self) -> Fields {
        Fields::default()
            .text("KeyId", self.key.as_str())
            .base64("ImportToken", &self.token)
            .base64("PublicKey", &self.public_key)
            .text("TokenExpireTime", self.expires.to_string())
    }
}
