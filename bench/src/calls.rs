//! Calls, signed before the clock runs, and what their answers must hold.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v3};

use crate::server::{Dev, Yaoku};

/// What is encrypted: as long as an AES-256 key in Base64.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Custom policies that the user gets besides its own: with that, as many as RAM lets it have.
const CUSTOM_POLICIES: usize = 9;

/// System policies that the user gets besides its two.
const SYSTEM_POLICIES: [&str; 8] = [
    "AliyunKMSCryptoAdminAccess",
    "AliyunKMSFullAccess",
    "AliyunKMSReadOnlyAccess",
    "AliyunKMSSecretAdminAccess",
    "AliyunRAMFullAccess",
    "AliyunRAMReadOnlyAccess",
    "AliyunSTSAssumeRoleAccess",
    "ReadOnlyAccess",
];

/// Ten statements that deny the use of other keys: none can be left out when Encrypt is judged.
fn policy(number: usize) -> String {
    let statement = |key: usize| {
        let resource = format!("acs:kms:*:*:key/key-bench-{number}-{key}");
        json!({ "Effect": "Deny", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": resource })
    };
    let statements: Vec<Value> = (0..10).map(statement).collect();
    json!({ "Version": "1", "Statement": statements }).to_string()
}

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
                let opened = signer.call(Who::User, "Decrypt", &[("CiphertextBlob", &blob)])?;
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

/// Who signs, and what for.
#[derive(Clone, Copy, Debug)]
enum Who {
    /// The RAM user, to use KMS.
    User,
    /// The account's root, to administer.
    Root,
}

/// Signs calls with V3, as the current SDKs do: POST, all parameters in the query.
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
        (0..count).map(|_| self.request(Who::User, operation.name(), &parameters)).collect()
    }

    /// Attaches policies to the user until it has twenty: as many as RAM allows of custom ones, each
    /// with ten statements that are looked at, and system policies.
    pub(crate) fn attach_policies(&mut self) -> anyhow::Result<()> {
        let user = self.dev.user_name.as_str();
        for number in 0..CUSTOM_POLICIES {
            let (name, document) = (format!("bench-{number}"), policy(number));
            let made = [("PolicyName", name.as_str()), ("PolicyDocument", &document)];
            self.call(Who::Root, "CreatePolicy", &made)?;
            self.call(Who::Root, "AttachPolicy", &[("PolicyName", &name), ("UserName", user)])?;
        }
        for name in SYSTEM_POLICIES {
            self.call(Who::Root, "AttachPolicy", &[("PolicyName", name), ("UserName", user)])?;
        }
        Ok(())
    }

    /// Makes one call on a connection of its own, and gives the body of its answer.
    fn call(
        &mut self,
        who: Who,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<Vec<u8>> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.address)?;
        stream.write_all(&self.request(who, action, parameters))?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{action}: {}", answer.escape_ascii());
        let head = answer.windows(4).position(|it| it == b"\r\n\r\n").context("half an answer")?;
        Ok(answer.split_off(head + 4))
    }

    fn request(&mut self, who: Who, action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
        self.signed += 1;
        let dev = self.dev;
        let (version, id, secret) = match who {
            Who::User => ("2016-01-20", &dev.user_access_key_id, &dev.user_access_key_secret),
            Who::Root => ("2026-11-21", &dev.access_key_id, &dev.access_key_secret),
        };
        let call = Outgoing {
            method: "POST",
            host: &self.host,
            action,
            version,
            format: Format::Json,
            query: parameters,
            form: &[],
        };
        let by = Credentials { access_key_id: id, secret: secret.as_bytes(), security_token: None };
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
