//! The table of keys.md §5: every operation on keys, on a key in each of the five states.

use std::collections::BTreeSet;

use yaoku_model::{
    ids::KeyId,
    key::{Alias, Key, KeyState, KeyVersion},
    tag::{Tag, TagKind},
};
use yaoku_store::Page;
use yaoku_wire::error::Code;

use super::FOREIGN;
use crate::{
    api::{Product, operations},
    testing::{Kms, NOW},
};

/// An operation; what the key was created with; the parameters, in which `{key}`, `{arn}`,
/// `{version}`, `{blob}` and `{alias}` are the key's, and `{other}`, `{others}` and `{moving}` the
/// key, a blob and an alias of another key; and how it ends in each state.
type Row = (&'static str, Params, Params, [Result<(), Code>; 5]);

type Params = &'static [(&'static str, &'static str)];

/// In the order of the columns.
const STATES: [KeyState; 5] = [
    KeyState::Enabled,
    KeyState::Disabled,
    KeyState::PendingDeletion,
    KeyState::PendingImport,
    KeyState::Unavailable,
];

const AES: Params = &[];
const PAIR: Params = &[("KeySpec", "RSA_2048"), ("KeyUsage", "ENCRYPT/DECRYPT")];
const SIGNER: Params = &[("KeySpec", "EC_P256")];
const HMAC: Params = &[("KeySpec", "Aliyun_HMAC_SHA_256")];
const EXTERNAL: Params = &[("Origin", "EXTERNAL")];
const VERSION: (&str, &str) = ("KeyVersionId", "{version}");
const BLOB: (&str, &str) = ("CiphertextBlob", "{blob}");
const OAEP: (&str, &str) = ("Algorithm", "RSAES_OAEP_SHA_256");
const ECDSA: (&str, &str) = ("Algorithm", "ECDSA_SHA_256");
const HMAC_256: (&str, &str) = ("Algorithm", "HMAC_SHA_256");
const DIGEST: (&str, &str) = ("Digest", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw=");
const WRAPPER: [(&str, &str); 3] = [
    ("PublicKeyBlob", PUBLIC_KEY),
    ("WrappingKeySpec", "RSA_2048"),
    ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
];
const ON: (&str, &str) = ("KeyId", "{key}");
const RESOURCE: (&str, &str) = ("ResourceType", "key");
const ITEM: (&str, &str) = ("ResourceId.1", "{key}");

const OK: Result<(), Code> = Ok(());
const FIXED: Result<(), Code> = Err(Code::KeyPendingDeletion);
const MOVED: Result<(), Code> = Err(Code::StateModifiedFailed);
const AWAY: Result<(), Code> = Err(Code::KeyUnavailable);
const INVALID: Result<(), Code> = Err(Code::InvalidParameter);
const TOKEN: Result<(), Code> = Err(Code::InvalidImportToken);

const USABLE: [Result<(), Code>; 5] =
    [OK, Err(Code::KeyDisabled), FIXED, Err(Code::KeyPendingImport), AWAY];
const READABLE: [Result<(), Code>; 5] = [OK; 5];
const CHANGEABLE: [Result<(), Code>; 5] = [OK, OK, FIXED, OK, OK];
const SWITCHABLE: [Result<(), Code>; 5] = [OK, OK, MOVED, MOVED, AWAY];

/// Every operation of KMS that names a key, in one way or another, has a row.
const ROWS: &[Row] = &[
    ("Encrypt", AES, &[ON, ("Plaintext", "x")], USABLE),
    ("Decrypt", AES, &[("CiphertextBlob", "{blob}")], USABLE),
    ("ReEncrypt", AES, &[("CiphertextBlob", "{blob}"), ("DestinationKeyId", "{other}")], USABLE),
    ("ReEncrypt", AES, &[("CiphertextBlob", "{others}"), ("DestinationKeyId", "{key}")], USABLE),
    ("GenerateDataKey", AES, &[ON], USABLE),
    ("GenerateDataKeyWithoutPlaintext", AES, &[ON], USABLE),
    ("GenerateAndExportDataKey", AES, &[ON, WRAPPER[0], WRAPPER[1], WRAPPER[2]], USABLE),
    ("ExportDataKey", AES, &[BLOB, WRAPPER[0], WRAPPER[1], WRAPPER[2]], USABLE),
    ("AsymmetricEncrypt", PAIR, &[ON, VERSION, OAEP, ("Plaintext", "aGk=")], USABLE),
    (
        "AsymmetricDecrypt",
        PAIR,
        &[ON, VERSION, OAEP, BLOB],
        [INVALID, USABLE[1], USABLE[2], USABLE[3], USABLE[4]],
    ),
    ("AsymmetricSign", SIGNER, &[ON, VERSION, ECDSA, DIGEST], USABLE),
    ("AsymmetricVerify", SIGNER, &[ON, VERSION, ECDSA, DIGEST, ("Value", "MEYC")], USABLE),
    ("GetPublicKey", SIGNER, &[ON, VERSION], USABLE),
    ("GenerateMac", HMAC, &[ON, HMAC_256, ("Message", "aGk=")], USABLE),
    ("VerifyMac", HMAC, &[ON, HMAC_256, ("Message", "aGk="), ("Mac", "aGk=")], USABLE),
    (
        "GetParametersForImport",
        EXTERNAL,
        &[ON, ("WrappingAlgorithm", "SM2PKE"), ("WrappingKeySpec", "EC_SM2")],
        [OK, OK, OK, OK, AWAY],
    ),
    // The token is looked at after the state.
    (
        "ImportKeyMaterial",
        EXTERNAL,
        &[ON, ("EncryptedKeyMaterial", "aGk="), ("ImportToken", "aGk=")],
        [TOKEN, TOKEN, MOVED, TOKEN, AWAY],
    ),
    ("DeleteKeyMaterial", EXTERNAL, &[ON], READABLE),
    ("CreateKeyVersion", AES, &[ON], USABLE),
    ("UpdateRotationPolicy", AES, &[ON, ("EnableAutomaticRotation", "false")], USABLE),
    ("DescribeKey", AES, &[ON], READABLE),
    ("DescribeKeyVersion", AES, &[ON, ("KeyVersionId", "{version}")], READABLE),
    ("ListKeys", AES, &[], READABLE),
    ("ListKeyVersions", AES, &[ON], READABLE),
    ("ListAliases", AES, &[], READABLE),
    ("ListAliasesByKeyId", AES, &[ON], READABLE),
    ("ListResourceTags", AES, &[ON], READABLE),
    ("ListTagResources", AES, &[RESOURCE, ITEM], READABLE),
    ("GetKeyPolicy", AES, &[ON], READABLE),
    ("EnableKey", AES, &[ON], SWITCHABLE),
    ("DisableKey", AES, &[ON], SWITCHABLE),
    ("ScheduleKeyDeletion", AES, &[ON, ("PendingWindowInDays", "7")], [OK, OK, MOVED, OK, OK]),
    ("CancelKeyDeletion", AES, &[ON], [MOVED, MOVED, OK, MOVED, MOVED]),
    ("CreateAlias", AES, &[ON, ("AliasName", "alias/{version}")], [OK, OK, MOVED, OK, OK]),
    ("UpdateAlias", AES, &[ON, ("AliasName", "{moving}")], CHANGEABLE),
    ("DeleteAlias", AES, &[("AliasName", "{alias}")], READABLE),
    ("UpdateKeyDescription", AES, &[ON, ("Description", "x")], CHANGEABLE),
    ("TagResource", AES, &[ON, ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#)], CHANGEABLE),
    ("UntagResource", AES, &[ON, ("TagKeys", "kept")], CHANGEABLE),
    ("TagResources", AES, &[RESOURCE, ITEM, ("Tag.1.Key", "a")], CHANGEABLE),
    ("UntagResources", AES, &[RESOURCE, ITEM, ("All", "true")], CHANGEABLE),
    ("SetDeletionProtection", AES, &[ON, ("EnableDeletionProtection", "true")], CHANGEABLE),
    (
        "SetDeletionProtection",
        AES,
        &[("ProtectedResourceArn", "{arn}"), ("EnableDeletionProtection", "false")],
        CHANGEABLE,
    ),
    ("SetKeyPolicy", AES, &[ON, ("Policy", POLICY)], CHANGEABLE),
];

/// An RSA key of 2,048 bits, made for this test; nobody has its private half.
const PUBLIC_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvnco2auSbzubLKBQRUv2VfEnyPxKaXob9I/ZWMkURL2ZM2dqQymDW82kKh5UGe/KFMZHr0qDdqVodnquQ872A/9MzXzlJxusvjNUhdPptuHE61ea9Z+3DT9eB+5eV55U6GpITKr8/tsBl41iDPQ+sJPsL5n0B0y94Nw5LKZ/EPTutN+twwchoL+IQKFcUWxQ2T4jMn7i4wC3sQldprpl8qN50IVL5vl304VLdkGR5Bgi/gsXLFydBr+L3Epj8FC+8LMYBR2C8SEqa8KHiIu1VsjWzh9csqUcnlEWuzGDlSZvVlqsVEuOnK7UAG4kOgqjxyJRC8sojT2YQS4B436uHwIDAQAB";

const POLICY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1:root"]},"Action":["kms:*"],"Resource":["*"]}]}"#;

/// A fresh key for one cell of the table, and another one.
struct Subject {
    id: KeyId,
    words: Vec<(&'static str, String)>,
}

impl Subject {
    async fn new(kms: &Kms, created: Params, at: usize) -> Self {
        let home = kms.instance_id.to_string();
        let created = [&[("DKMSInstanceId", &*home)], created].concat();
        let made = kms.call_with("CreateKey", &created).await.unwrap();
        let id = made.get("KeyMetadata.KeyId").unwrap().to_owned();
        let other = kms.key().await.to_string();
        let (alias, moving) = (format!("alias/its-{at}"), format!("alias/moving-{at}"));
        for (key, alias) in [(&id, &alias), (&other, &moving)] {
            kms.call("CreateAlias", [("KeyId", &**key), ("AliasName", alias)]).await.unwrap();
        }
        let tags = r#"[{"TagKey":"kept","TagValue":"b"}]"#;
        kms.call("TagResource", [("KeyId", &*id), ("Tags", tags)]).await.unwrap();
        let versions = kms.call("ListKeyVersions", [("KeyId", &*id)]).await.unwrap();
        let version = versions.get("KeyVersions.KeyVersion.0.KeyVersionId").unwrap_or_default();
        let words = vec![
            ("{arn}", super::arn(kms, "cn-hangzhou", &id)),
            ("{version}", version.to_owned()),
            ("{blob}", blob(kms, &id).await),
            ("{others}", blob(kms, &other).await),
            ("{alias}", alias),
            ("{moving}", moving),
            ("{other}", other),
            ("{key}", id.clone()),
        ];
        Self { id: id.parse().unwrap(), words }
    }

    fn fill(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, it)| text.replace(word, it))
    }
}

/// What the key encrypts, if it does.
async fn blob(kms: &Kms, key: &str) -> String {
    let sealed = kms.call("Encrypt", [("KeyId", key), ("Plaintext", "x")]).await;
    sealed.map_or(FOREIGN.to_owned(), |it| it.get("CiphertextBlob").unwrap().to_owned())
}

/// Everything about the key.
async fn whole(kms: &Kms, id: &KeyId) -> (Key, Vec<KeyVersion>, Vec<Alias>, Vec<Tag>) {
    let mut tx = kms.node.store.read().await.unwrap();
    let all = Page { number: 1, size: 1000 };
    (
        tx.key(id).await.unwrap().unwrap(),
        tx.key_versions(id).await.unwrap(),
        tx.list_aliases(&kms.account, Some(id), NOW, all).await.unwrap().items,
        tx.tags(&kms.account, TagKind::Key, id.as_str()).await.unwrap(),
    )
}

/// Source: keys.md §5.
#[tokio::test]
async fn a_state_says_what_may_be_done_and_what_is_refused_changes_nothing() {
    let kms = Kms::new().await;
    let mut at = 0;
    for (action, created, params, expected) in ROWS {
        for (state, expected) in STATES.into_iter().zip(expected) {
            at += 1;
            let subject = Subject::new(&kms, created, at).await;
            kms.edit_key(&subject.id, |it| {
                it.state = state;
                let leaves = state == KeyState::PendingDeletion;
                it.delete_at = leaves.then(|| it.created.plus_seconds(86_400));
            })
            .await;
            let params: Vec<_> = params.iter().map(|(k, v)| (*k, subject.fill(v))).collect();
            let params: Vec<_> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let before = whole(&kms, &subject.id).await;
            let reply = kms.call_with(action, &params).await.map(drop);
            assert_eq!(reply, *expected, "{action} of a key that is {state}");
            if expected.is_err() {
                let after = whole(&kms, &subject.id).await;
                assert_eq!(after, before, "{action} of a key that is {state} changed it");
            }
        }
    }
}

#[test]
fn no_operation_on_keys_is_missing_in_the_table() {
    const NAMES: [&str; 6] = [
        "KeyId",
        "AliasName",
        "CiphertextBlob",
        "DestinationKeyId",
        "ProtectedResourceArn",
        "ResourceId.1",
    ];
    let names_a_key = |name: &str| NAMES.contains(&name);
    let there: BTreeSet<_> = operations()
        .filter(|it| it.spec.product == Product::Kms)
        .filter(|it| it.spec.example.iter().any(|(name, _)| names_a_key(name)))
        .map(|it| it.spec.name)
        .collect();
    let listed: BTreeSet<_> = ROWS.iter().map(|(action, ..)| *action).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    assert!(missing.is_empty(), "these have no row: {missing:?}");
}
