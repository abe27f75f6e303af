//! Who calls: what stands between a request and the caller it claims to be.
//!
//! The same code judges what is served and what `yaoku doctor signature` is shown: only where
//! secrets and used nonces come from differs. Source: identity.md §1.6.

pub mod nonces;
pub mod sessions;
pub mod token;

use std::sync::Arc;

use yaoku_model::{
    identity::Identity,
    ids::{AccessKeyId, AccountId},
    time::{Clock, Timestamp},
};
use yaoku_wire::{
    error::Code,
    rpc::{Claim, Incoming, SigningKey},
};

use crate::{caller::Session, error::ApiError, last_uses::LastUse, node::Node};

/// How far a timestamp may be off, in seconds, either way. Source: identity.md §1.6.
pub const WINDOW_SECONDS: i64 = 15 * 60;

/// An access key, its secret half opened.
#[derive(Debug)]
pub struct Credential {
    /// The account it belongs to.
    pub account: AccountId,
    /// Which identity of it.
    pub identity: Identity,
    /// The session, if it is a role's.
    pub session: Option<Arc<Session>>,
    /// What it signs with.
    pub secret: SigningKey,
    /// Whether it may sign.
    pub active: bool,
    /// When it last signed, if the store has not heard of it.
    pub last_use: LastUse,
}

/// Where access keys are found.
pub trait Credentials: Send + Sync {
    /// Finds an access key. `token` is the security token that came with it.
    fn credential(
        &self,
        id: &AccessKeyId,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Arc<Credential>, ApiError>> + Send;
}

/// Where used nonces are remembered.
pub trait UsedNonces: Send + Sync {
    /// Takes a nonce of the access key `id`, once. `credential` is what the key was found to be.
    fn take(
        &self,
        credential: &Credential,
        id: &AccessKeyId,
        nonce: &str,
        signed: Timestamp,
        now: Timestamp,
    ) -> Result<(), ApiError>;
}

/// A request whose signature was found right.
#[derive(Debug)]
pub struct Proved {
    /// Whose it is.
    pub credential: Arc<Credential>,
    /// What it said of itself.
    pub claim: Claim,
}

/// Finds out who sent a request. The order of the checks is identity.md §1.6's.
///
/// `hide` names the parameters whose values are not echoed when the signature does not match.
pub async fn authenticate(
    incoming: &Incoming<'_>,
    credentials: &impl Credentials,
    nonces: &dyn UsedNonces,
    clock: &dyn Clock,
    hide: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Proved, ApiError> {
    let claim = incoming.claim()?;
    must_be_current(claim.timestamp, clock.now())?;
    let token = claim.security_token.as_ref().map(|it| it.as_str());
    let credential = credentials.credential(&claim.access_key_id, token).await?;
    if !credential.active {
        return Err(Code::AccessKeyIdInactive.into());
    }
    incoming.verify(&credential.secret, hide)?;
    if let Some(nonce) = &claim.nonce {
        // The look-up may have taken long: a nonce is remembered only while its timestamp is good.
        let now = clock.now();
        must_be_current(claim.timestamp, now)?;
        nonces.take(&credential, &claim.access_key_id, nonce, claim.timestamp, now)?;
    }
    Ok(Proved { credential, claim })
}

/// Source: identity.md §1.6.
fn must_be_current(signed: Timestamp, now: Timestamp) -> Result<(), ApiError> {
    if (signed.unix_seconds() - now.unix_seconds()).abs() > WINDOW_SECONDS {
        return Err(Code::TimestampExpired.into());
    }
    Ok(())
}

/// The access keys of the store, and the sessions that tokens tell of. A long-lived access key has no
/// token, so one that comes with it is another key's. Source: identity.md §1.6, §1.8.
impl Credentials for Node {
    async fn credential(
        &self,
        id: &AccessKeyId,
        token: Option<&str>,
    ) -> Result<Arc<Credential>, ApiError> {
        if id.is_session() {
            return self.sessions.credential(id, token, self.clock.now());
        }
        let found = self.caches.access_key(id).await?.ok_or(Code::AccessKeyIdNotFound)?;
        if token.is_some() { Err(Code::SecurityTokenMismatch.into()) } else { Ok(found) }
    }
}

impl UsedNonces for nonces::Nonces {
    fn take(
        &self,
        credential: &Credential,
        id: &AccessKeyId,
        nonce: &str,
        signed: Timestamp,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        use nonces::{Holder, Refused};
        let holder = Holder(&credential.account, &credential.identity);
        self.check_and_remember(&holder, id, nonce, signed, now).map_err(|error| match error {
            Refused::Seen => Code::SignatureNonceUsed.into(),
            Refused::TooEarly => Code::TimestampExpired.into(),
            Refused::Full => Code::RejectedThrottling.into(),
            Refused::Io(_) => ApiError::caused(Code::ServiceUnavailableTemporary, error),
        })
    }
}
