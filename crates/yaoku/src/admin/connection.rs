//! One call through the admin socket.

use std::{io, path::Path};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::UnixStream;
use yaoku_model::ids::AccountId;
use yaoku_server::{api::Product, listen::ADMIN_SOCKET};

/// What the server answered.
pub(super) struct Answer(Value);

/// Why the server did not do it.
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: String,
    /// The whole answer.
    pub(super) json: Value,
}

impl Answer {
    /// The text at a path: names with slashes before them.
    pub(super) fn text(&self, path: &str) -> &str {
        text(&self.0, path)
    }

    /// The entries of the list at a path.
    pub(super) fn list(&self, path: &str) -> &[Value] {
        self.0.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// All of it.
    pub(super) fn json(&self) -> &Value {
        &self.0
    }
}

/// The text at a path of an entry; empty if there is none.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Calls an operation of administration. Parameters without a value are left out.
pub(super) async fn call(
    data: &Path,
    account: Option<&AccountId>,
    action: &str,
    params: &[(&str, Option<&str>)],
) -> anyhow::Result<Result<Answer, Refused>> {
    let stream = connect(data).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let talk = tokio::spawn(connection);
    let version = Product::Yaoku.version();
    let mut request = Request::post(format!("/?Action={action}&Version={version}"))
        .header(header::HOST, "yaoku")
        .header(header::USER_AGENT, concat!("yaoku/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(account) = account {
        request = request.header("x-yaoku-account", account.as_str());
    }
    let answer = sender.send_request(request.body(body(params))?).await?;
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

fn body(params: &[(&str, Option<&str>)]) -> Full<Bytes> {
    let given = params.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let members: Map<String, Value> =
        given.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    Full::new(Value::from(members).to_string().into())
}

async fn connect(data: &Path) -> anyhow::Result<UnixStream> {
    let path = data.join(ADMIN_SOCKET);
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(stream),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            bail!(
                "no yaoku is running on {}: start one there, or name another --data",
                data.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be opened", path.display())),
    }
}
