//! Calls, signed before the clock runs, and what their answers must hold.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v3};

use crate::server::{Dev, Yaoku};

/// What is encrypted: as long as an AES-256 key in Base64.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// An operation that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Encrypt,
}

impl Operation {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[Self::Encrypt];

    /// Its `Action`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "Encrypt",
        }
    }

    fn parameters(self, dev: &Dev) -> Vec<(&'static str, &str)> {
        match self {
            Self::Encrypt => vec![("KeyId", dev.key_id.as_str()), ("Plaintext", PLAINTEXT)],
        }
    }

    /// Fails unless `answer` is what the operation must give: it is turned back into what went in.
    pub(crate) fn check(self, answer: &[u8], signer: &mut Signer<'_>) -> anyhow::Result<()> {
        match self {
            Self::Encrypt => {
                let blob = text(answer, "CiphertextBlob")?;
                let opened = signer.call("Decrypt", &[("CiphertextBlob", &blob)])?;
                ensure!(text(&opened, "Plaintext")? == PLAINTEXT, "a blob opens to another text");
            }
        }
        Ok(())
    }
}

fn text(answer: &[u8], name: &str) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(answer).context("an answer is no JSON")?;
    Ok(answer[name].as_str().with_context(|| format!("an answer without {name}"))?.to_owned())
}

/// Signs calls of the RAM user with V3, as the current SDKs do: POST, all parameters in the query.
pub(crate) struct Signer<'a> {
    dev: &'a Dev,
    host: String,
    address: SocketAddr,
    /// How many were signed: no nonce comes twice.
    signed: u64,
}

impl<'a> Signer<'a> {
    /// For calls of the user of `yaoku`.
    pub(crate) fn of(yaoku: &'a Yaoku) -> Self {
        let address = yaoku.server.address();
        Self { dev: &yaoku.dev, host: address.to_string(), address, signed: 0 }
    }

    /// So many requests, ready to be written to a connection.
    pub(crate) fn requests(&mut self, operation: Operation, count: usize) -> Vec<Vec<u8>> {
        let parameters = operation.parameters(self.dev);
        (0..count).map(|_| self.request(operation.name(), &parameters)).collect()
    }

    /// Makes one call on a connection of its own, and gives the body of its answer.
    fn call(&mut self, action: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address)?;
        stream.write_all(&self.request(action, parameters))?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{action}: {}", answer.escape_ascii());
        let head = answer.windows(4).position(|it| it == b"\r\n\r\n").context("half an answer")?;
        Ok(answer.split_off(head + 4))
    }

    fn request(&mut self, action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
        self.signed += 1;
        let call = Outgoing {
            method: "POST",
            host: &self.host,
            action,
            version: "2016-01-20",
            format: Format::Json,
            query: parameters,
            form: &[],
        };
        let by = Credentials {
            access_key_id: &self.dev.user_access_key_id,
            secret: self.dev.user_access_key_secret.as_bytes(),
            security_token: None,
        };
        // As long as those of SDKs: 32 hexadecimal digits.
        let signed = sign_v3(&call, &by, now(), &format!("{:032x}", self.signed));
        let mut text = format!("POST {} HTTP/1.1\r\n", *signed.target);
        for (name, value) in &signed.headers {
            // Writing to a string cannot fail.
            _ = write!(text, "{name}: {}\r\n", **value);
        }
        text.push_str("accept: application/json\r\nuser-agent: yaoku-bench\r\n");
        text.push_str("content-length: 0\r\n\r\n");
        text.into_bytes()
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench signs with the machine's clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
