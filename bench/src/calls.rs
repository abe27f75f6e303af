//! Calls, signed before the clock runs, and what their answers must hold.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, sign_v3};

use crate::{server::Yaoku, sessions::Session};

/// What is encrypted and kept: as long as an AES-256 key in Base64.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What is signed: 32 bytes in Base64.
const DIGEST: &str = "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw=";

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
    SignP256,
    SignRsa2048,
}

impl Operation {
    /// Those that are compared with the bare server at all connections: they work on the caches.
    pub(crate) const HOT: &[Self] =
        &[Self::Encrypt, Self::Decrypt, Self::GenerateDataKey, Self::GetSecretValue];

    /// Those that are compared at sixteen connections.
    pub(crate) const SIGNING: &[Self] = &[Self::SignP256, Self::SignRsa2048];

    /// What its row is called: its `Action` and, where it matters, the spec of the key.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SignP256 => "AsymmetricSign EC_P256",
            Self::SignRsa2048 => "AsymmetricSign RSA_2048",
            _ => self.action(),
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::SignP256 | Self::SignRsa2048 => "AsymmetricSign",
            Self::Encrypt => "Encrypt",
            Self::Decrypt => "Decrypt",
            Self::GenerateDataKey => "GenerateDataKey",
            Self::GetSecretValue => "GetSecretValue",
            Self::PutSecretValue => "PutSecretValue",
        }
    }

    /// What its calls are sent with, once what they need is there. `key` is an AES-256 key.
    fn prepare(self, signer: Signer<'_>, key: &str) -> anyhow::Result<Vec<Parameter>> {
        let id = key;
        let key = || ("KeyId", id.to_owned());
        let secret = || ("SecretName", SECRET.to_owned());
        Ok(match self {
            Self::Encrypt => vec![key(), ("Plaintext", PLAINTEXT.to_owned())],
            Self::GenerateDataKey => vec![key(), ("KeySpec", "AES_256".to_owned())],
            Self::Decrypt => {
                let sent = [("KeyId", id), ("Plaintext", PLAINTEXT)];
                let sealed = signer.call(Who::User, "Encrypt", &sent)?;
                vec![("CiphertextBlob", text(&sealed, "CiphertextBlob")?)]
            }
            Self::GetSecretValue | Self::PutSecretValue => {
                let made = [("SecretName", SECRET), ("VersionId", "v0"), ("SecretData", PLAINTEXT)];
                signer.call(Who::Root, "CreateSecret", &made)?;
                vec![secret()]
            }
            Self::SignP256 => signer.prepare_to_sign("EC_P256", "ECDSA_SHA_256")?,
            Self::SignRsa2048 => signer.prepare_to_sign("RSA_2048", "RSA_PKCS1_SHA_256")?,
        })
    }

    /// Fails unless `answer` is what the operation must give to calls with `sent`: it is turned back
    /// into what went in.
    fn check(self, answer: &[u8], sent: &[Parameter], signer: Signer<'_>) -> anyhow::Result<()> {
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
            Self::SignP256 | Self::SignRsa2048 => {
                let signature = text(answer, "Value")?;
                let mut sent: Vec<_> = sent.iter().map(|(name, it)| (*name, it.as_str())).collect();
                sent.push(("Value", &signature));
                let verified = signer.call(Who::User, "AsymmetricVerify", &sent)?;
                ensure!(json(&verified)?["Value"] == true, "a signature does not verify");
            }
        }
        Ok(())
    }
}

/// What calls are sent with: names and values.
type Parameter = (&'static str, String);

/// Calls of one operation to one Yaoku.
#[derive(Clone)]
pub(crate) struct Calls<'a> {
    operation: Operation,
    signer: Signer<'a>,
    parameters: Vec<Parameter>,
}

impl<'a> Calls<'a> {
    /// Makes what the operation needs.
    pub(crate) fn prepare(yaoku: &'a Yaoku, operation: Operation) -> anyhow::Result<Self> {
        Self::of_key(yaoku, operation, &yaoku.account.key_id)
    }

    /// The same with an AES-256 key that the caller made.
    pub(crate) fn of_key(
        yaoku: &'a Yaoku,
        operation: Operation,
        key: &str,
    ) -> anyhow::Result<Self> {
        let signer = Signer::of(yaoku);
        let parameters = operation.prepare(signer, key)?;
        Ok(Self { operation, signer, parameters })
    }

    /// The same calls of the user, signed by a session instead of an access key.
    #[must_use]
    pub(crate) const fn by(mut self, session: &'a Session) -> Self {
        self.signer.session = Some(session);
        self
    }

    /// So many requests, ready to be written to a connection.
    pub(crate) fn requests(&self, count: usize) -> Vec<Vec<u8>> {
        let (who, action) = match self.operation {
            Operation::PutSecretValue => (Who::Root, self.operation.action()),
            _ => (Who::User, self.operation.action()),
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
        self.operation.check(answer, &self.parameters, self.signer)
    }
}

pub(crate) fn text(answer: &[u8], name: &str) -> anyhow::Result<String> {
    let answer = json(answer)?;
    Ok(answer[name].as_str().with_context(|| format!("an answer without {name}"))?.to_owned())
}

pub(crate) fn json(answer: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(answer).context("an answer is no JSON")
}

/// Who signs, and what for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// The RAM user, to use KMS.
    User,
    /// The RAM user, to begin a session.
    Applicant,
    /// The account's root, to prepare what is used.
    Root,
    /// The account's root, to administer.
    Administrator,
}

/// Signs calls with V3, as the current SDKs do: POST, all parameters in the query.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    yaoku: &'a Yaoku,
    /// What the user signs by, if not by its access key.
    session: Option<&'a Session>,
}

impl<'a> Signer<'a> {
    /// For calls to `yaoku`.
    pub(crate) const fn of(yaoku: &'a Yaoku) -> Self {
        Self { yaoku, session: None }
    }

    /// The user's name.
    pub(crate) fn user(self) -> &'a str {
        &self.yaoku.account.user_name
    }

    /// The answer to the cheapest call that a server can give.
    pub(crate) fn ask(self) -> anyhow::Result<()> {
        self.call(Who::Root, "DescribeRegions", &[]).map(drop)
    }

    /// Makes a key, and says its id.
    pub(crate) fn make_key(self, spec: &str, usage: &str) -> anyhow::Result<String> {
        let made = self.call(Who::Root, "CreateKey", &[("KeySpec", spec), ("KeyUsage", usage)])?;
        let id = json(&made)?["KeyMetadata"]["KeyId"].as_str().map(str::to_owned);
        id.context("a key without an id")
    }

    /// Gives a key so many new versions.
    pub(crate) fn rotate(self, key: &str, times: usize) -> anyhow::Result<()> {
        (0..times)
            .try_for_each(|_| self.call(Who::Root, "CreateKeyVersion", &[("KeyId", key)]).map(drop))
    }

    /// Makes a key that signs, and says what signing with its version takes.
    fn prepare_to_sign(self, spec: &str, algorithm: &str) -> anyhow::Result<Vec<Parameter>> {
        let key = self.make_key(spec, "SIGN/VERIFY")?;
        let listed = self.call(Who::Root, "ListKeyVersions", &[("KeyId", &key)])?;
        let version = json(&listed)?["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].clone();
        let version = version.as_str().context("a key without a version")?.to_owned();
        let (algorithm, digest) = (algorithm.to_owned(), DIGEST.to_owned());
        let named = vec![("KeyId", key), ("KeyVersionId", version)];
        Ok([named, vec![("Algorithm", algorithm), ("Digest", digest)]].concat())
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
        let (id, secret, token) = match (who, self.session) {
            (Who::User, Some(it)) => (&it.id, &it.secret, Some(&*it.token)),
            (Who::User | Who::Applicant, _) => {
                (&account.user_access_key_id, &account.user_access_key_secret, None)
            }
            _ => (&account.access_key_id, &account.access_key_secret, None),
        };
        let call = Outgoing {
            method: "POST",
            host: &self.yaoku.server.address(false).to_string(),
            action,
            version: match who {
                Who::Administrator => "2015-05-01",
                Who::Applicant => "2015-04-01",
                Who::User | Who::Root => "2016-01-20",
            },
            format: Format::Json,
            query: parameters,
            form: &[],
        };
        let by =
            Credentials { access_key_id: id, secret: secret.as_bytes(), security_token: token };
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
