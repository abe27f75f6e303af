//! `yaoku key import`: brings a key's material, wrapped on this machine.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use yaoku_model::{key::KeySpec, time::Timestamp};
use yaoku_server::client::{import_algorithm, wrap_for_import};
use zeroize::Zeroizing;

use super::{
    super::{misuse, products::bytes_of},
    Calls,
};

/// Imports the material of a key that was made for it, wrapped on this machine
/// (`GetParametersForImport`, `ImportKeyMaterial`).
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The key: its id, ARN or alias.
    key: String,
    /// The material; - is standard input. Of a symmetric key its bytes (16, 24 or 32), of a pair the
    /// private key as PKCS#8, PEM or DER.
    #[arg(long, value_name = "FILE")]
    material: PathBuf,
    /// When the material is forgotten: 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

impl Import {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let expires = self.expires.as_deref().map(unix).transpose()?;
        let shown = calls.ask("DescribeKey", &[("KeyId", Some(&self.key))]).await?;
        let key = ("KeyId", Some(shown.text("/KeyMetadata/KeyId")));
        let spec = shown.text("/KeyMetadata/KeySpec");
        let spec: Option<KeySpec> = spec.parse().ok();
        let material = self.material(spec)?;
        let way = spec.and_then(import_algorithm);
        let way = way.ok_or_else(|| misuse("no material can be imported for this kind of key"))?;
        let wrapping = [
            key,
            ("WrappingAlgorithm", Some(way.as_str())),
            ("WrappingKeySpec", Some(way.wrapping_key().as_str())),
        ];
        let given = calls.ask("GetParametersForImport", &wrapping).await?;
        let public_key = BASE64_STANDARD.decode(given.text("/PublicKey"));
        let public_key = public_key.context("the server's key is none")?;
        let wrapped = wrap_for_import(&public_key, way, &material).map_err(|_| {
            misuse("this is no material of such a key, or the server's key is none")
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

    /// What is to be wrapped: bytes, or the DER of a private key.
    fn material(&self, spec: Option<KeySpec>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let bytes = bytes_of(&self.material)?;
        if spec.is_some_and(KeySpec::is_asymmetric) { private_key(bytes) } else { Ok(bytes) }
    }
}

/// The DER in a PEM file of a private key; DER is left as it is.
fn private_key(bytes: Zeroizing<Vec<u8>>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let begin = b"-----BEGIN ";
    if !bytes.windows(begin.len()).any(|it| it == begin) {
        return Ok(bytes);
    }
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(PrivateKeyDer::Pkcs8(key)) => Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec())),
        _ => Err(misuse(
            "this PEM file has no open PKCS#8 key (BEGIN PRIVATE KEY) to begin with: \
             openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW makes one of others",
        )),
    }
}

fn unix(time: &str) -> anyhow::Result<String> {
    let at: Result<Timestamp, _> = time.parse();
    let at = at.map_err(|_| misuse("--expires is no time: 2027-01-31T00:00:00Z"))?;
    Ok(at.unix_seconds().to_string())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::private_key;

    fn read(text: &str) -> anyhow::Result<Vec<u8>> {
        private_key(Zeroizing::new(text.as_bytes().to_vec())).map(|it| it.to_vec())
    }

    #[test]
    fn of_pem_only_an_open_pkcs8_key_is_taken() {
        let pem = |kind: &str| format!("-----BEGIN {kind}-----\nMAA=\n-----END {kind}-----\n");
        for kind in ["RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
            let error = read(&pem(kind)).unwrap_err();
            assert!(error.to_string().contains("openssl pkcs8"), "{kind}");
        }
        assert_eq!(read(&pem("PRIVATE KEY")).unwrap(), b"0\0");
        assert_eq!(read("0\0").unwrap(), b"0\0");
    }
}
