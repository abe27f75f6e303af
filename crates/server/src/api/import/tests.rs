//! Tests of imported material, through the pipeline. It is wrapped by `openssl`, not by us.

use std::{fs, io::Write as _, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use yaoku_model::{
    algorithm::{WrappingAlgorithm, WrappingKeySpec},
    ids::KeyId,
    key::{KeySpec, KeyState, KeyUsage},
};
use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

const DAY: i64 = 86_400;

/// A key without material.
async fn empty(kms: &Kms, spec: KeySpec) -> String {
    let params = [
        ("KeySpec", spec.as_str()),
        ("Origin", "EXTERNAL"),
        ("DKMSInstanceId", kms.instance_id.as_str()),
    ];
    let made = kms.call("CreateKey", params).await.unwrap();
    assert_eq!(made.get("KeyMetadata.KeyState"), Some("PendingImport"));
    made.get("KeyMetadata.KeyId").unwrap().to_owned()
}

async fn begin(kms: &Kms, key: &str, algorithm: WrappingAlgorithm) -> Result<Fields, Code> {
    let params = [
        ("KeyId", key),
        ("WrappingAlgorithm", algorithm.as_str()),
        ("WrappingKeySpec", algorithm.wrapping_key().as_str()),
    ];
    kms.call("GetParametersForImport", params).await
}

async fn bring(kms: &Kms, key: &str, token: &str, wrapped: &[u8]) -> Result<(), Code> {
    bring_until(kms, key, token, wrapped, "0").await
}

async fn bring_until(
    kms: &Kms,
    key: &str,
    token: &str,
    wrapped: &[u8],
    expires: &str,
) -> Result<(), Code> {
    let wrapped = STANDARD.encode(wrapped);
    let params = [
        ("KeyId", key),
        ("ImportToken", token),
        ("EncryptedKeyMaterial", &wrapped),
        ("KeyMaterialExpireUnix", expires),
    ];
    kms.call("ImportKeyMaterial", params).await.map(drop)
}

async fn state(kms: &Kms, key: &str) -> String {
    let reply = kms.call("DescribeKey", [("KeyId", key)]).await.unwrap();
    reply.get("KeyMetadata.KeyState").unwrap().to_owned()
}

async fn primary(kms: &Kms, key: &str) -> String {
    let reply = kms.call("DescribeKey", [("KeyId", key)]).await.unwrap();
    reply.get("KeyMetadata.PrimaryKeyVersion").unwrap().to_owned()
}

/// `openssl`, with files in a directory of its own.
pub(in crate::api) struct OpenSsl(TempDir);

impl OpenSsl {
    pub(in crate::api) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The directory.
    pub(in crate::api) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    /// Runs it in the directory, with `input` in the file `in`; answers what it wrote.
    pub(in crate::api) fn run(&self, input: &[u8], command: &str) -> Vec<u8> {
        fs::File::create(self.0.path().join("in")).unwrap().write_all(input).unwrap();
        let mut openssl = Command::new("openssl");
        let run = openssl.args(command.split_whitespace()).current_dir(self.0.path());
        let output = run.output().expect("openssl is installed");
        assert!(output.status.success(), "openssl {command}: {output:?}");
        output.stdout
    }

    /// Wraps `material` as a client does.
    fn wrap(&self, parameters: &Fields, algorithm: WrappingAlgorithm, material: &[u8]) -> Vec<u8> {
        use WrappingAlgorithm as It;
        let public = STANDARD.decode(parameters.get("PublicKey").unwrap()).unwrap();
        fs::write(self.0.path().join("public"), public).unwrap();
        let encrypt = "pkeyutl -encrypt -pubin -keyform DER -inkey public -in in";
        let padding = match algorithm {
            It::Pkcs1 | It::Pkcs1Aes256 => "-pkeyopt rsa_padding_mode:pkcs1",
            It::OaepSha1 | It::OaepSha1Aes256 => "-pkeyopt rsa_padding_mode:oaep",
            It::OaepSha256 | It::OaepSha256Aes256 => {
                "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
            }
            It::Sm2Pke | It::Sm2PkeSm4 => "",
        };
        let under_public = |text: &[u8]| {
            let sealed = self.run(text, &format!("{encrypt} {padding}"));
            if algorithm.wrapping_key() == WrappingKeySpec::EcSm2 { raw(&sealed) } else { sealed }
        };
        let (ephemeral, cipher) = match algorithm {
            It::Pkcs1Aes256 | It::OaepSha1Aes256 | It::OaepSha256Aes256 => (32, "-aes-256-ecb"),
            It::Sm2PkeSm4 => (16, "-sm4-ecb -nopad"),
            _ => return under_public(material),
        };
        let key = vec![0x5a; ephemeral];
        let command = format!("enc {cipher} -in in -K {}", "5a".repeat(ephemeral));
        [under_public(&key), self.run(material, &command)].concat()
    }

    /// A private key of `spec` as a client brings it: PKCS#8, or for SM2 its number alone.
    pub(in crate::api) fn private(&self, spec: KeySpec) -> Vec<u8> {
        let options = match spec {
            KeySpec::Rsa2048 => "RSA -pkeyopt rsa_keygen_bits:2048",
            KeySpec::Rsa3072 => "RSA -pkeyopt rsa_keygen_bits:3072",
            KeySpec::Rsa4096 => "RSA -pkeyopt rsa_keygen_bits:4096",
            KeySpec::EcP256 => "EC -pkeyopt ec_paramgen_curve:P-256",
            KeySpec::EcP256K => "EC -pkeyopt ec_paramgen_curve:secp256k1",
            _ => "EC -pkeyopt ec_paramgen_curve:SM2",
        };
        let key = self.run(b"", &format!("genpkey -outform PEM -algorithm {options}"));
        self.run(&key, "pkcs8 -topk8 -nocrypt -in in -outform DER")
    }
}

/// SM2 as raw bytes, of what `openssl` writes as DER: `SEQUENCE { x, y, hash, text }`.
pub(in crate::api) fn raw(der: &[u8]) -> Vec<u8> {
    let mut rest = &der[2 + usize::from(der[1].saturating_sub(0x80))..];
    let mut parts = Vec::new();
    while let [_, len, ..] = *rest {
        let (long, len) = (usize::from(len.saturating_sub(0x80)), usize::from(len));
        let len = if long == 1 { usize::from(rest[2]) } else { len };
        parts.push(&rest[2 + long..2 + long + len]);
        rest = &rest[2 + long + len..];
    }
    let number = |it: &[u8]| {
        let it = it.strip_prefix(&[0]).filter(|it| it.len() == 32).unwrap_or(it);
        [&vec![0; 32 - it.len()], it].concat()
    };
    [&[4], &number(parts[0])[..], &number(parts[1]), parts[2], parts[3]].concat()
}

/// The number of an SM2 key in PKCS#8: the one OCTET STRING of 32 bytes.
fn sm2_number(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(2).position(|it| it == [4, 32]).unwrap() + 2;
    pkcs8[at..at + 32].to_vec()
}

#[tokio::test]
async fn symmetric_material_comes_wrapped_in_every_way() {
    use WrappingAlgorithm as It;
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    for algorithm in [It::Pkcs1, It::OaepSha1, It::OaepSha256, It::Sm2Pke] {
        for (spec, len) in [(KeySpec::Aes256, 32), (KeySpec::Sm4, 16)] {
            let key = empty(&kms, spec).await;
            let parameters = begin(&kms, &key, algorithm).await.unwrap();
            let wrapped = openssl.wrap(&parameters, algorithm, &vec![7; len]);
            let token = parameters.get("ImportToken").unwrap();
            assert_eq!(bring(&kms, &key, token, &wrapped).await, Ok(()), "{spec}, {algorithm}");
            assert_eq!(state(&kms, &key).await, "Enabled");
            let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await.unwrap();
            let blob = sealed.get("CiphertextBlob").unwrap();
            kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn private_keys_come_wrapped_in_every_way() {
    use WrappingAlgorithm as It;
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let specs = [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::EcP256K, KeySpec::EcSm2];
    for spec in specs {
        let private = openssl.private(spec);
        for algorithm in [It::OaepSha256Aes256, It::OaepSha1Aes256, It::Pkcs1Aes256, It::Sm2PkeSm4]
        {
            let key = empty(&kms, spec).await;
            let begun = begin(&kms, &key, algorithm).await;
            assert_eq!(begun.is_ok(), algorithm.fits(spec), "{spec}, {algorithm}");
            let Ok(parameters) = begun else { continue };
            let by_number = algorithm == It::Sm2PkeSm4;
            let material = if by_number { sm2_number(&private) } else { private.clone() };
            let wrapped = openssl.wrap(&parameters, algorithm, &material);
            let token = parameters.get("ImportToken").unwrap();
            assert_eq!(bring(&kms, &key, token, &wrapped).await, Ok(()), "{spec}, {algorithm}");
            let versions = kms.call("ListKeyVersions", [("KeyId", &*key)]).await.unwrap();
            let version = versions.get("KeyVersions.KeyVersion.0.KeyVersionId").unwrap();
            let params = [("KeyId", &*key), ("KeyVersionId", version)];
            let public = kms.call("GetPublicKey", params).await.unwrap();
            let ours = openssl.run(
                public.get("PublicKey").unwrap().as_bytes(),
                "pkey -pubin -in in -outform DER",
            );
            let theirs = openssl.run(&private, "pkey -inform DER -in in -pubout -outform DER");
            assert_eq!(ours, theirs, "{spec}");
        }
    }
}

#[tokio::test]
async fn what_is_not_the_material_is_refused_in_one_way() {
    use WrappingAlgorithm as It;
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    for algorithm in [It::Pkcs1, It::OaepSha1, It::OaepSha256, It::Sm2Pke] {
        let key = empty(&kms, KeySpec::Aes256).await;
        let parameters = begin(&kms, &key, algorithm).await.unwrap();
        let token = parameters.get("ImportToken").unwrap();
        let good = openssl.wrap(&parameters, algorithm, &[7; 32]);
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        for wrong in [
            openssl.wrap(&parameters, algorithm, &[7; 31]),
            openssl.wrap(&parameters, algorithm, &[7; 33]),
            changed,
            good[1..].to_vec(),
            vec![7; 256],
            vec![0],
        ] {
            let refused = bring(&kms, &key, token, &wrong).await;
            assert_eq!(refused, Err(Code::InvalidKeyMaterial), "{algorithm}");
        }
        assert_eq!(state(&kms, &key).await, "PendingImport");
        assert_eq!(bring(&kms, &key, token, &good).await, Ok(()));
    }
}

#[tokio::test]
async fn a_private_key_of_another_kind_or_size_is_refused() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let algorithm = WrappingAlgorithm::OaepSha256Aes256;
    for (spec, other) in [
        (KeySpec::Rsa2048, KeySpec::Rsa3072),
        (KeySpec::EcP256, KeySpec::EcP256K),
        (KeySpec::EcP256K, KeySpec::EcP256),
        (KeySpec::EcP256, KeySpec::Rsa2048),
        (KeySpec::EcSm2, KeySpec::EcP256),
    ] {
        let key = empty(&kms, spec).await;
        let parameters = begin(&kms, &key, algorithm).await.unwrap();
        let wrapped = openssl.wrap(&parameters, algorithm, &openssl.private(other));
        let token = parameters.get("ImportToken").unwrap();
        let refused = bring(&kms, &key, token, &wrapped).await;
        assert_eq!(refused, Err(Code::InvalidKeyMaterial), "{other} for {spec}");
    }
}

#[tokio::test]
async fn a_token_is_of_one_key_and_of_one_day() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let algorithm = WrappingAlgorithm::OaepSha256;
    let (key, other) = (empty(&kms, KeySpec::Aes256).await, empty(&kms, KeySpec::Aes256).await);
    let parameters = begin(&kms, &key, algorithm).await.unwrap();
    let token = parameters.get("ImportToken").unwrap();
    let wrapped = openssl.wrap(&parameters, algorithm, &[7; 32]);
    let mut bytes = STANDARD.decode(token).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    for (key, token) in [(&other, token), (&key, &*STANDARD.encode(&bytes)), (&key, "AAAA")] {
        let refused = bring(&kms, key, token, &wrapped).await;
        assert_eq!(refused, Err(Code::InvalidImportToken));
    }
    kms.clock.advance_seconds(DAY - 1);
    assert_eq!(bring(&kms, &key, token, &wrapped).await, Ok(()));
    kms.clock.advance_seconds(2);
    assert_eq!(bring(&kms, &key, token, &wrapped).await, Err(Code::ExpiredImportToken));
}

#[tokio::test]
async fn deleted_material_comes_back_if_it_is_the_same() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let (key, algorithm) = (empty(&kms, KeySpec::Aes256).await, WrappingAlgorithm::OaepSha256);
    let parameters = begin(&kms, &key, algorithm).await.unwrap();
    let token = parameters.get("ImportToken").unwrap();
    let wrap = |byte| openssl.wrap(&parameters, algorithm, &[byte; 32]);
    bring(&kms, &key, token, &wrap(7)).await.unwrap();
    let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "hello")]).await.unwrap();
    let blob = sealed.get("CiphertextBlob").unwrap();
    kms.call("DeleteKeyMaterial", [("KeyId", &*key)]).await.unwrap();
    assert_eq!(state(&kms, &key).await, "PendingImport");
    assert_eq!(primary(&kms, &key).await, "");
    let refused = kms.call("Decrypt", [("CiphertextBlob", blob)]).await;
    assert_eq!(refused, Err(Code::KeyPendingImport));
    assert_eq!(bring(&kms, &key, token, &wrap(8)).await, Err(Code::InvalidKeyMaterial));
    kms.call("DeleteKeyMaterial", [("KeyId", &*key)]).await.unwrap();
    bring(&kms, &key, token, &wrap(7)).await.unwrap();
    let opened = kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
    assert_eq!(opened.get("Plaintext"), Some("hello"));
    assert_eq!(opened.get("KeyVersionId"), sealed.get("KeyVersionId"));
}

#[tokio::test]
async fn material_is_as_good_as_none_from_its_date_on() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let (key, algorithm) = (empty(&kms, KeySpec::Aes256).await, WrappingAlgorithm::OaepSha256);
    let parameters = begin(&kms, &key, algorithm).await.unwrap();
    let token = parameters.get("ImportToken").unwrap();
    let wrapped = openssl.wrap(&parameters, algorithm, &[7; 32]);
    let now = crate::testing::NOW.unix_seconds();
    let past = bring_until(&kms, &key, token, &wrapped, &now.to_string()).await;
    assert_eq!(past, Err(Code::InvalidParameter));
    bring_until(&kms, &key, token, &wrapped, &(now + 60).to_string()).await.unwrap();
    let encrypt = [("KeyId", &*key), ("Plaintext", "x")];
    kms.call("Encrypt", encrypt).await.unwrap();
    kms.clock.advance_seconds(60);
    assert_eq!(kms.call("Encrypt", encrypt).await, Err(Code::KeyPendingImport));
    assert_eq!(state(&kms, &key).await, "PendingImport");
    assert_eq!(primary(&kms, &key).await, "");
    bring(&kms, &key, token, &wrapped).await.unwrap();
    kms.call("Encrypt", encrypt).await.unwrap();
}

#[tokio::test]
async fn only_keys_that_take_material_take_it_and_only_of_who_may_bring_it() {
    let kms = Kms::new().await;
    let (made, algorithm) = (kms.key().await.to_string(), WrappingAlgorithm::OaepSha256);
    assert_eq!(begin(&kms, &made, algorithm).await, Err(Code::UnsupportedOrigin));
    assert_eq!(bring(&kms, &made, "AAAA", &[1]).await, Err(Code::UnsupportedOrigin));
    let deleted = kms.call("DeleteKeyMaterial", [("KeyId", &*made)]).await;
    assert_eq!(deleted, Err(Code::UnsupportedOrigin));

    let key = empty(&kms, KeySpec::Aes256).await;
    for (algorithm, spec) in
        [("SM2PKE", "RSA_2048"), ("RSAES_OAEP_SHA_256", "EC_SM2"), ("none", "RSA_2048")]
    {
        let params =
            [("KeyId", &*key), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", spec)];
        let refused = kms.call("GetParametersForImport", params).await;
        assert_eq!(refused, Err(Code::InvalidParameter), "{algorithm}");
    }
    let user = kms.without("kms:GetParametersForImport");
    assert_eq!(begin(&user, &key, algorithm).await, Err(Code::NoPermission));
    let user = kms.without("kms:ImportKeyMaterial");
    assert_eq!(bring(&user, &key, "AAAA", &[1]).await, Err(Code::NoPermission));

    let id: KeyId = key.parse().unwrap();
    kms.edit_key(&id, |it| it.state = KeyState::PendingDeletion).await;
    assert_eq!(bring(&kms, &key, "AAAA", &[1]).await, Err(Code::StateModifiedFailed));
    let usage = KeySpec::Aes256.default_usage();
    assert_eq!(usage, KeyUsage::EncryptDecrypt);
}

/// While others write, nothing is unwrapped that they would wait for: what is wrong is refused
/// although the one write transaction of the database is taken.
#[tokio::test]
async fn material_is_unwrapped_while_another_writes() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let (key, algorithm) = (empty(&kms, KeySpec::Aes256).await, WrappingAlgorithm::OaepSha256);
    let parameters = begin(&kms, &key, algorithm).await.unwrap();
    let token = parameters.get("ImportToken").unwrap();
    let wrapped = openssl.wrap(&parameters, algorithm, &[7; 31]);
    let other = kms.node.store.write().await.unwrap();
    assert_eq!(bring(&kms, &key, token, &wrapped).await, Err(Code::InvalidKeyMaterial));
    assert_eq!(bring(&kms, &key, "AAAA", &wrapped).await, Err(Code::InvalidImportToken));
    drop(other);
}

#[tokio::test]
async fn of_two_first_imports_at_once_the_second_must_bring_the_same() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let algorithm = WrappingAlgorithm::OaepSha256;
    let wrap = |parameters: &Fields, byte| openssl.wrap(parameters, algorithm, &[byte; 32]);
    for (other, expected) in [(7, 2), (8, 1)] {
        let key = empty(&kms, KeySpec::Aes256).await;
        let parameters = begin(&kms, &key, algorithm).await.unwrap();
        let token = parameters.get("ImportToken").unwrap();
        let (one, other) = (wrap(&parameters, 7), wrap(&parameters, other));
        let (one, other) =
            tokio::join!(bring(&kms, &key, token, &one), bring(&kms, &key, token, &other));
        let (done, refused): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), expected, "{refused:?}");
        assert!(refused.iter().all(|it| *it == Err(Code::InvalidKeyMaterial)));
        let versions = kms.call("ListKeyVersions", [("KeyId", &*key)]).await.unwrap();
        assert_eq!(versions.get("TotalCount"), Some("1"));
        kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await.unwrap();
    }
}
