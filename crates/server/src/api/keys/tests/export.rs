//! Tests of data keys on their way out, through the pipeline. `openssl` opens them.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::key::KeySpec;
use yaoku_wire::error::Code;

use crate::{api::import::tests::OpenSsl, testing::Kms};

const OAEP: &str = "-pkeyopt rsa_padding_mode:oaep";
const OAEP_256: &str = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256";

/// A private key and its public half, both DER.
fn pair(openssl: &OpenSsl, spec: KeySpec) -> (Vec<u8>, String) {
    let private = openssl.private(spec);
    let public = openssl.run(&private, "pkey -inform DER -in in -pubout -outform DER");
    (private, STANDARD.encode(public))
}

#[tokio::test]
async fn an_exported_data_key_is_the_one_that_its_blob_holds() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let key = kms.key().await.to_string();
    let (private, public) = pair(&openssl, KeySpec::Rsa2048);
    std::fs::write(openssl.path().join("private"), private).unwrap();
    for (algorithm, options) in [("RSAES_OAEP_SHA_1", OAEP), ("RSAES_OAEP_SHA_256", OAEP_256)] {
        let wrapper = [
            ("PublicKeyBlob", &*public),
            ("WrappingKeySpec", "RSA_2048"),
            ("WrappingAlgorithm", algorithm),
        ];
        let context = [("EncryptionContext", r#"{"a":"b"}"#)];
        let params = [&wrapper[..], &context, &[("KeyId", &*key)]].concat();
        let made = kms.call_with("GenerateAndExportDataKey", &params).await.unwrap();
        let blob = made.get("CiphertextBlob").unwrap();
        assert!(made.get("Plaintext").is_none());
        let params = [&wrapper[..], &context, &[("CiphertextBlob", blob)]].concat();
        let again = kms.call_with("ExportDataKey", &params).await.unwrap();
        let params = [context[0], ("CiphertextBlob", blob)];
        let opened = kms.call_with("Decrypt", &params).await.unwrap();
        let expected = STANDARD.decode(opened.get("Plaintext").unwrap()).unwrap();
        for exported in [made, again] {
            let sealed = STANDARD.decode(exported.get("ExportedDataKey").unwrap()).unwrap();
            let decrypt = "pkeyutl -decrypt -keyform DER -inkey private -in in";
            assert_eq!(openssl.run(&sealed, &format!("{decrypt} {options}")), expected);
        }
    }
}

#[tokio::test]
async fn a_wrapper_that_does_not_fit_is_refused() {
    let (kms, openssl) = (Kms::new().await, OpenSsl::new());
    let key = kms.key().await.to_string();
    let (_, rsa) = pair(&openssl, KeySpec::Rsa2048);
    let (_, big) = pair(&openssl, KeySpec::Rsa3072);
    let (_, sm2) = pair(&openssl, KeySpec::EcSm2);
    let (oaep, pke) = ("RSAES_OAEP_SHA_256", "SM2PKE");
    for (public, spec, algorithm, len, expected) in [
        (&*rsa, "RSA_2048", oaep, "190", Ok(())),
        (&rsa, "RSA_2048", oaep, "191", Err(Code::InvalidParameter)),
        (&rsa, "RSA_2048", pke, "32", Err(Code::InvalidParameter)),
        (&rsa, "RSA_3072", oaep, "32", Err(Code::InvalidParameter)),
        (&big, "RSA_2048", oaep, "32", Err(Code::InvalidParameter)),
        (&sm2, "RSA_2048", oaep, "32", Err(Code::InvalidParameter)),
        (&rsa, "EC_SM2", pke, "32", Err(Code::InvalidParameter)),
        (&sm2, "EC_SM2", pke, "1024", Ok(())),
        ("AAAA", "RSA_2048", oaep, "32", Err(Code::InvalidParameter)),
        ("", "RSA_2048", oaep, "32", Err(Code::MissingParameter)),
    ] {
        let params = [
            ("KeyId", &*key),
            ("PublicKeyBlob", public),
            ("WrappingKeySpec", spec),
            ("WrappingAlgorithm", algorithm),
            ("NumberOfBytes", len),
        ];
        let reply = kms.call("GenerateAndExportDataKey", params).await;
        assert_eq!(reply.map(drop), expected, "{spec}, {algorithm}, {len} bytes");
    }
}
