//! The table of keys.md §5: every operation on keys, on a key in each of the five states, over HTTP.

use std::collections::BTreeSet;

use yaoku_model::{ids::KeyId, key::KeyState};

use crate::{
    operations,
    support::{Database, Party, World, client::Param},
};

on_both!(a_state_says_what_may_be_done_and_what_is_refused_changes_nothing);

/// An operation; what the key was created with; the parameters, in which `{key}`, `{arn}`,
/// `{version}`, `{blob}` and `{alias}` are the key's, and `{other}`, `{others}` and `{moving}` the
/// key, a blob and an alias of another key; and how it ends in each state.
type Row = (&'static str, Params, Params, [End; 5]);

type Params = &'static [(&'static str, &'static str)];

/// The status and the code of an answer, as the documents have them: no table of ours is asked.
type End = (u16, &'static str);

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
const FROM: [(&str, &str); 3] = [
    ("SourceKeyId", "{key}"),
    ("SourceKeyVersionId", "{version}"),
    ("SourceEncryptionAlgorithm", "RSAES_OAEP_SHA_256"),
];
const ON: (&str, &str) = ("KeyId", "{key}");
const RESOURCE: (&str, &str) = ("ResourceType", "key");
const ITEM: (&str, &str) = ("ResourceId.1", "{key}");

const OK: End = (200, "");
const FIXED: End = (409, "Rejected.PendingDeletion");
const MOVED: End = (409, "Rejected.StateModifiedFailed");
const AWAY: End = (409, "Rejected.Unavailable");
const INVALID: End = (400, "InvalidParameter");
const TOKEN: End = (400, "InvalidImportToken");

const USABLE: [End; 5] =
    [OK, (409, "Rejected.Disabled"), FIXED, (409, "Rejected.PendingImport"), AWAY];
/// As [`USABLE`], of a blob that does not open.
const OPENED: [End; 5] = [INVALID, USABLE[1], USABLE[2], USABLE[3], USABLE[4]];
const READABLE: [End; 5] = [OK; 5];
const CHANGEABLE: [End; 5] = [OK, OK, FIXED, OK, OK];
const SWITCHABLE: [End; 5] = [OK, OK, MOVED, MOVED, AWAY];

/// Every operation of KMS that names a key, in one way or another, has a row.
const ROWS: &[Row] = &[
    ("Encrypt", AES, &[ON, ("Plaintext", "x")], USABLE),
    ("Decrypt", AES, &[("CiphertextBlob", "{blob}")], USABLE),
    ("ReEncrypt", AES, &[("CiphertextBlob", "{blob}"), ("DestinationKeyId", "{other}")], USABLE),
    ("ReEncrypt", AES, &[("CiphertextBlob", "{others}"), ("DestinationKeyId", "{key}")], USABLE),
    (
        "ReEncrypt",
        PAIR,
        &[BLOB, FROM[0], FROM[1], FROM[2], ("DestinationKeyId", "{other}")],
        OPENED,
    ),
    ("GenerateDataKey", AES, &[ON], USABLE),
    ("GenerateDataKeyWithoutPlaintext", AES, &[ON], USABLE),
    ("GenerateAndExportDataKey", AES, &[ON, WRAPPER[0], WRAPPER[1], WRAPPER[2]], USABLE),
    ("ExportDataKey", AES, &[BLOB, WRAPPER[0], WRAPPER[1], WRAPPER[2]], USABLE),
    ("AsymmetricEncrypt", PAIR, &[ON, VERSION, OAEP, ("Plaintext", "aGk=")], USABLE),
    ("AsymmetricDecrypt", PAIR, &[ON, VERSION, OAEP, BLOB], OPENED),
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

/// What no key has encrypted.
const FOREIGN: &str = "AQ==";

/// A fresh key for one cell of the table, and another one.
struct Subject {
    id: KeyId,
    words: Vec<(&'static str, String)>,
}

impl Subject {
    async fn new(world: &World, owner: &Party, home: &str, created: Params, at: usize) -> Self {
        let key = async |created: Params| {
            let params = [&[("DKMSInstanceId", home)], created].concat();
            world.done(owner, "CreateKey", &params).await.text("/KeyMetadata/KeyId")
        };
        let (id, other) = (key(created).await, key(AES).await);
        let (alias, moving) = (format!("alias/its-{at}"), format!("alias/moving-{at}"));
        for (key, alias) in [(&id, &alias), (&other, &moving)] {
            world.done(owner, "CreateAlias", &[("KeyId", key), ("AliasName", alias)]).await;
        }
        let tags = r#"[{"TagKey":"kept","TagValue":"b"}]"#;
        world.done(owner, "TagResource", &[("KeyId", &id), ("Tags", tags)]).await;
        let versions = world.done(owner, "ListKeyVersions", &[("KeyId", &id)]).await;
        let words = vec![
            ("{arn}", format!("acs:kms:cn-hangzhou:{}:key/{id}", owner.account)),
            ("{version}", versions.text("/KeyVersions/KeyVersion/0/KeyVersionId")),
            ("{blob}", blob(world, owner, &id).await),
            ("{others}", blob(world, owner, &other).await),
            ("{alias}", alias),
            ("{moving}", moving),
            ("{other}", other),
            ("{key}", id.clone()),
        ];
        Self { id: id.parse().unwrap(), words }
    }

    fn fill(&self, params: Params) -> Vec<Param> {
        let fill = |text: &str| {
            self.words.iter().fold(text.to_owned(), |text, (word, it)| text.replace(word, it))
        };
        params.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
    }

    /// Puts the key into a state, past all rules.
    async fn put(&self, world: &World, state: KeyState) {
        let mut tx = world.node.store.write().await.unwrap();
        let mut key = tx.key(&self.id).await.unwrap().unwrap();
        key.state = state;
        let leaves = state == KeyState::PendingDeletion;
        key.delete_at = leaves.then(|| key.created.plus_seconds(86_400));
        tx.update_key(&key).await.unwrap();
        world.node.caches.apply(&tx.commit().await.unwrap().changes);
    }
}

/// What the key encrypts, if it does.
async fn blob(world: &World, owner: &Party, key: &str) -> String {
    let sealed = world.call(owner, "Encrypt", &[("KeyId", key), ("Plaintext", "x")]).await;
    if sealed.status == 200 { sealed.text("/CiphertextBlob") } else { FOREIGN.to_owned() }
}

/// Source: keys.md §5.
async fn a_state_says_what_may_be_done_and_what_is_refused_changes_nothing(database: Database) {
    let world = World::new(database).await;
    let owner = world.account().await;
    let home = world.instance(&owner).await;
    let (mut at, mut wrong) = (0, Vec::new());
    for (action, created, params, ends) in ROWS {
        for (state, end) in STATES.into_iter().zip(*ends) {
            at += 1;
            let subject = Subject::new(&world, &owner, &home, created, at).await;
            subject.put(&world, state).await;
            let before = world.state().await;
            let answer = world.call_with(&owner, action, &subject.fill(params)).await;
            if (answer.status, &*answer.code()) != end {
                wrong.push(format!("{action} of a key that is {state}: {answer:?}"));
            }
            if end != OK && world.state().await != before {
                wrong.push(format!("{action} of a key that is {state} has changed the store"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
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
        .filter(|it| it.spec.example.iter().any(|(name, _)| names_a_key(name)))
        .map(|it| it.spec.name)
        .collect();
    let listed: BTreeSet<_> = ROWS.iter().map(|(action, ..)| *action).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    assert!(missing.is_empty(), "these have no row: {missing:?}");
}
