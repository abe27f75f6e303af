//! A client: signed calls over plain HTTP, one connection each.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v3};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Of RAM.
const RAM: &str = "2015-05-01";

/// An access key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// A field of the body; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

/// One caller.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) key: Key,
}

impl Client {
    /// Signs a KMS call as bytes on the wire; `close` asks for the connection's end after it.
    pub(crate) fn sign(&self, action: &str, params: &[(&str, &str)], close: bool) -> Vec<u8> {
        let host = self.address.to_string();
        let call = Outgoing {
            method: "POST",
            host: &host,
            action,
            version: version(action),
            format: Format::Json,
            query: &[],
            form: params,
        };
        let by = Credentials {
            access_key_id: &self.key.id,
            secret: self.key.secret.as_bytes(),
            security_token: None,
        };
        // Nonces are not part of what a seed repeats: two runs within 15 minutes must not share them.
        let nonce = format!("{:032x}", fastrand::u128(..));
        let signed = sign_v3(&call, &by, now(), &nonce);
        signed.post(if close { "connection: close\r\n" } else { "" }).to_vec()
    }

    /// Makes a call. `None`: the server went away before it answered.
    pub(crate) async fn call(
        &self,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Option<Answer>> {
        self.send(&self.sign(action, params, true)).await
    }

    /// Makes a call until it is answered: the answer of a success.
    pub(crate) async fn done(
        &self,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        loop {
            let Some(answer) = self.call(action, params).await? else { continue };
            ensure!(answer.status == 200, "{action} is refused: {:?}", answer.body);
            return Ok(answer.body);
        }
    }

    /// Sends what [`Client::sign`] made, on a connection of its own.
    pub(crate) async fn send(&self, request: &[u8]) -> anyhow::Result<Option<Answer>> {
        let talk = async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            // A server that refuses early need not read all of it.
            _ = stream.write_all(request).await;
            let mut read = Vec::new();
            _ = stream.read_to_end(&mut read).await;
            answer(&read)
        };
        tokio::time::timeout(PATIENCE, talk).await.context("no answer within a minute")
    }
}

/// Sends a request over a connection that stays open, and reads its answer whole: head and body.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8]) -> anyhow::Result<String> {
    stream.write_all(request).await?;
    let mut read = Vec::with_capacity(1024);
    loop {
        ensure!(stream.read_buf(&mut read).await? > 0, "the server hung up");
        let Some(head) = read.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&read[..head])?.to_ascii_lowercase();
        let (_, length) = text.split_once("content-length: ").context("no length")?;
        let length: usize = length.lines().next().unwrap_or_default().parse()?;
        if read.len() >= head + 4 + length {
            return Ok(String::from_utf8(read)?);
        }
    }
}

/// The product that an operation is of, by its version.
fn version(action: &str) -> &'static str {
    let ram = ["AccessKey", "User", "Role"].iter().any(|it| action.contains(it));
    if ram { RAM } else { "2016-01-20" }
}

/// Reads a whole answer; `None` if it is cut.
fn answer(read: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(read).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).ok()? })
}

/// The program reads the machine's clock, so its client must too.
#[expect(clippy::disallowed_methods, reason = "the program under trial has the machine's clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
