//! Tests of key policies.

use yaoku_wire::error::Code;

use crate::testing::Kms;

fn statement(effect: &str, principal: &str, action: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"RAM":["{principal}"]}},"Action":["{action}"],"Resource":["*"]}}"#
    )
}

fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))
}

async fn set(kms: &Kms, key: &str, policy: &str) -> Result<(), Code> {
    kms.call("SetKeyPolicy", [("KeyId", key), ("Policy", policy)]).await.map(drop)
}

#[tokio::test]
async fn a_key_in_an_instance_has_the_default_policy_until_it_is_given_one() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let default = format!(
        r#"{{"Version":"1","Statement":[{{"Action":["kms:*"],"Resource":["*"],"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:*"]}},"Sid":"kms default key policy"}}]}}"#,
        kms.account
    );
    let get = async |name: &str| {
        let reply = kms.call("GetKeyPolicy", [("KeyId", &*key), ("PolicyName", name)]).await;
        reply.map(|it| it.get("Policy").unwrap().to_owned())
    };
    assert_eq!(get("").await, Ok(default.clone()));
    assert_eq!(get("default").await, Ok(default));
    assert_eq!(get("other").await, Err(Code::ResourceNotFound));
    let own = policy(&[statement("Allow", &format!("acs:ram::{}:root", kms.account), "kms:*")]);
    let own = own.replace(r#"{"Version""#, r#"{  "Version""#);
    set(&kms, &key, &own).await.unwrap();
    assert_eq!(get("default").await, Ok(own), "byte for byte");
}

#[tokio::test]
async fn what_is_no_policy_of_a_key_is_refused() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let root = format!("acs:ram::{}:root", kms.account);
    let fine = statement("Allow", &root, "kms:Encrypt");
    let sid = |sid: &str| fine.replacen('{', &format!(r#"{{"Sid":"{sid}","#), 1);
    let padded = |len: usize| {
        let text = policy(std::slice::from_ref(&fine));
        let pad = " ".repeat(len - text.len());
        text + &pad
    };
    for (policy, expected) in [
        (String::new(), Err(Code::MissingParameter)),
        ("{}".to_owned(), Err(Code::InvalidParameter)),
        (policy(&[]), Err(Code::InvalidParameter)),
        (policy(&[statement("Allow", "*", "kms:*")]), Err(Code::InvalidParameter)),
        (policy(&[statement("Allow", &root, "oss:*")]), Err(Code::InvalidParameter)),
        (policy(&[fine.replace(r#"["*"]"#, r#"["key"]"#)]), Err(Code::InvalidParameter)),
        (policy(&[sid("no:colon")]), Err(Code::InvalidParameter)),
        (policy(&[sid(&"x".repeat(129))]), Err(Code::InvalidParameter)),
        (padded(32_769), Err(Code::InvalidParameter)),
        (policy(&[sid("a-Z_0/+=.@ ")]), Ok(())),
        (padded(32_768), Ok(())),
    ] {
        assert_eq!(set(&kms, &key, &policy).await, expected, "{policy:.200}");
    }
    let params = [("KeyId", &*key), ("Policy", &*policy(&[fine])), ("PolicyName", "other")];
    assert_eq!(kms.call("SetKeyPolicy", params).await, Err(Code::InvalidParameter));
}

#[tokio::test]
async fn a_default_key_has_no_policy_and_takes_none() {
    let kms = Kms::new().await;
    let made = kms.call("CreateKey", []).await.unwrap();
    let key = made.get("KeyMetadata.KeyId").unwrap();
    let policy = policy(&[statement("Allow", "acs:ram::1:root", "kms:*")]);
    assert_eq!(set(&kms, key, &policy).await, Err(Code::UnsupportedOperation));
    let reply = kms.call("GetKeyPolicy", [("KeyId", key)]).await;
    assert_eq!(reply, Err(Code::ResourceNotFound));
    let reply = kms.call("CreateKey", [("Policy", &*policy)]).await;
    assert_eq!(reply, Err(Code::UnsupportedOperation));
}

#[tokio::test]
async fn either_policy_allows_and_either_denies() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let (alice, all) =
        (format!("acs:ram::{}:user/alice", kms.account), format!("acs:ram::{}:*", kms.account));
    let own = |effect: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":"kms:Encrypt","Resource":"*"}}]}}"#
        )
    };
    let (allow, deny) = (own("Allow"), own("Deny"));
    for (of_key, of_user, allowed) in [
        (vec![statement("Allow", &all, "kms:*")], &[][..], false),
        (vec![statement("Allow", &all, "kms:*")], &[&*allow], true),
        (vec![statement("Allow", &alice, "kms:Encrypt")], &[], true),
        (vec![statement("Allow", &alice, "kms:Decrypt")], &[], false),
        (vec![statement("Allow", &alice, "kms:Encrypt")], &[&*deny], false),
        (vec![statement("Deny", &alice, "kms:Encrypt")], &[&*allow], false),
        (vec![statement("Deny", &all, "kms:Encrypt")], &[&*allow], false),
    ] {
        let text = policy(&of_key);
        set(&kms, &key, &text).await.unwrap();
        let user = kms.as_user(of_user);
        let reply = user.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await;
        let expected = if allowed { Ok(()) } else { Err(Code::NoPermission) };
        assert_eq!(reply.map(drop), expected, "{text} and {of_user:?}");
    }
    kms.call("Encrypt", [("KeyId", &*key), ("Plaintext", "x")]).await.unwrap();
}

#[tokio::test]
async fn other_accounts_are_let_in_as_far_as_the_instance_has_room_for_them() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    room_for(&kms, 2).await;
    let of = |account: &str, name: &str| {
        statement("Allow", &format!("acs:ram::{account}:{name}"), "kms:Encrypt")
    };
    let own = kms.account.to_string();
    let two_of_one = policy(&[of("1000", "user/a"), of("1000", "user/b"), of(&own, "user/c")]);
    let two_accounts = policy(&[of("1000", "root"), of("2000", "role/a")]);
    for (key, policy, expected) in [
        (&one, &two_of_one, Ok(())),
        (&two, &two_accounts, Err(Code::LimitExceeded)),
        (&one, &two_accounts, Ok(())),
        (&two, &two_of_one, Err(Code::LimitExceeded)),
        (&two, &policy(&[of(&own, "user/c")]), Ok(())),
    ] {
        assert_eq!(set(&kms, key, policy).await, expected, "{key} {policy}");
    }
    let home = kms.instance_id.to_string();
    let params = [("DKMSInstanceId", &*home), ("Policy", &*two_of_one)];
    assert_eq!(kms.call("CreateKey", params).await, Err(Code::LimitExceeded));
    // With less room than is taken, fewer may be let in still.
    room_for(&kms, 0).await;
    set(&kms, &one, &two_of_one).await.unwrap();
}

async fn room_for(kms: &Kms, accounts: i64) {
    let mut tx = kms.node.store.write().await.unwrap();
    let mut home = tx.instance(&kms.instance_id).await.unwrap().unwrap();
    home.access_quota = accounts;
    tx.update_instance(&home).await.unwrap();
    kms.node.caches.apply(&tx.commit().await.unwrap().changes);
}
