//! Tests of message authentication codes, through the pipeline.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{
    algorithm::MacAlgorithm,
    key::{KeySpec, KeyUsage},
};
use yaoku_wire::error::Code;

use crate::{api::asymmetric::tests::make, testing::Kms};

#[tokio::test]
async fn a_code_is_its_message_s_and_no_other_s() {
    let kms = Kms::new().await;
    let (message, other) = (STANDARD.encode("hello"), STANDARD.encode("hallo"));
    for algorithm in MacAlgorithm::ALL {
        let made = make(&kms, algorithm.spec(), KeyUsage::GenerateVerify).await;
        let named = [("KeyId", &*made.id), ("Algorithm", algorithm.as_str())];
        let params = [&named[..], &[("Message", &*message)]].concat();
        let reply = kms.call_with("GenerateMac", &params).await.unwrap();
        assert_eq!(reply.get("KeyVersionId"), None, "{algorithm}");
        assert_eq!(reply.get("Algorithm"), Some(algorithm.as_str()));
        let code = STANDARD.decode(reply.get("Mac").unwrap()).unwrap();
        let changed = [&[code[0] ^ 1], &code[1..]].concat();
        for (message, code, expected) in [
            (&message, &code[..], "true"),
            (&other, &code, "false"),
            (&message, &changed, "false"),
            (&message, &code[..code.len() - 1], "false"),
            (&message, &[7; 65], "false"),
            (&message, &[7; 6144], "false"),
        ] {
            let code = STANDARD.encode(code);
            let params = [&named[..], &[("Message", message), ("Mac", &*code)]].concat();
            let reply = kms.call_with("VerifyMac", &params).await.unwrap();
            assert_eq!(reply.get("Value"), Some(expected), "{algorithm}");
        }
    }
}

#[tokio::test]
async fn a_key_for_codes_may_be_asked_for_without_the_vendors_prefix() {
    let kms = Kms::new().await;
    for spec in ["HMAC_SM3", "HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"] {
        let params = [("KeySpec", spec), ("DKMSInstanceId", kms.instance_id.as_str())];
        let made = kms.call("CreateKey", params).await.unwrap();
        assert_eq!(made.get("KeyMetadata.KeySpec"), Some(&*format!("Aliyun_{spec}")));
    }
}

#[tokio::test]
async fn a_code_needs_its_own_kind_of_key_and_a_message_within_bounds() {
    let kms = Kms::new().await;
    let made = make(&kms, KeySpec::HmacSha256, KeyUsage::GenerateVerify).await;
    let pair = make(&kms, KeySpec::EcP256, KeyUsage::SignVerify).await;
    let cipher = kms.key().await.to_string();
    let (longest, too_long) = (STANDARD.encode([7; 6144]), STANDARD.encode([7; 6145]));
    for (key, algorithm, message, expected) in [
        (&*made.id, "HMAC_SHA_256", &*longest, Ok(())),
        (&made.id, "HMAC_SHA_256", &too_long, Err(Code::InvalidParameter)),
        (&made.id, "HMAC_SHA_256", "", Err(Code::MissingParameter)),
        (&made.id, "HMAC_SHA_1", &longest, Err(Code::InvalidParameter)),
        (&made.id, "HMAC_SHA_512", &longest, Err(Code::RejectedUnsupportedOperation)),
        (&pair.id, "HMAC_SHA_256", &longest, Err(Code::RejectedUnsupportedOperation)),
        (&cipher, "HMAC_SHA_256", &longest, Err(Code::RejectedUnsupportedOperation)),
        ("none", "HMAC_SHA_256", &longest, Err(Code::KeyNotFound)),
    ] {
        let params = [("KeyId", key), ("Algorithm", algorithm), ("Message", message)];
        assert_eq!(kms.call("GenerateMac", params).await.map(drop), expected, "{algorithm}");
    }
    let params = [("KeyId", &*made.id), ("Algorithm", "HMAC_SHA_256"), ("Message", "aGk=")];
    let refused = kms.without("kms:GenerateMac").call("GenerateMac", params).await;
    assert_eq!(refused, Err(Code::NoPermission));
}
