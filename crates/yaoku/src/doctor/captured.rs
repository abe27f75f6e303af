//! A captured request, and what the server that judges it is to know: the fixtures' format
//! (`vectors/signature/README.md`).

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use yaoku_model::{
    identity::Identity,
    ids::{AccessKeyId, AccountId, Invalid},
    time::Timestamp,
};
use yaoku_server::{
    auth::{Credential, Credentials, UsedNonces},
    error::ApiError,
    last_uses::LastUse,
};
use yaoku_wire::{
    error::Code,
    rpc::{self, SigningKey},
};

/// A captured request. It holds secrets, which the program's allocator wipes.
#[derive(Deserialize)]
pub(super) struct Captured {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body_base64: Option<String>,
    #[serde(default)]
    tls: bool,
    pub(super) credentials: Known,
    #[serde(default)]
    clock: Clock,
    #[serde(default)]
    nonces_already_seen: Vec<(String, String)>,
    /// What `body_base64` holds.
    #[serde(skip)]
    body: Vec<u8>,
}

/// The one access key that the server knows.
#[derive(Deserialize)]
pub(super) struct Known {
    pub(super) access_key_id: String,
    access_key_secret: String,
    #[serde(default)]
    security_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct Clock {
    #[serde(default)]
    server_now: Option<String>,
}

impl Captured {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file)?;
        let mut it: Self = serde_json::from_slice(&text).context("not a captured request")?;
        if let Some(encoded) = it.body_base64.as_deref() {
            it.body = BASE64_STANDARD.decode(encoded).context("body_base64 is not Base64")?;
        }
        it.now()?;
        Ok(it)
    }

    /// Calls `look` with the request as it came.
    pub(super) async fn with_request<T>(
        &self,
        look: impl AsyncFnOnce(&rpc::Request<'_>) -> T,
    ) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = rpc::Request {
            method: &self.method,
            target: self.target.as_bytes(),
            headers: &headers,
            body: &self.body,
            tls: self.tls,
        };
        look(&request).await
    }

    /// The server's clock; `None`: it is not looked at.
    pub(super) fn now(&self) -> anyhow::Result<Option<Timestamp>> {
        let text = self.clock.server_now.as_deref();
        let now = text.map(|it| it.parse().map_err(|Invalid| Invalid)).transpose();
        now.context("clock.server_now is not a time (YYYY-MM-DDThh:mm:ssZ)")
    }

    /// The secret of the access key that is known.
    pub(super) fn secret(&self) -> &[u8] {
        self.credentials.access_key_secret.as_bytes()
    }
}

impl Credentials for Captured {
    async fn credential(
        &self,
        id: &AccessKeyId,
        token: Option<&str>,
    ) -> Result<Arc<Credential>, ApiError> {
        let known = &self.credentials;
        if id.as_str() != known.access_key_id {
            return Err(Code::AccessKeyIdNotFound.into());
        }
        match (id.is_session(), token) {
            (true, None) => return Err(Code::MissingSecurityToken.into()),
            (true, Some(token)) if known.security_token.as_ref().is_none_or(|it| *it != token) => {
                return Err(Code::SecurityTokenMismatch.into());
            }
            _ => {}
        }
        let fault = |Invalid| ApiError::from(Code::InternalFailure);
        let account: AccountId = "1".parse().map_err(fault)?;
        let secret = SigningKey::new(self.secret());
        Ok(Arc::new(Credential {
            account,
            identity: Identity::Root,
            session: None,
            secret,
            active: true,
            last_use: LastUse::default(),
        }))
    }
}

impl UsedNonces for Captured {
    fn take(
        &self,
        _credential: &Credential,
        id: &AccessKeyId,
        nonce: &str,
        _signed: Timestamp,
        _now: Timestamp,
    ) -> Result<(), ApiError> {
        let mut seen = self.nonces_already_seen.iter();
        if seen.any(|(key, it)| key == id.as_str() && it == nonce) {
            return Err(Code::SignatureNonceUsed.into());
        }
        Ok(())
    }
}
