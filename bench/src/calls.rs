//! Calls, signed before the clock runs, and what their answers must hold.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v3};

use crate::server::Yaoku;

/// What is encrypted and kept: as long as an AES-256 key in Base64.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// The secret that is read, and the one that is written to.
const SECRET: &str = "bench/secret";

/// An operation that is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Encrypt,
    Decrypt,
    GenerateDataKey,
    GetSecretValue,
    PutSecretValue,
}

impl Operation {
    /// Those that are compared with the bare server: they work on the caches.
    pub(crate) const HOT: &[Self] =
        &[Self::Encrypt, Self::Decrypt, Self::GenerateDataKey, Self::GetSecretValue];

    /// Its `Action`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "Encrypt",
            Self::Decrypt => "Decrypt",
            Self::GenerateDataKey => "GenerateDataKey",
            Self::GetSecretValue => "GetSecretValue",
            Self::PutSecretValue => "PutSecretValue",
        }
    }

    /// What its calls are sent with, once what they need is there.
    fn prepare(self, signer: Signer<'_>) -> anyhow::Result<Vec<(&'static str, String)>> {
        let account = &signer.yaoku.account;
        let key = || ("KeyId", account.key_id.clone());
        let secret = || ("SecretName", SECRET.to_owned());
        Ok(match self {
            Self::Encrypt => vec![key(), ("Plaintext", PLAINTEXT.to_owned())],
            Self::GenerateDataKey => vec![key(), ("KeySpec", "AES_256".to_owned())],
            Self::Decrypt => {
                let sent = [("KeyId", account.key_id.as_str()), ("Plaintext", PLAINTEXT)];
                let sealed = signer.call(Who::User, "Encrypt", &sent)?;
                vec![("CiphertextBlob", text(&sealed, "CiphertextBlob")?)]
            }
            Self::GetSecretValue | Self::PutSecretValue => {
                let made = [("SecretName", SECRET), ("VersionId", "v0"), ("SecretData", PLAINTEXT)];
                signer.call(Who::Root, "CreateSecret", &made)?;
                vec![secret()]
            }
        })
    }

    /// Fails unless `answer` is what the operation must give: it is turned back into what went in.
    fn check(self, answer: &[u8], signer: Signer<'_>) -> anyhow::Result<()> {
        let opens_to = |expected: &str| {
            let blob = text(answer, "CiphertextBlob")?;
            let opened = signer.call(Who::User, "Decrypt", &[("CiphertextBlob", &blob)])?;
            ensure!(text(&opened, "Plaintext")? == expected, "a blob opens to another text");
            Ok(())
        };
        match self {
            Self::Encrypt => opens_to(PLAINTEXT)?,
            Self::GenerateDataKey => opens_to(&text(answer, "Plaintext")?)?,
            Self::Decrypt => ensure!(text(answer, "Plaintext")? == PLAINTEXT, "another text"),
            Self::GetSecretValue => {
                ensure!(text(answer, "SecretData")? == PLAINTEXT, "another secret");
            }
            Self::PutSecretValue => {
                ensure!(text(answer, "SecretName")? == SECRET, "another secret");
            }
        }
        Ok(())
    }
}

/// Calls of one operation to one Yaoku.
#[derive(Clone)]
pub(crate) struct Calls<'a> {
    operation: Operation,
    signer: Signer<'a>,
    parameters: Vec<(&'static str, String)>,
}

impl<'a> Calls<'a> {
    /// Makes what the operation needs.
    pub(crate) fn prepare(yaoku: &'a Yaoku, operation: Operation) -> anyhow::Result<Self> {
        let signer = Signer { yaoku };
        let parameters = operation.prepare(signer)?;
        Ok(Self { operation, signer, parameters })
    }

    /// So many requests, ready to be written to a connection.
    pub(crate) fn requests(&self, count: usize) -> Vec<Vec<u8>> {
        let (who, action) = match self.operation {
            Operation::PutSecretValue => (Who::Root, self.operation.name()),
            _ => (Who::User, self.operation.name()),
        };
        let mut parameters: Vec<(&str, &str)> =
            self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.operation != Operation::PutSecretValue {
            return (0..count).map(|_| self.signer.request(who, action, &parameters)).collect();
        }
        // Each adds a version of its own.
        parameters.push(("SecretData", PLAINTEXT));
        let versions = (0..count).map(|_| format!("v{}", nonce()));
        versions
            .map(|version| {
                let sent = [&parameters[..], &[("VersionId", &version)]].concat();
                self.signer.request(who, action, &sent)
            })
            .collect()
    }

    /// Fails unless `answer` is right.
    pub(crate) fn check(&self, answer: &[u8]) -> anyhow::Result<()> {
        self.operation.check(answer, self.signer)
    }
}

fn text(answer: &[u8], name: &str) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(answer).context("an answer is no JSON")?;
    Ok(answer[name].as_str().with_context(|| format!("an answer without {name}"))?.to_owned())
}

/// Who signs, and what for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// The RAM user, to use KMS.
    User,
    /// The account's root, to prepare what is used.
    Root,
    /// The account's root, to administer.
    Administrator,
}

/// Signs calls with V3, as the current SDKs do: POST, all parameters in the query.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    yaoku: &'a Yaoku,
}

impl<'a> Signer<'a> {
    /// For calls to `yaoku`.
    pub(crate) const fn of(yaoku: &'a Yaoku) -> Self {
        Self { yaoku }
    }

    /// The user's name.
    pub(crate) fn user(self) -> &'a str {
        &self.yaoku.account.user_name
    }

    /// The answer to the cheapest call that a server can give.
    pub(crate) fn ask(self) -> anyhow::Result<()> {
        self.call(Who::Root, "DescribeRegions", &[]).map(drop)
    }

    /// Makes one call on a connection of its own, and gives the body of its answer.
    pub(crate) fn call(
        self,
        who: Who,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<Vec<u8>> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.yaoku.server.address(false))?;
        stream.write_all(&self.request(who, action, parameters))?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{action}: {}", answer.escape_ascii());
        let head = answer.windows(4).position(|it| it == b"\r\n\r\n").context("half an answer")?;
        Ok(answer.split_off(head + 4))
    }

    fn request(self, who: Who, action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
        let account = &self.yaoku.account;
        let (id, secret) = match who {
            Who::User => (&account.user_access_key_id, &account.user_access_key_secret),
            Who::Root | Who::Administrator => (&account.access_key_id, &account.access_key_secret),
        };
        let call = Outgoing {
            method: "POST",
            host: &self.yaoku.server.address(false).to_string(),
            action,
            version: if who == Who::Administrator { "2026-11-21" } else { "2016-01-20" },
            format: Format::Json,
            query: parameters,
            form: &[],
        };
        let by = Credentials { access_key_id: id, secret: secret.as_bytes(), security_token: None };
        // As long as those of SDKs: 32 hexadecimal digits.
        let signed = sign_v3(&call, &by, now(), &format!("{:032x}", nonce()));
        signed.post("accept: application/json\r\nuser-agent: yaoku-bench\r\n").to_vec()
    }
}

/// Another number each time.
fn nonce() -> u64 {
    static SIGNED: AtomicU64 = AtomicU64::new(1);
    SIGNED.fetch_add(1, Relaxed)
}

/// The machine's time.
#[expect(clippy::disallowed_methods, reason = "the bench signs with the machine's clock")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
