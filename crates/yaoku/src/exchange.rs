//! One call and its answer, over whatever connection there is.

use std::fmt;

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::screen::harmless;

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer(Value);

/// Why the server did not do it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: String,
    /// The whole answer.
    pub(crate) json: Value,
}

/// In the lines that the aliyun CLI writes, which scripts look for.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ERROR: SDK.ServerError")?;
        writeln!(f, "ErrorCode: {}", harmless(&self.code))?;
        writeln!(f, "RequestId: {}", harmless(&self.request_id))?;
        write!(f, "Message: {}", harmless(&self.message))
    }
}

impl std::error::Error for Refused {}

impl Answer {
    /// What several answers say together.
    pub(crate) const fn of(value: Value) -> Self {
        Self(value)
    }

    /// The text at a path: names with slashes before them.
    pub(crate) fn text(&self, path: &str) -> &str {
        text(&self.0, path)
    }

    /// The entries of the list at a path.
    pub(crate) fn list(&self, path: &str) -> &[Value] {
        self.0.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// All of it.
    pub(crate) fn json(&self) -> &Value {
        &self.0
    }
}

/// The text at a path of an entry; empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Sends `request`, and reads the answer: JSON in either case.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Result<Answer, Refused>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let talk = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let served = answer.status().is_success();
    let bytes = answer.into_body().collect().await?.to_bytes();
    talk.abort();
    let json: Value = serde_json::from_slice(&bytes).context("the server's answer is not JSON")?;
    if served {
        return Ok(Ok(Answer(json)));
    }
    let member = |path| text(&json, path).to_owned();
    let (code, message, request_id) = (member("/Code"), member("/Message"), member("/RequestId"));
    Ok(Err(Refused { code, message, request_id, json }))
}
