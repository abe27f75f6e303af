//! Tests of cryptography with pairs, through the pipeline.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    key::{KeySpec, KeyUsage},
};
use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

/// A key of a kind, and its one version.
pub(in crate::api) struct Made {
    pub(in crate::api) id: String,
    pub(in crate::api) version: String,
}

/// Makes a key of a kind in the instance.
pub(in crate::api) async fn make(kms: &Kms, spec: KeySpec, usage: KeyUsage) -> Made {
    let params = [
        ("KeySpec", spec.as_str()),
        ("KeyUsage", usage.as_str()),
        ("DKMSInstanceId", kms.instance_id.as_str()),
    ];
    let made = kms.call("CreateKey", params).await.unwrap();
    let id = made.get("KeyMetadata.KeyId").unwrap().to_owned();
    let versions = kms.call("ListKeyVersions", [("KeyId", &*id)]).await.unwrap();
    let version = versions.get("KeyVersions.KeyVersion.0.KeyVersionId").unwrap().to_owned();
    Made { id, version }
}

/// Calls an operation on that version.
async fn call(
    kms: &Kms,
    made: &Made,
    action: &str,
    params: &[(&str, &str)],
) -> Result<Fields, Code> {
    let named = [("KeyId", &*made.id), ("KeyVersionId", &*made.version)];
    kms.call_with(action, &[&named[..], params].concat()).await
}

fn value(reply: &Fields, name: &str) -> String {
    reply.get(name).unwrap().to_owned()
}

const DIGEST: [u8; 32] = [7; 32];

#[tokio::test]
async fn the_longest_plaintext_goes_through_and_one_byte_more_does_not() {
    let kms = Kms::new().await;
    for spec in [KeySpec::Rsa2048, KeySpec::EcSm2] {
        let made = make(&kms, spec, KeyUsage::EncryptDecrypt).await;
        for algorithm in EncryptionAlgorithm::ALL {
            let Some(max) = algorithm.max_plaintext(spec) else { continue };
            for (len, expected) in [(max, Ok(())), (max + 1, Err(Code::InvalidParameter))] {
                let text = STANDARD.encode(vec![7; len]);
                let params = [("Algorithm", algorithm.as_str()), ("Plaintext", &*text)];
                let sealed = call(&kms, &made, "AsymmetricEncrypt", &params).await;
                assert_eq!(sealed.map(drop), expected, "{algorithm}: {len} bytes");
            }
        }
    }
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_what_is_wrong_is_false() {
    let kms = Kms::new().await;
    let made = make(&kms, KeySpec::EcP256, KeyUsage::SignVerify).await;
    let (digest, short) = (STANDARD.encode(DIGEST), STANDARD.encode(&DIGEST[1..]));
    let algorithm = ("Algorithm", "ECDSA_SHA_256");
    for (params, expected) in [
        (vec![algorithm], Code::MissingParameter),
        (vec![algorithm, ("Digest", &*short)], Code::InvalidParameter),
        (vec![algorithm, ("Digest", "?")], Code::InvalidParameter),
        (vec![("Algorithm", "ECDSA"), ("Digest", &*digest)], Code::InvalidParameter),
        (vec![("Digest", &*digest)], Code::MissingParameter),
        (
            vec![("Algorithm", "RSAES_OAEP_SHA_256"), ("Digest", &*digest)],
            Code::RejectedUnsupportedOperation,
        ),
    ] {
        let reply = call(&kms, &made, "AsymmetricSign", &params).await;
        assert_eq!(reply.map(drop), Err(expected), "{params:?}");
    }
    for (signature, expected) in [
        (STANDARD.encode([0x30]), Ok("false".to_owned())),
        (STANDARD.encode([0; 64]), Ok("false".to_owned())),
        ("not base64".to_owned(), Err(Code::InvalidParameter)),
    ] {
        let params = [algorithm, ("Digest", &*digest), ("Value", &*signature)];
        let reply = call(&kms, &made, "AsymmetricVerify", &params).await;
        assert_eq!(reply.map(|it| value(&it, "Value")), expected, "{signature}");
    }
    let params = [("KeyId", &*made.id), ("Algorithm", "ECDSA_SHA_256"), ("Digest", &*digest)];
    assert_eq!(kms.call("AsymmetricSign", params).await, Err(Code::MissingParameter));
}

#[tokio::test]
async fn a_version_of_another_key_is_unknown() {
    let kms = Kms::new().await;
    let one = make(&kms, KeySpec::EcP256, KeyUsage::SignVerify).await;
    let other = make(&kms, KeySpec::EcP256, KeyUsage::SignVerify).await;
    for version in [&*other.version, "2ab1a983-7072-4bbc-a582-584b5bd8abcd", "none"] {
        let mixed = Made { id: one.id.clone(), version: version.to_owned() };
        let reply = call(&kms, &mixed, "GetPublicKey", &[]).await;
        assert_eq!(reply, Err(Code::KeyVersionNotFound), "{version}");
        let reply = call(&kms, &mixed, "DescribeKeyVersion", &[]).await;
        assert_eq!(reply, Err(Code::KeyVersionNotFound), "{version}");
    }
}

#[tokio::test]
async fn a_pair_without_material_answers_its_state_whatever_the_version() {
    let kms = Kms::new().await;
    let external = [("KeySpec", "EC_P256"), ("Origin", "EXTERNAL")];
    let home = [("DKMSInstanceId", kms.instance_id.as_str())];
    let made = kms.call_with("CreateKey", &[&external[..], &home].concat()).await.unwrap();
    let id = value(&made, "KeyMetadata.KeyId");
    let pair = Made { id, version: "2ab1a983-7072-4bbc-a582-584b5bd8abcd".to_owned() };
    let digest = STANDARD.encode(DIGEST);
    let params = [("Algorithm", "ECDSA_SHA_256"), ("Digest", &*digest), ("Value", "AAAA")];
    for (state, expected) in
        [("", Code::KeyPendingImport), ("ScheduleKeyDeletion", Code::KeyPendingDeletion)]
    {
        if !state.is_empty() {
            kms.call(state, [("KeyId", &*pair.id)]).await.unwrap();
        }
        for action in ["AsymmetricSign", "AsymmetricVerify", "GetPublicKey"] {
            assert_eq!(call(&kms, &pair, action, &params).await, Err(expected), "{action}");
        }
    }
}

#[tokio::test]
async fn a_signature_of_any_length_is_wrong_and_not_malformed() {
    let kms = Kms::new().await;
    let digest = STANDARD.encode(DIGEST);
    for spec in [KeySpec::EcP256, KeySpec::EcP256K, KeySpec::EcSm2, KeySpec::Rsa2048] {
        let made = make(&kms, spec, KeyUsage::SignVerify).await;
        for algorithm in SignatureAlgorithm::ALL.iter().filter(|it| it.fits(spec)) {
            for len in [1, 31, 63, 64, 65, 71, 255, 256, 257, 1024, 1025, 6144] {
                let signature = STANDARD.encode(vec![0x30; len]);
                let params = [
                    ("Algorithm", algorithm.as_str()),
                    ("Digest", &*digest),
                    ("Value", &*signature),
                ];
                let reply = call(&kms, &made, "AsymmetricVerify", &params).await;
                let holds = reply.map(|it| value(&it, "Value"));
                assert_eq!(holds, Ok("false".to_owned()), "{algorithm}: {len} bytes");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_says_nothing_of_the_key() {
    let kms = Kms::new().await;
    let made = make(&kms, KeySpec::EcP256, KeyUsage::SignVerify).await;
    let digest = STANDARD.encode(DIGEST);
    let params = [("Algorithm", "ECDSA_SHA_256"), ("Digest", &*digest), ("Value", "AAAA")];
    for action in ["AsymmetricSign", "AsymmetricVerify", "GetPublicKey"] {
        let user = kms.without(&format!("kms:{action}"));
        for id in [&*made.id, "none"] {
            let named = Made { id: id.to_owned(), version: made.version.clone() };
            let reply = call(&user, &named, action, &params).await;
            assert_eq!(reply, Err(Code::NoPermission), "{action} {id}");
        }
    }
}

#[tokio::test]
async fn a_public_key_is_pem_with_lines_of_64_characters() {
    let kms = Kms::new().await;
    let made = make(&kms, KeySpec::Rsa2048, KeyUsage::SignVerify).await;
    let reply = call(&kms, &made, "GetPublicKey", &[]).await.unwrap();
    let pem = reply.get("PublicKey").unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    assert!(pem.ends_with("\n-----END PUBLIC KEY-----\n"), "{pem}");
    assert_eq!(pem.lines().nth(1).map(str::len), Some(64));
}

#[tokio::test]
async fn what_a_public_key_encrypted_is_sealed_anew_under_a_symmetric_one() {
    let kms = Kms::new().await;
    let made = make(&kms, KeySpec::Rsa2048, KeyUsage::EncryptDecrypt).await;
    let (key, text) = (kms.key().await.to_string(), STANDARD.encode("hello"));
    let algorithm = "RSAES_OAEP_SHA_256";
    let params = [("Algorithm", algorithm), ("Plaintext", &*text)];
    let blob =
        value(&call(&kms, &made, "AsymmetricEncrypt", &params).await.unwrap(), "CiphertextBlob");
    let source = [
        ("SourceKeyId", &*made.id),
        ("SourceKeyVersionId", &*made.version),
        ("SourceEncryptionAlgorithm", algorithm),
    ];
    let target = [("CiphertextBlob", &*blob), ("DestinationKeyId", &*key)];
    for left_out in 0..3 {
        let mut some = source.to_vec();
        some.remove(left_out);
        let reply = kms.call_with("ReEncrypt", &[&target[..], &some].concat()).await;
        assert_eq!(reply, Err(Code::MissingParameter), "without {}", source[left_out].0);
    }
    let from = kms.without("kms:ReEncryptFrom");
    let reply = from.call_with("ReEncrypt", &[&target[..], &source].concat()).await;
    assert_eq!(reply, Err(Code::NoPermission));
    let reply = kms.call_with("ReEncrypt", &[&target[..], &source].concat()).await.unwrap();
    assert_eq!(reply.get("KeyId"), Some(&*made.id), "of the source");
    let sealed = value(&reply, "CiphertextBlob");
    let opened = kms.call("Decrypt", [("CiphertextBlob", &*sealed)]).await.unwrap();
    assert_eq!(opened.get("Plaintext"), Some(&*text));
}
