//! The client's side of a test: signs, sends over a socket of its own, reads the answer.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v1, sign_v3};

/// The `Version` of KMS.
pub(crate) const KMS: &str = "2016-01-20";

/// A parameter.
pub(crate) type Param = (String, String);

/// An access key, and what goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// How a call is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    V1,
    V3,
}

/// A call about to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Outbound<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) version: &'a str,
    pub(crate) action: &'a str,
    pub(crate) format: Format,
    /// Sent in a form body.
    pub(crate) params: &'a [Param],
    pub(crate) at: Timestamp,
    pub(crate) nonce: &'a str,
}

impl Outbound<'_> {
    /// The call as bytes on the wire.
    pub(crate) fn sign(&self, key: &Key) -> Vec<u8> {
        let form: Vec<(&str, &str)> =
            self.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let call = Outgoing {
            method: "POST",
            host: "kms",
            action: self.action,
            version: self.version,
            format: self.format,
            query: &[],
            form: &form,
        };
        let by = Credentials {
            access_key_id: &key.id,
            secret: key.secret.as_bytes(),
            security_token: key.token.as_deref(),
        };
        let signed = match self.scheme {
            Scheme::V1 => sign_v1(&call, &by, self.at, self.nonce),
            Scheme::V3 => sign_v3(&call, &by, self.at, self.nonce),
        };
        signed.post("connection: close\r\n").to_vec()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// `x-acs-retry-after`, in milliseconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A field of the body; empty if there is none.
    pub(crate) fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The error's code; empty on success.
    pub(crate) fn code(&self) -> String {
        self.text("/Code")
    }

    /// The error's message; empty on success.
    pub(crate) fn message(&self) -> String {
        self.text("/Message")
    }

    /// The id of the request, in either form of answer.
    pub(crate) fn request_id(&self) -> String {
        match self.body.split_once("<RequestId>") {
            Some((_, rest)) => rest.split('<').next().unwrap_or_default().to_owned(),
            None => self.text("/RequestId"),
        }
    }
}

/// Sends `request` on a connection of its own. `None`: the server went away without an answer.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    exchange_over(TcpStream::connect(address).await.ok()?, request).await
}

/// As [`exchange`], over a connection that is there.
pub(crate) async fn exchange_over<S>(mut stream: S, request: &[u8]) -> Option<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let talk = async {
        // A server that refuses early need not read all of it.
        _ = stream.write_all(request).await;
        let mut read = Vec::new();
        _ = stream.read_to_end(&mut read).await;
        answer(&String::from_utf8(read).unwrap())
    };
    tokio::time::timeout(Duration::from_mins(1), talk).await.expect("the server does not answer")
}

fn answer(read: &str) -> Option<Answer> {
    let (head, body) = read.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| head.lines().find_map(|it| it.strip_prefix(name));
    let content_type = header("content-type: ").unwrap_or_default().to_owned();
    let retry_after = header("x-acs-retry-after: ").map(|it| it.parse().unwrap());
    Some(Answer { status, content_type, retry_after, body: body.to_owned() })
}
