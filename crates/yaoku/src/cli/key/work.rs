//! What is done with keys: `sign`, `verify`, `encrypt`, `decrypt`.

use std::{path::PathBuf, process::ExitCode};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use yaoku_server::client::sha256;

use super::{
    super::{
        misuse,
        output::{print, print_value},
        products::{bytes_of, text_of},
    },
    Calls,
};

/// What is signed, by which key, and how.
#[derive(Debug, Args)]
struct Message {
    /// The key: its id, ARN or alias.
    key: String,
    /// The message; - is standard input. Its SHA-256 digest is sent, and no more of it.
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The digest in Base64, 32 bytes, instead of a message. SM2DSA needs it: e = SM3(Z ‖ message),
    /// where Z is of the public key and the id 1234567812345678; docs/cli.md has the commands.
    #[arg(long, value_name = "BASE64", conflicts_with = "file")]
    digest: Option<String>,
    /// The algorithm: `RSA_PSS_SHA_256` (RSA keys sign by it unless told otherwise, with a salt of 32
    /// bytes), `RSA_PKCS1_SHA_256`, `ECDSA_SHA_256`, `SM2DSA`.
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
    /// The version. Without it, the newest.
    #[arg(long = "key-version", value_name = "ID")]
    version: Option<String>,
}

/// Signs a message; writes the signature in Base64 (`AsymmetricSign`).
#[derive(Debug, Args)]
pub(super) struct Sign {
    #[command(flatten)]
    message: Message,
}

/// Checks a signature: exit status 0 if it is right, 1 if not (`AsymmetricVerify`).
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    message: Message,
    /// The signature, in Base64.
    #[arg(long, value_name = "BASE64")]
    signature: String,
}

/// Encrypts a text; writes the ciphertext in Base64 (`Encrypt`).
#[derive(Debug, Args)]
pub(super) struct Encrypt {
    /// The key: its id, ARN or alias.
    key: String,
    /// The text; - is standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The encryption context: JSON. It takes the same one to decrypt.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
}

/// Decrypts what `encrypt` wrote; writes the text as it was (`Decrypt`).
#[derive(Debug, Args)]
pub(super) struct Decrypt {
    /// The ciphertext in Base64; - is standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The encryption context: JSON.
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
}

/// A message as operations take it.
struct Taken {
    version: String,
    algorithm: String,
    digest: String,
}

impl Message {
    async fn take(&self, calls: &Calls) -> anyhow::Result<Taken> {
        let key = [("KeyId", Some(self.key.as_str()))];
        let algorithm = if let Some(named) = &self.algorithm {
            named.clone()
        } else {
            let shown = calls.ask("DescribeKey", &key).await?;
            usual(shown.text("/KeyMetadata/KeySpec"))?.to_owned()
        };
        let version = if let Some(named) = &self.version {
            named.clone()
        } else {
            let listed = calls.ask("ListKeyVersions", &key).await?;
            let newest = listed.text("/KeyVersions/KeyVersion/0/KeyVersionId");
            if newest.is_empty() {
                return Err(misuse("the key has no version: it waits for its material"));
            }
            newest.to_owned()
        };
        let digest = match &self.digest {
            Some(digest) => digest.clone(),
            None if algorithm == "SM2DSA" => {
                return Err(misuse(
                    "SM2DSA signs a digest that is made with the public key too: give it with --digest \
                     (docs/cli.md says how to make it)",
                ));
            }
            None => BASE64_STANDARD.encode(sha256(&bytes_of(&self.file)?)),
        };
        Ok(Taken { version, algorithm, digest })
    }

    fn params<'a>(&'a self, taken: &'a Taken) -> [(&'a str, Option<&'a str>); 4] {
        [
            ("KeyId", Some(&self.key)),
            ("KeyVersionId", Some(&taken.version)),
            ("Algorithm", Some(&taken.algorithm)),
            ("Digest", Some(&taken.digest)),
        ]
    }
}

/// The algorithm that a kind of key signs by, unless another is named.
fn usual(spec: &str) -> anyhow::Result<&'static str> {
    match spec {
        "EC_P256" | "EC_P256K" => Ok("ECDSA_SHA_256"),
        "EC_SM2" => Ok("SM2DSA"),
        it if it.starts_with("RSA_") => Ok("RSA_PSS_SHA_256"),
        other => Err(misuse(format!("a key of kind {other} does not sign"))),
    }
}

impl Sign {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let taken = self.message.take(calls).await?;
        let answer = calls.ask("AsymmetricSign", &self.message.params(&taken)).await?;
        print_value(&format!("{}\n", answer.text("/Value")))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let taken = self.message.take(calls).await?;
        let mut params = self.message.params(&taken).to_vec();
        params.push(("Value", Some(self.signature.trim())));
        let answer = calls.ask("AsymmetricVerify", &params).await?;
        let right = answer.json()["Value"] == true;
        print(if right { "The signature is right.\n" } else { "The signature is WRONG.\n" })?;
        Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Encrypt {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let text = text_of(&self.file)?;
        let params = [
            ("KeyId", Some(self.key.as_str())),
            ("Plaintext", Some(text.as_str())),
            ("EncryptionContext", self.context.as_deref()),
        ];
        let answer = calls.ask("Encrypt", &params).await?;
        print_value(&format!("{}\n", answer.text("/CiphertextBlob")))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Decrypt {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let blob = text_of(&self.file)?;
        let params =
            [("CiphertextBlob", Some(blob.trim())), ("EncryptionContext", self.context.as_deref())];
        let answer = calls.ask("Decrypt", &params).await?;
        print_value(answer.text("/Plaintext"))?;
        Ok(ExitCode::SUCCESS)
    }
}
