//! Judges a captured request by the code that serves, and puts the verdict into words.

use serde::Serialize;
use yaoku_model::time::ManualClock;
use yaoku_server::{
    auth::{self, WINDOW_SECONDS},
    error::ApiError,
};
use yaoku_wire::{
    error::{Code, Refusal},
    rpc::{Auth, Explanation, Incoming, read},
};

use super::{actions::must_be_known, captured::Captured};

/// What became of a request.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verdict {
    /// `ok` or `error`.
    #[serde(rename = "verdict")]
    word: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// As the server computes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    string_to_sign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical_request: Option<String>,
    /// As the server computes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// What differs, in plain words, the likeliest cause first.
    differs: Vec<String>,
}

/// Judges a request as the server would that knows what the file says.
pub(super) async fn judge(captured: &Captured, redact: bool) -> Verdict {
    captured
        .with_request(async |request| match read(request) {
            Ok(incoming) => judge_read(captured, &incoming, redact).await,
            Err(rejected) => Verdict {
                action: rejected.action,
                differs: vec![rejected.refusal.message().to_owned()],
                ..Verdict::error(&rejected.refusal)
            },
        })
        .await
}

async fn judge_read(captured: &Captured, incoming: &Incoming<'_>, redact: bool) -> Verdict {
    let mut verdict = match authenticate(captured, incoming).await {
        Ok(()) => Verdict { word: "ok", ..Verdict::default() },
        Err(error) => Verdict::error(error.refusal()),
    };
    verdict.action = Some(incoming.action.to_string());
    verdict.version = Some(incoming.version.to_string());
    verdict.scheme = match incoming.auth {
        Auth::Anonymous => Some("anonymous"),
        _ => incoming.claim().ok().map(|it| it.scheme.name()),
    };
    let named: Vec<&str> = incoming.params.left().collect();
    let hide = |name: &str| named.contains(&name);
    let explained = incoming.explain(captured.secret(), redact.then_some(&hide as _));
    if let Ok(Explanation { string_to_sign, canonical_request, signature, findings, .. }) =
        explained
    {
        verdict.string_to_sign = Some(string_to_sign);
        verdict.canonical_request = canonical_request;
        verdict.signature = Some(signature);
        if verdict.is(Code::SignatureDoesNotMatch) {
            verdict.differs = findings;
            // The texts that it holds stand by themselves.
            verdict.message = None;
        }
    }
    verdict.differs.extend(in_words(captured, incoming, &verdict));
    verdict
}

/// The path of a request up to a known caller, as the gateway goes it. Source: identity.md §1.6.
async fn authenticate(captured: &Captured, incoming: &Incoming<'_>) -> Result<(), ApiError> {
    must_be_known(&incoming.version, &incoming.action)?;
    if matches!(incoming.auth, Auth::Anonymous) {
        return Ok(());
    }
    // Where the clock is not to be looked at, it shows what the client's does.
    let now = captured.now().ok().flatten();
    let now = match now {
        Some(now) => now,
        None => incoming.claim()?.timestamp,
    };
    auth::authenticate(incoming, captured, captured, &ManualClock::at(now), &|_| true).await?;
    Ok(())
}

/// What differs where it is not the signature.
fn in_words(captured: &Captured, incoming: &Incoming<'_>, verdict: &Verdict) -> Option<String> {
    let claim = incoming.claim().ok();
    if verdict.is(Code::TimestampExpired) {
        let (signed, now) = (claim?.timestamp, captured.now().ok()??);
        let off = signed.unix_seconds() - now.unix_seconds();
        let side = if off < 0 { "behind" } else { "ahead of" };
        return Some(format!(
            "The client's clock is {} s {side} the server's: it signed at {signed}, and the server \
             has {now}. At most {WINDOW_SECONDS} s are allowed.",
            off.abs()
        ));
    }
    if verdict.is(Code::AccessKeyIdNotFound) {
        let known = &captured.credentials.access_key_id;
        return Some(match claim {
            Some(it) => {
                format!("The access key is {}; the one that is known is {known}.", it.access_key_id)
            }
            None => format!("The access key's id is none; the one that is known is {known}."),
        });
    }
    if verdict.is(Code::SignatureNonceUsed) {
        let nonce = claim?.nonce?;
        return Some(format!(
            "The nonce {nonce} came before: the client, or something on the way, sent the request \
             twice."
        ));
    }
    if verdict.is(Code::SignatureDoesNotMatch) {
        return None;
    }
    verdict.message.clone()
}

impl Verdict {
    fn error(refusal: &Refusal) -> Self {
        let code = refusal.code();
        Self {
            word: "error",
            code: Some(code.wire()),
            http_status: Some(code.status()),
            message: Some(refusal.message().to_owned()),
            ..Self::default()
        }
    }

    fn is(&self, code: Code) -> bool {
        self.code == Some(code.wire())
    }
}
