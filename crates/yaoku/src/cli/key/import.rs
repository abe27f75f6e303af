//! `yaoku key import`: brings a key's material, wrapped on this machine.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use yaoku_model::time::Timestamp;
use yaoku_server::client::wrap_for_import;

use super::{
    super::{misuse, products::bytes_of},
    Calls,
};

/// Imports the material of a symmetric key that was made for it (`GetParametersForImport`,
/// `ImportKeyMaterial`).
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The key: its id or ARN.
    key: String,
    /// The material, as bytes: 16, 24 or 32 of them; - is standard input.
    #[arg(long, value_name = "FILE")]
    material: PathBuf,
    /// When the material is forgotten: 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

impl Import {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let expires = self.expires.as_deref().map(unix).transpose()?;
        let key = ("KeyId", Some(self.key.as_str()));
        let material = bytes_of(&self.material)?;
        let wrapping = [
            key,
            ("WrappingAlgorithm", Some("RSAES_OAEP_SHA_256")),
            ("WrappingKeySpec", Some("RSA_2048")),
        ];
        let given = calls.ask("GetParametersForImport", &wrapping).await?;
        let public_key = BASE64_STANDARD.decode(given.text("/PublicKey"));
        let wrapped = wrap_for_import(&public_key.context("the server's key is none")?, &material);
        let wrapped = wrapped.map_err(|_| {
            misuse("this is no material of a symmetric key: docs/cli.md says how to wrap others")
        })?;
        let wrapped = BASE64_STANDARD.encode(wrapped);
        let params = [
            key,
            ("ImportToken", Some(given.text("/ImportToken"))),
            ("EncryptedKeyMaterial", Some(&wrapped)),
            ("KeyMaterialExpireUnix", Some(expires.as_deref().unwrap_or("0"))),
        ];
        let done = format!("{} has its material.", self.key);
        calls.tell("ImportKeyMaterial", &params, &done).await
    }
}

fn unix(time: &str) -> anyhow::Result<String> {
    let at: Result<Timestamp, _> = time.parse();
    let at = at.map_err(|_| misuse("--expires is no time: 2027-01-31T00:00:00Z"))?;
    Ok(at.unix_seconds().to_string())
}
