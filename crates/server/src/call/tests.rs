//! Keys and secrets of another account. Source: identity.md §4.2, §4.3, §4.6.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_wire::error::Code;

use crate::testing::Kms;

const ALLOW_ALL: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
const DENY_ALL: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}"#;

/// A policy of a key or a secret that has its say about `actions` of another account.
fn policy(effect: &str, principal: &str, actions: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Principal":{{"RAM":["{principal}"]}},"Action":["{actions}"],"Resource":["*"]}}]}}"#
    )
}

/// Two accounts; what the first has, and how the second calls it.
struct Two {
    owner: Kms,
    /// The root of the other.
    other: Kms,
    /// A user of the other, who may do everything as far as that account is concerned.
    user: Kms,
    key: String,
    arn: String,
    secret: String,
}

impl Two {
    async fn new() -> Self {
        let owner = Kms::new().await;
        let other = owner.as_stranger().await;
        let key = owner.key().await.to_string();
        let of_key = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "x")];
        let of_key = [&of_key[..], &[("EncryptionKeyId", &*key)]].concat();
        owner.call_with("CreateSecret", &of_key).await.unwrap();
        let arn = |path: &str| format!("acs:kms:cn-hangzhou:{}:{path}", owner.account);
        Self {
            user: other.as_user(&[ALLOW_ALL]),
            arn: arn(&format!("key/{key}")),
            secret: arn("secret/a"),
            key,
            other,
            owner,
        }
    }

    /// A principal of the other account, as policies name it.
    fn principal(&self, path: &str) -> String {
        format!("acs:ram::{}:{path}", self.other.account)
    }

    async fn share_key(&self, policy: &str) {
        let params = [("KeyId", &*self.key), ("Policy", policy)];
        self.owner.call("SetKeyPolicy", params).await.unwrap();
    }

    async fn share_secret(&self, policy: &str) {
        let mut tx = self.owner.node.store.write().await.unwrap();
        let name = "a".parse().unwrap();
        let (mut secret, _) = tx.secret(&self.owner.account, &name).await.unwrap().unwrap();
        secret.policy = Some(policy.to_owned());
        tx.update_secret(&secret).await.unwrap();
        self.owner.node.caches.apply(&tx.commit().await.unwrap().changes);
    }

    async fn encrypts(&self, by: &Kms) -> Result<String, Code> {
        let reply = by.call("Encrypt", [("KeyId", &*self.arn), ("Plaintext", "x")]).await?;
        Ok(reply.get("CiphertextBlob").unwrap().to_owned())
    }

    async fn decrypts(&self, by: &Kms, blob: &str) -> Result<(), Code> {
        by.call("Decrypt", [("CiphertextBlob", blob)]).await.map(drop)
    }

    async fn reads(&self, by: &Kms) -> Result<String, Code> {
        let reply = by.call("GetSecretValue", [("SecretName", &*self.secret)]).await?;
        Ok(reply.get("SecretData").unwrap().to_owned())
    }
}

/// A blob of a key version that nobody has.
fn unknown(blob: &str) -> String {
    let mut bytes = STANDARD.decode(blob).unwrap();
    bytes[35] = if bytes[35] == b'a' { b'b' } else { b'a' };
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn both_accounts_must_let_a_caller_at_a_key() {
    let two = Two::new().await;
    let (all, alice) = (two.principal("*"), two.principal("user/alice"));
    let own = format!("acs:ram::{}:*", two.owner.account);
    for (of_key, of_user, allowed) in [
        (policy("Allow", &own, "kms:*"), &[ALLOW_ALL][..], false),
        (policy("Allow", &all, "kms:Decrypt"), &[ALLOW_ALL], false),
        (policy("Allow", &two.principal("user/bob"), "kms:*"), &[ALLOW_ALL], false),
        (policy("Allow", &two.principal("role/alice"), "kms:*"), &[ALLOW_ALL], false),
        (policy("Allow", &all, "kms:*"), &[], false),
        (policy("Allow", &all, "kms:*"), &[ALLOW_ALL, DENY_ALL], false),
        (policy("Deny", &all, "kms:Encrypt"), &[ALLOW_ALL], false),
        (policy("Allow", &all, "kms:Encrypt"), &[ALLOW_ALL], true),
        (policy("Allow", &alice, "kms:*"), &[ALLOW_ALL], true),
    ] {
        two.share_key(&of_key).await;
        let expected = if allowed { Ok(()) } else { Err(Code::NoPermission) };
        let by = two.other.as_user(of_user);
        assert_eq!(two.encrypts(&by).await.map(drop), expected, "{of_key} {of_user:?}");
    }
    let without = two.encrypts(&two.other).await;
    assert_eq!(without.map(drop), Err(Code::NoPermission), "its root was not named");
    two.share_key(&policy("Allow", &two.principal("root"), "kms:*")).await;
    two.encrypts(&two.other).await.unwrap();
    let by_id = two.user.call("Encrypt", [("KeyId", &*two.key), ("Plaintext", "x")]).await;
    assert_eq!(by_id, Err(Code::KeyNotFound), "only by its whole ARN");
}

#[tokio::test]
async fn another_accounts_caller_uses_a_key_and_never_manages_it() {
    let two = Two::new().await;
    two.share_key(&policy("Allow", &two.principal("*"), "kms:*")).await;
    for action in ["DescribeKey", "ListKeyVersions", "ListAliasesByKeyId"] {
        two.user.call(action, [("KeyId", &*two.arn)]).await.unwrap();
    }
    let tags = ("Tags", r#"[{"TagKey":"team","TagValue":"x"}]"#);
    two.user.call("TagResource", [("KeyId", &*two.arn), tags]).await.unwrap();
    let told = two.owner.call("ListResourceTags", [("KeyId", &*two.key)]).await.unwrap();
    assert_eq!(told.get("Tags.Tag.0.TagValue"), Some("x"), "the owner's key has it");
    for (action, rest) in [
        ("DisableKey", &[][..]),
        ("GetKeyPolicy", &[]),
        ("SetKeyPolicy", &[("Policy", ALLOW_ALL)]),
        ("ScheduleKeyDeletion", &[("PendingWindowInDays", "7")]),
        ("CreateKeyVersion", &[]),
        ("CreateAlias", &[("AliasName", "alias/x")]),
        ("UntagResource", &[("TagKeys", r#"["team"]"#)]),
        ("GenerateDataKeyWithoutPlaintext", &[]),
    ] {
        let policy = policy("Allow", &two.principal("*"), "kms:*");
        let rest = rest.iter().map(|it| if it.0 == "Policy" { ("Policy", &*policy) } else { *it });
        let params: Vec<_> = [("KeyId", &*two.arn)].into_iter().chain(rest).collect();
        let reply = two.user.call_with(action, &params).await;
        assert_eq!(reply.map(drop), Err(Code::NoPermission), "{action}");
    }
    let secret = [("SecretName", "b"), ("VersionId", "v1"), ("SecretData", "x")];
    let secret = [&secret[..], &[("EncryptionKeyId", &*two.arn)]].concat();
    let reply = two.user.call_with("CreateSecret", &secret).await;
    assert_eq!(reply.map(drop), Err(Code::InvalidParameter), "no secret hangs on it");
    let listed = two.user.call("ListKeys", []).await.unwrap();
    assert_eq!(listed.get("TotalCount"), Some("1"), "its service key alone");
    assert_ne!(listed.get("Keys.Key.0.KeyId"), Some(&*two.key));
}

#[tokio::test]
async fn a_key_outside_instances_is_never_shared() {
    let two = Two::new().await;
    let made = two.owner.call("CreateKey", []).await.unwrap();
    let arn = made.get("KeyMetadata.Arn").unwrap();
    for by in [&two.user, &two.other] {
        let reply = by.call("Encrypt", [("KeyId", arn), ("Plaintext", "x")]).await;
        assert_eq!(reply.map(drop), Err(Code::NoPermission));
    }
}

#[tokio::test]
async fn a_blob_of_another_account_opens_if_both_let_it_and_else_is_unknown() {
    let two = Two::new().await;
    let blob = two.encrypts(&two.owner).await.unwrap();
    let unknown = unknown(&blob);
    let nobody = two.other.as_user(&[]);
    for (of_key, opens) in [
        (policy("Allow", &two.principal("*"), "kms:Encrypt"), false),
        (policy("Deny", &two.principal("*"), "kms:Decrypt"), false),
        (policy("Allow", &two.principal("*"), "kms:Decrypt"), true),
    ] {
        two.share_key(&of_key).await;
        let by_unknown = two.decrypts(&two.user, &unknown).await;
        assert_eq!(by_unknown, Err(Code::KeyNotFound));
        let expected = if opens { Ok(()) } else { by_unknown };
        assert_eq!(two.decrypts(&two.user, &blob).await, expected, "{of_key}");
        let by_nobody = two.decrypts(&nobody, &unknown).await;
        assert_eq!(two.decrypts(&nobody, &blob).await, by_nobody, "{of_key}");
        assert_eq!(by_nobody, Err(Code::NoPermission));
    }
    let (key, account) = (two.arn.clone(), two.other.account.clone());
    let events = two.owner.events().await;
    let of_other = events.iter().filter(|it| it.account.as_ref() == Some(&account));
    let (fine, refused): (Vec<_>, Vec<_>) = of_other.partition(|it| it.code.is_none());
    assert_eq!(fine.len(), 1);
    assert_eq!(fine[0].resources, std::slice::from_ref(&key), "the owner's ARN");
    assert!(refused.iter().all(|it| !it.resources.contains(&key)), "{refused:?}");
}

#[tokio::test]
async fn both_accounts_must_let_a_caller_at_a_secret_and_at_its_key() {
    let two = Two::new().await;
    let all = two.principal("*");
    assert_eq!(two.reads(&two.user).await, Err(Code::NoPermission));
    two.share_secret(&policy("Allow", &all, "kms:*")).await;
    assert_eq!(two.reads(&two.user).await, Err(Code::NoPermission), "its key is not shared");
    two.share_key(&policy("Allow", &all, "kms:Decrypt")).await;
    assert_eq!(two.reads(&two.user).await.as_deref(), Ok("x"));
    assert_eq!(two.reads(&two.other.as_user(&[])).await, Err(Code::NoPermission));
    let by_name = two.user.call("GetSecretValue", [("SecretName", "a")]).await;
    assert_eq!(by_name, Err(Code::ResourceNotFound), "only by its whole ARN");

    let described = two.user.call("DescribeSecret", [("SecretName", &*two.secret)]).await.unwrap();
    assert_eq!(described.get("Arn"), Some(&*two.secret));
    two.user.call("ListSecretVersionIds", [("SecretName", &*two.secret)]).await.unwrap();
    let list = format!(r#"[{{"SecretName":"{}"}}]"#, two.secret);
    let batch = two.user.call("BatchGetSecretValue", [("SecretsList", &*list)]).await.unwrap();
    assert_eq!(batch.get("SecretValues.0.SecretData"), Some("x"));
    for (action, rest) in [
        ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "y")][..]),
        ("UpdateSecret", &[("Description", "d")]),
        ("DeleteSecret", &[]),
    ] {
        let params = [&[("SecretName", &*two.secret)], rest].concat();
        let reply = two.user.call_with(action, &params).await;
        assert_eq!(reply.map(drop), Err(Code::NoPermission), "{action}");
    }
    let listed = two.user.call("ListSecrets", []).await.unwrap();
    assert_eq!(listed.get("TotalCount"), Some("0"));

    two.share_secret(&policy("Deny", &all, "kms:GetSecretValue")).await;
    assert_eq!(two.reads(&two.user).await, Err(Code::NoPermission));
}
