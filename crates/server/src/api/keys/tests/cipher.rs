//! Tests of symmetric cryptography, through the pipeline.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{ids::KeyId, text::Plaintext};
use yaoku_wire::{error::Code, fields::Fields};

use super::FOREIGN;
use crate::testing::Kms;

/// A node, one of its keys, and the same as a text.
async fn kms_and_key() -> (Kms, KeyId, String) {
    let kms = Kms::new().await;
    let id = kms.key().await;
    let text = id.to_string();
    (kms, id, text)
}

/// The blob of `text`, sealed with `context`.
async fn seal(kms: &Kms, key: &str, text: &str, context: &str) -> String {
    let params = [("KeyId", key), ("Plaintext", text), ("EncryptionContext", context)];
    blob(&kms.call("Encrypt", params).await.unwrap()).to_owned()
}

fn blob(reply: &Fields) -> &str {
    reply.get("CiphertextBlob").unwrap()
}

#[tokio::test]
async fn encrypt_refuses_what_breaks_a_limit() {
    let (kms, _, key) = kms_and_key().await;
    let longest = "x".repeat(Plaintext::MAX_LEN);
    let too_long = "x".repeat(Plaintext::MAX_LEN + 1);
    for (text, expected) in [
        (longest.as_str(), Ok(())),
        (too_long.as_str(), Err(Code::InvalidParameter)),
        ("", Err(Code::MissingParameter)),
    ] {
        let reply = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", text)]).await;
        assert_eq!(reply.map(drop), expected, "{} bytes", text.len());
    }
    let blob = seal(&kms, &key, &longest, "").await;
    let reply = kms.call("Decrypt", [("CiphertextBlob", &*blob)]).await.unwrap();
    assert_eq!(reply.get("Plaintext"), Some(&*longest));
}

#[tokio::test]
async fn a_context_is_an_object_of_texts() {
    let (kms, _, key) = kms_and_key().await;
    for context in ["[]", "1", "x", r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":["b"]}"#] {
        let params = [("KeyId", &*key), ("Plaintext", "x"), ("EncryptionContext", context)];
        assert_eq!(kms.call("Encrypt", params).await, Err(Code::InvalidParameter), "{context}");
    }
}

#[tokio::test]
async fn decrypt_refuses_every_change_in_the_same_words() {
    let (kms, _, key) = kms_and_key().await;
    let sealed = seal(&kms, &key, "hello", "").await;
    let bytes = STANDARD.decode(&sealed).unwrap();
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        STANDARD.encode(bytes)
    };
    // 36 bytes of its id, 12 of IV, 5 of text, 16 of tag. What a bit makes of an id may be none.
    let other = if bytes[35] == b'a' { b"b" } else { b"a" };
    let another_version = STANDARD.encode([&bytes[..35], other, &bytes[36..]].concat());
    for (changed, expected) in [
        (another_version, Code::KeyNotFound),
        (FOREIGN.to_owned(), Code::KeyNotFound),
        (flipped(36), Code::InvalidParameter),
        (flipped(48), Code::InvalidParameter),
        (flipped(53), Code::InvalidParameter),
        (flipped(68), Code::InvalidParameter),
        (STANDARD.encode(&bytes[..68]), Code::InvalidParameter),
        (STANDARD.encode(&bytes[..48]), Code::InvalidParameter),
        (STANDARD.encode([&bytes[..], &[0]].concat()), Code::InvalidParameter),
        (sealed.trim_end_matches('=').to_owned() + "!", Code::InvalidParameter),
        ("no Base64".to_owned(), Code::InvalidParameter),
        (String::new(), Code::MissingParameter),
    ] {
        let reply = kms.call("Decrypt", [("CiphertextBlob", &*changed)]).await;
        assert_eq!(reply, Err(expected), "{changed}");
    }
}

#[tokio::test]
async fn who_may_not_decrypt_does_not_learn_whose_a_blob_is() {
    let (kms, _, key) = kms_and_key().await;
    let sealed = seal(&kms, &key, "hello", "").await;
    for blob in [&*sealed, FOREIGN] {
        let user = kms.without("kms:Decrypt");
        let reply = user.call("Decrypt", [("CiphertextBlob", blob)]).await;
        assert_eq!(reply, Err(Code::NoPermission), "{blob}");
        let stranger = kms.as_stranger().await;
        let reply = stranger.call("Decrypt", [("CiphertextBlob", blob)]).await;
        assert_eq!(reply, Err(Code::KeyNotFound), "{blob}");
    }
}

#[tokio::test]
async fn a_recipient_is_refused_never_passed_over() {
    let (kms, _, key) = kms_and_key().await;
    let sealed = seal(&kms, &key, "hello", "").await;
    let params = [("CiphertextBlob", &*sealed), ("Recipient", "x")];
    assert_eq!(kms.call("Decrypt", params).await, Err(Code::UnsupportedOperation));
    let params = [("KeyId", &*key), ("Recipient", "x")];
    assert_eq!(kms.call("GenerateDataKey", params).await, Err(Code::UnsupportedOperation));
    kms.call("Decrypt", [("CiphertextBlob", &*sealed), ("Recipient", "")]).await.unwrap();
}

#[tokio::test]
async fn decrypt_answers_the_text_exactly_as_sent() {
    let (kms, _, key) = kms_and_key().await;
    let found = kms.call("DescribeKey", [("KeyId", &*key)]).await.unwrap();
    let version = found.get("KeyMetadata.PrimaryKeyVersion").unwrap();
    for text in ["plaintext", "aGVsbG8=", "aGVsbG8", "密钥 \n", " "] {
        let sealed = kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", text)]).await.unwrap();
        assert_eq!(sealed.get("KeyVersionId"), Some(version));
        assert!(STANDARD.decode(blob(&sealed)).unwrap().starts_with(version.as_bytes()));
        let opened = kms.call("Decrypt", [("CiphertextBlob", blob(&sealed))]).await.unwrap();
        assert_eq!(opened.get("Plaintext"), Some(text));
        assert_eq!(opened.get("KeyId"), Some(&*key));
        assert_eq!(opened.get("KeyVersionId"), Some(version));
    }
}

#[tokio::test]
async fn decrypt_needs_the_same_context() {
    let (kms, _, key) = kms_and_key().await;
    let other = Err(Code::InvalidParameter);
    for (sent, given, expected) in [
        (r#"{"a":"1","b":"2"}"#, r#"{ "b":"2", "a":"1" }"#, Ok(())),
        ("{}", "null", Ok(())),
        ("", r#"{"a":null}"#, Ok(())),
        (r#"{"a":"1"}"#, r#"{"a":"2"}"#, other),
        (r#"{"a":"1"}"#, r#"{"b":"1"}"#, other),
        (r#"{"a":"1"}"#, r#"{"a":"1","b":"2"}"#, other),
        (r#"{"a":"1"}"#, "{}", other),
        ("", r#"{"a":"1"}"#, other),
    ] {
        let sealed = seal(&kms, &key, "x", sent).await;
        let params = [("CiphertextBlob", &*sealed), ("EncryptionContext", given)];
        let reply = kms.call("Decrypt", params).await;
        assert_eq!(reply.map(drop), expected, "{sent}, then {given}");
    }
}

#[tokio::test]
async fn a_policy_may_ask_for_a_context() {
    let (kms, _, key) = kms_and_key().await;
    let user = kms.as_user(&[r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*",
        "Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:team":["a"]}}}]}"#]);
    for (context, expected) in [
        (r#"{"team":"a"}"#, Ok(())),
        (r#"{"team":"b"}"#, Err(Code::NoPermission)),
        ("", Err(Code::NoPermission)),
    ] {
        let params = [("KeyId", &*key), ("Plaintext", "x"), ("EncryptionContext", context)];
        assert_eq!(user.call("Encrypt", params).await.map(drop), expected, "{context}");
        let params = [("KeyId", &*key), ("EncryptionContext", context)];
        assert_eq!(user.call("GenerateDataKey", params).await.map(drop), expected, "{context}");
    }
}

#[tokio::test]
async fn a_data_key_has_the_length_that_was_asked_for() {
    let (kms, _, key) = kms_and_key().await;
    let invalid = Err(Code::InvalidParameter);
    for (spec, number, expected) in [
        ("", "", Ok(32)),
        ("AES_256", "", Ok(32)),
        ("AES_128", "", Ok(16)),
        ("AES_128", "32", Ok(32)),
        ("AES_128", "0", Ok(16)),
        ("", "1", Ok(1)),
        ("", "1024", Ok(1024)),
        ("", "1025", invalid),
        ("", "-1", invalid),
        ("", "x", invalid),
        ("AES_192", "", invalid),
        ("AES_192", "32", invalid),
    ] {
        let params = [("KeyId", &*key), ("KeySpec", spec), ("NumberOfBytes", number)];
        let reply = kms.call("GenerateDataKey", params).await;
        let len = reply.map(|it| STANDARD.decode(it.get("Plaintext").unwrap()).unwrap().len());
        assert_eq!(len, expected, "{spec} {number}");
        let reply = kms.call("GenerateDataKeyWithoutPlaintext", params).await;
        let expected = expected.map(|_| None);
        assert_eq!(reply.map(|it| it.get("Plaintext").map(str::to_owned)), expected);
    }
}

#[tokio::test]
async fn decrypt_answers_the_base64_text_of_a_data_key() {
    let (kms, _, key) = kms_and_key().await;
    let context = ("EncryptionContext", r#"{"a":"1"}"#);
    let made = kms.call("GenerateDataKey", [("KeyId", &*key), context]).await.unwrap();
    let opened = kms.call("Decrypt", [("CiphertextBlob", blob(&made)), context]).await.unwrap();
    assert_eq!(opened.get("Plaintext"), made.get("Plaintext"));
    let other = kms.call("GenerateDataKey", [("KeyId", &*key), context]).await.unwrap();
    assert_ne!(other.get("Plaintext"), made.get("Plaintext"));
    let params = [("KeyId", &*key), context, ("NumberOfBytes", "9")];
    let made = kms.call("GenerateDataKeyWithoutPlaintext", params).await.unwrap();
    let opened = kms.call("Decrypt", [("CiphertextBlob", blob(&made)), context]).await.unwrap();
    assert_eq!(opened.get("Plaintext").unwrap().len(), 12);
}

#[tokio::test]
async fn re_encrypt_needs_both_permissions_and_a_blob_that_opens() {
    let (kms, _, from) = kms_and_key().await;
    let to = kms.key().await.to_string();
    let sealed = seal(&kms, &from, "hello", r#"{"a":"1"}"#).await;
    let source = |name: &'static str| (name, "x");
    let (blob, to) = (("CiphertextBlob", &*sealed), ("DestinationKeyId", &*to));
    let context = ("SourceEncryptionContext", r#"{"a":"1"}"#);
    let missing = Code::MissingParameter;
    for (params, expected) in [
        (&[blob][..], missing),
        (&[to], missing),
        (&[blob, to], Code::InvalidParameter),
        (&[blob, context, ("DestinationKeyId", "none")], Code::KeyNotFound),
        (&[blob, context, ("DestinationKeyId", "alias/app")], Code::UnsupportedAlias),
        (&[("CiphertextBlob", FOREIGN), to], Code::KeyNotFound),
        (&[blob, to, source("SourceKeyId")], missing),
        (&[blob, to, source("SourceKeyVersionId")], missing),
        (&[blob, to, source("SourceKeyId"), source("SourceEncryptionAlgorithm")], missing),
        (
            &[
                blob,
                to,
                source("SourceKeyId"),
                source("SourceKeyVersionId"),
                source("SourceEncryptionAlgorithm"),
            ],
            Code::InvalidParameter,
        ),
    ] {
        assert_eq!(kms.call_with("ReEncrypt", params).await, Err(expected), "{params:?}");
    }
    for (denied, expected) in [
        ("kms:ReEncryptFrom", Err(Code::NoPermission)),
        ("kms:ReEncryptTo", Err(Code::NoPermission)),
        ("kms:ReEncrypt*", Err(Code::NoPermission)),
        ("kms:ReEncrypt", Ok(())),
        ("kms:Decrypt", Ok(())),
    ] {
        let reply = kms.without(denied).call("ReEncrypt", [blob, context, to]).await;
        assert_eq!(reply.map(drop), expected, "without {denied}");
    }
}

#[tokio::test]
async fn re_encrypt_moves_a_text_and_names_the_key_it_came_from() {
    let (kms, _, from) = kms_and_key().await;
    let other = kms.key().await.to_string();
    let sealed = kms.call("Encrypt", [("KeyId", &*from), ("Plaintext", "hello")]).await.unwrap();
    for (to, context) in [(&*from, ""), (&*other, ""), (&*other, r#"{"a":"1"}"#)] {
        let params = [
            ("CiphertextBlob", blob(&sealed)),
            ("DestinationKeyId", to),
            ("DestinationEncryptionContext", context),
        ];
        let moved = kms.call("ReEncrypt", params).await.unwrap();
        assert_eq!(moved.get("KeyId"), Some(&*from));
        assert_eq!(moved.get("KeyVersionId"), sealed.get("KeyVersionId"));
        assert_ne!(blob(&moved), blob(&sealed));
        let params = [("CiphertextBlob", blob(&moved)), ("EncryptionContext", context)];
        let opened = kms.call("Decrypt", params).await.unwrap();
        assert_eq!((opened.get("Plaintext"), opened.get("KeyId")), (Some("hello"), Some(to)));
    }
}

#[tokio::test]
async fn a_dry_run_gives_a_verdict_and_nothing_else() {
    let (kms, _, key) = kms_and_key().await;
    let sealed = seal(&kms, &key, "hello", "").await;
    let (by_id, blob) = (("KeyId", &*key), ("CiphertextBlob", &*sealed));
    for (action, params) in [
        ("Encrypt", &[by_id, ("Plaintext", "x")][..]),
        ("Decrypt", &[blob]),
        ("ReEncrypt", &[blob, ("DestinationKeyId", &key)]),
        ("GenerateDataKey", &[by_id]),
        ("GenerateDataKeyWithoutPlaintext", &[by_id]),
    ] {
        for (flag, expected) in [
            ("True", Err(Code::DryRunOperationError)),
            ("true", Err(Code::DryRunOperationError)),
            ("False", Ok(())),
            ("", Ok(())),
            ("yes", Err(Code::InvalidParameter)),
        ] {
            let params = [params, &[("DryRun", flag)]].concat();
            let reply = kms.call_with(action, &params).await;
            assert_eq!(reply.map(drop), expected, "{action} with DryRun={flag}");
        }
        let dry = [params, &[("DryRun", "true")]].concat();
        let user = kms.as_user(&[]);
        let reply = user.call_with(action, &dry).await;
        assert_eq!(reply, Err(Code::AccessDeniedError), "{action}");
        let reply = kms.call(action, [("DryRun", "true"), ("KeyId", "none")]).await;
        assert_eq!(reply, Err(Code::ValidationError), "{action}");
    }
}

#[tokio::test]
async fn an_alias_and_a_blob_are_authorized_on_their_key() {
    let (kms, _, key) = kms_and_key().await;
    kms.call("CreateAlias", [("KeyId", &*key), ("AliasName", "alias/app")]).await.unwrap();
    let sealed = seal(&kms, "alias/app", "hello", "").await;
    kms.call("Decrypt", [("CiphertextBlob", &*sealed)]).await.unwrap();
    let arn = super::arn(&kms, "cn-hangzhou", &key);
    let events = kms.events().await;
    for action in ["kms:Encrypt", "kms:Decrypt"] {
        let event = events.iter().find(|it| it.action == action).unwrap();
        assert_eq!(event.resources.join(","), arn, "{action}");
    }
}
