//! Tests of the operations on keys, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

#[tokio::test]
async fn encrypt_answers_the_key_id_for_an_id_and_for_an_arn() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let arn = format!("acs:kms:cn-hangzhou:{}:key/{key}", kms.account);
    for name in [key.as_str(), &arn] {
        let reply = kms.call("Encrypt", [("KeyId", name), ("Plaintext", "hello")]).await.unwrap();
        assert_eq!(reply.get("KeyId"), Some(key.as_str()), "{name}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_say_what_exists() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    let denied = kms.without("kms:Encrypt");
    for name in [key.as_str(), "no-such-key", "alias/none"] {
        let reply = denied.call("Encrypt", [("KeyId", name), ("Plaintext", "hello")]).await;
        assert_eq!(reply.err(), Some(Code::NoPermission), "{name}");
    }
}
