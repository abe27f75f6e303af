//! What a refusal says of its cause, and to whom. Source: identity.md §1.7, §2.3.

use serde_json::{Value, json};
use yaoku_server::api::{Product, operation};
use yaoku_wire::rpc::Format;

use crate::{
    params,
    sessions::{role, trust},
    support::{
        ALLOW_ALL, Database, Party, World,
        client::{Answer, Outbound, Scheme},
        things::{SECRET, Things},
    },
};

on_both!(
    a_message_of_another_account_is_none,
    who_may_not_decode_is_refused,
    a_refusal_says_nothing_of_another_accounts_things,
    a_refusal_says_nothing_of_a_thing_that_its_caller_may_not_see,
    a_refusal_names_the_layer_and_its_message_the_policy,
    a_refusal_of_ram_says_so_as_well,
    the_version_of_the_policy_is_the_one_that_counts,
    a_refusal_in_xml_says_the_same,
    a_refusal_by_no_policy_of_the_callers_says_so_as_well,
    a_deny_by_the_tag_of_a_role_keeps_it_from_being_taken_on,
);

/// May do everything with KMS, and nothing else.
const KMS_ONLY: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
const NO_ENCRYPT: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}]}"#;

/// What a refusal says of its cause, and the message.
fn detail(answer: &Answer) -> (Value, String) {
    assert_eq!(answer.status, 403, "{answer:?}");
    let mut detail = answer.json()["AccessDeniedDetail"].take();
    let message = detail.as_object_mut().and_then(|it| it.remove("EncodedDiagnosticMessage"));
    (detail, message.and_then(|it| Some(it.as_str()?.to_owned())).unwrap_or_default())
}

async fn decode(world: &World, by: &Party, message: &str) -> Answer {
    let spec = operation(Product::Ram, "DecodeDiagnosticMessage").unwrap().spec;
    world.call_of(by, spec, &params(&[("EncodedDiagnosticMessage", message)])).await
}

async fn encrypt(world: &World, by: &Party, key: &str) -> Answer {
    world.call(by, "Encrypt", &[("KeyId", key), ("Plaintext", "x")]).await
}

async fn a_message_of_another_account_is_none(database: Database) {
    let world = World::new(database).await;
    let (root, stranger) = (world.account().await, world.account().await);
    let nobody = world.user(&root, "nobody", &[]).await;
    let (_, message) = detail(&encrypt(&world, &nobody, "some-key").await);
    let changed = if message.starts_with('A') { "B" } else { "A" };
    let changed = format!("{changed}{}", &message[1..]);
    for (by, message) in
        [(&stranger, &*message), (&root, &changed), (&root, "AQID"), (&root, "no base64!")]
    {
        let answer = decode(&world, by, message).await;
        assert_eq!((answer.status, &*answer.code()), (400, "InvalidParameter"), "{message}");
    }
    assert_eq!(decode(&world, &root, "").await.code(), "MissingParameter");
    assert_eq!(decode(&world, &root, &message).await.status, 200);
}

async fn who_may_not_decode_is_refused(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let user = world.user(&root, "user", &[KMS_ONLY, NO_ENCRYPT]).await;
    let (_, message) = detail(&encrypt(&world, &user, "some-key").await);
    let answer = decode(&world, &user, &message).await;
    assert_eq!((answer.status, &*answer.code()), (403, "NoPermission"));
    let (refused, _) = detail(&answer);
    assert_eq!(refused["AuthAction"], "ram:DecodeDiagnosticMessage");
    assert_eq!(refused["AuthResource"], "*");
}

/// Whatever the other account's key is like, and whether there is one.
async fn a_refusal_says_nothing_of_another_accounts_things(database: Database) {
    let world = World::new(database).await;
    let (owner, stranger) = (world.account().await, world.account().await);
    let things = Things::of(&world, &owner).await;
    let user = world.user(&stranger, "user", &[ALLOW_ALL]).await;
    let nobody = world.user(&stranger, "nobody", &[]).await;
    let arn = |it: &str| format!("acs:kms:cn-hangzhou:{}:key/{it}", owner.account);
    let denies = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Principal":{{"RAM":["acs:ram::{}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
        stranger.account
    );
    let mut told = Vec::new();
    for policy in [None, Some(denies)] {
        if let Some(policy) = policy {
            let params = [("KeyId", &*things.key), ("Policy", &*policy)];
            world.done(&owner, "SetKeyPolicy", &params).await;
        }
        for key in [&*things.key, "key-hzz62f1cb66fa42qo1234"] {
            for by in [&user, &nobody, &stranger] {
                let (mut detail, message) = detail(&encrypt(&world, by, &arn(key)).await);
                detail["AuthResource"].take();
                let mut decoded = decode(&world, &stranger, &message).await.json();
                let decoded = decoded["DecodedDiagnosticMessage"].take();
                assert_eq!(decoded["MatchedPolicies"], json!([]));
                told.push((by.key.id.clone(), detail, decoded["ExplicitDeny"].clone()));
            }
        }
    }
    for (by, detail, explicit) in &told {
        let first = told.iter().find(|it| it.0 == *by).unwrap();
        assert_eq!((detail, explicit), (&first.1, &first.2));
    }
    let blob = world.call(&user, "Decrypt", &[("CiphertextBlob", &things.blob)]).await;
    assert_eq!((blob.status, &*blob.code()), (404, "Forbidden.KeyNotFound"));
    let blob = world.call(&nobody, "Decrypt", &[("CiphertextBlob", &things.blob)]).await;
    assert_eq!(detail(&blob), (Value::Null, String::new()), "it stands for any key or none");
}

/// A Deny that only the thing's own tags bring about is told to who could see the thing otherwise.
async fn a_refusal_says_nothing_of_a_thing_that_its_caller_may_not_see(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let by_tag = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*",
        "Condition":{"StringEquals":{"kms:tag/team":["orders"]}}}]}"#;
    for (name, policies, for_tagged) in
        [("blind", &[by_tag][..], "ImplicitDeny"), ("seeing", &[by_tag, KMS_ONLY], "ExplicitDeny")]
    {
        let user = world.user(&root, name, policies).await;
        let (told, _) = detail(&encrypt(&world, &user, &things.key).await);
        assert_eq!(told["NoPermissionType"], for_tagged, "{name}");
        assert_eq!(told["PolicyType"], "AccountLevelIdentityBasedPolicy");
        if name == "blind" {
            let (other, _) = detail(&encrypt(&world, &user, "key-hzz62f1cb66fa42qo1234").await);
            assert_eq!(other["NoPermissionType"], for_tagged);
        }
        let unnamed = encrypt(&world, &user, "alias/app").await;
        assert_eq!(detail(&unnamed).0, Value::Null, "an alias stands for any key or none");
    }
}

async fn a_refusal_names_the_layer_and_its_message_the_policy(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let arn = format!("acs:kms:cn-hangzhou:{}:key/{}", root.account, things.key);
    let alice = world.user(&root, "alice", &[KMS_ONLY, NO_ENCRYPT]).await;
    let told = |explicit: &str| {
        json!({
            "AuthAction": "kms:Encrypt", "AuthResource": arn, "AuthPrincipalType": "SubUser",
            "AuthPrincipalDisplayName": "alice", "AuthPrincipalOwnerId": root.account.as_str(),
            "PolicyType": "AccountLevelIdentityBasedPolicy", "NoPermissionType": explicit,
        })
    };
    let (seen, message) = detail(&encrypt(&world, &alice, &things.key).await);
    assert_eq!(seen, told("ExplicitDeny"));
    let decoded = decode(&world, &root, &message).await.json();
    let decoded = &decoded["DecodedDiagnosticMessage"];
    assert_eq!(decoded["AuthAction"], "kms:Encrypt");
    assert_eq!(decoded["AuthResource"], arn.as_str());
    assert_eq!(decoded["AuthPrincipal"]["AuthPrincipalDisplayName"], "alice");
    assert_eq!(decoded["ExplicitDeny"], true);
    assert_eq!(decoded["NoPermissionPolicyType"], "AccountLevelIdentityBasedPolicy");
    let matched = json!([{
        "PolicyIdentifier": "User-alice-1", "PolicyType": "Custom", "PolicyVersion": "v1",
        "Effect": "Deny",
        "AttachedEntityType": "User", "AttachedScope": "Account",
    }]);
    assert_eq!(decoded["MatchedPolicies"], matched);
    let conditions = decoded["AuthConditions"].as_array().unwrap();
    let source = conditions.iter().find(|it| it["ConditionKey"] == "acs:SourceIp").unwrap();
    assert_eq!(source["ConditionValues"], json!(["127.0.0.1"]));

    let bob = world.user(&root, "bob", &[]).await;
    let (seen, message) = detail(&encrypt(&world, &bob, &things.key).await);
    assert_eq!(seen["NoPermissionType"], "ImplicitDeny");
    let decoded = decode(&world, &root, &message).await.json();
    assert_eq!(decoded["DecodedDiagnosticMessage"]["ExplicitDeny"], false);
    assert_eq!(decoded["DecodedDiagnosticMessage"]["MatchedPolicies"], json!([]));

    let denies = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Principal":{{"RAM":["acs:ram::{0}:user/carol"]}},"Action":["kms:*"],"Resource":["*"]}},{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{0}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
        root.account
    );
    world.done(&root, "SetKeyPolicy", &[("KeyId", &things.key), ("Policy", &denies)]).await;
    let carol = world.user(&root, "carol", &[KMS_ONLY]).await;
    let (seen, message) = detail(&encrypt(&world, &carol, &things.key).await);
    assert_eq!(
        (&seen["PolicyType"], &seen["NoPermissionType"]),
        (&json!("ResourceBasedPolicy"), &json!("ExplicitDeny"))
    );
    let decoded = decode(&world, &root, &message).await.json();
    let matched = &decoded["DecodedDiagnosticMessage"]["MatchedPolicies"][0];
    assert_eq!(matched["PolicyIdentifier"], "default");
}

async fn a_refusal_of_ram_says_so_as_well(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let nobody = world.user(&root, "nobody", &[]).await;
    let spec = operation(Product::Ram, "GetUser").unwrap().spec;
    let answer = world.call_of(&nobody, spec, &params(&[("UserName", "nobody")])).await;
    assert_eq!((answer.status, &*answer.code()), (403, "NoPermission"));
    let (told, message) = detail(&answer);
    assert_eq!(told["AuthAction"], "ram:GetUser");
    assert_eq!(told["AuthResource"], format!("acs:ram:*:{}:user/nobody", root.account));
    assert_eq!(decode(&world, &root, &message).await.status, 200);
    let secret = world.call(&nobody, "GetSecretValue", &[("SecretName", SECRET)]).await;
    assert_eq!(detail(&secret).0["AuthAction"], "kms:GetSecretValue");
}

async fn the_version_of_the_policy_is_the_one_that_counts(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let alice = world.user(&root, "alice", &[NO_ENCRYPT]).await;
    let sent =
        [("PolicyName", "User-alice-0"), ("PolicyDocument", NO_ENCRYPT), ("SetAsDefault", "true")];
    for expected in ["v1", "v2"] {
        let (_, message) = detail(&encrypt(&world, &alice, "some-key").await);
        let decoded = decode(&world, &root, &message).await;
        let matched = "/DecodedDiagnosticMessage/MatchedPolicies/0/PolicyVersion";
        assert_eq!(decoded.text(matched), expected);
        world.done(&root, "CreatePolicyVersion", &sent).await;
    }
    world.stop().await.events_equal_answers().await;
}

async fn a_refusal_in_xml_says_the_same(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let nobody = world.user(&root, "nobody", &[]).await;
    let sent = params(&[("KeyId", "some-key"), ("Plaintext", "x")]);
    let call = world.outbound(Scheme::V3, "Encrypt", &sent);
    let call = Outbound { format: Format::Xml, ..call };
    let answer = world.send(&call.sign(&nobody.key), true).await;
    assert_eq!((answer.status, &*answer.content_type), (403, "text/xml;charset=utf-8"));
    let inner = |name: &str| {
        let (_, rest) = answer.body.split_once(&format!("<{name}>")).unwrap();
        rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
    };
    let told = inner("AccessDeniedDetail");
    for (name, expected) in [
        ("AuthAction", "kms:Encrypt"),
        ("AuthPrincipalType", "SubUser"),
        ("AuthPrincipalDisplayName", "nobody"),
        ("PolicyType", "AccountLevelIdentityBasedPolicy"),
        ("NoPermissionType", "ImplicitDeny"),
    ] {
        assert!(told.contains(&format!("<{name}>{expected}</{name}>")), "{name}: {answer:?}");
    }
    let decoded = decode(&world, &root, &inner("EncodedDiagnosticMessage")).await;
    assert_eq!(decoded.text("/DecodedDiagnosticMessage/AuthAction"), "kms:Encrypt");
}

/// A role that does not trust, or is not there; the account itself; and what an account keeps its
/// users from.
async fn a_refusal_by_no_policy_of_the_callers_says_so_as_well(database: Database) {
    let world = World::new(database).await;
    let (root, other) = (world.account().await, world.account().await);
    let user = world.user(&root, "user", &[ALLOW_ALL]).await;
    let there = role(&world, &other, "there", &trust(other.account.as_str(), ""), &[]).await;
    let own = role(&world, &root, "own", &trust(other.account.as_str(), ""), &[]).await;
    let none = there.replace("there", "none");
    for (by, arn, kind, layer) in [
        (&user, &there, "SubUser", "AssumeRolePolicy"),
        (&user, &none, "SubUser", "AssumeRolePolicy"),
        (&user, &own, "SubUser", "AssumeRolePolicy"),
        (&root, &own, "RootUser", "AccountLevelIdentityBasedPolicy"),
    ] {
        let params = [("RoleArn", &**arn), ("RoleSessionName", "a-session")];
        let answer = world.call(by, "AssumeRole", &params).await;
        let message = "You are not authorized to do this action. You should be authorized by RAM.";
        assert_eq!(
            (answer.code(), answer.text("/Message")),
            ("NoPermission".into(), message.into())
        );
        let (detail, message) = detail(&answer);
        assert_eq!(detail["AuthAction"], "sts:AssumeRole");
        assert_eq!(detail["AuthResource"], arn.replace("ram::", "ram:*:"));
        assert_eq!(
            (&detail["AuthPrincipalType"], &detail["PolicyType"]),
            (&json!(kind), &json!(layer))
        );
        assert_eq!(detail["NoPermissionType"], "ImplicitDeny");
        assert_eq!(decode(&world, &root, &message).await.status, 200);
    }
    let ram = |action| operation(Product::Ram, action).unwrap().spec;
    let set = params(&[("AllowUserToManageAccessKeys", "false")]);
    assert_eq!(world.call_of(&root, ram("SetSecurityPreference"), &set).await.status, 200);
    let (detail, message) =
        detail(&world.call_of(&user, ram("CreateAccessKey"), &params(&[])).await);
    assert_eq!(detail["AuthResource"], format!("acs:ram:*:{}:user/user", root.account));
    assert_eq!(detail["PolicyType"], "AccountLevelIdentityBasedPolicy");
    assert_eq!(decode(&world, &root, &message).await.status, 200);
}

async fn a_deny_by_the_tag_of_a_role_keeps_it_from_being_taken_on(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let deny = |action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":"{action}","Resource":"*",
                "Condition":{{"StringEquals":{{"acs:ResourceTag/env":"prod"}}}}}}]}}"#
        )
    };
    let denied = world.user(&root, "denied", &[ALLOW_ALL, &deny("sts:AssumeRole")]).await;
    let free = world.user(&root, "free", &[ALLOW_ALL]).await;
    let trusting = trust(root.account.as_str(), "");
    let refusing = format!(
        r#"{},{{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{{"RAM":["acs:ram::{}:root"]}},
            "Condition":{{"StringEquals":{{"acs:ResourceTag/env":"prod"}}}}}}]}}"#,
        trusting.strip_suffix("]}").unwrap(),
        root.account
    );
    let roles = [("one", &trusting), ("two", &trusting), ("three", &refusing)];
    let mut arns = Vec::new();
    for (name, trust) in roles {
        arns.push(role(&world, &root, name, trust, &[]).await);
    }
    for tagged in [false, true] {
        for (arn, (name, _)) in arns.iter().zip(roles) {
            for by in [&denied, &free] {
                let params = [("RoleArn", &**arn), ("RoleSessionName", "a-session")];
                let answer = world.call(by, "AssumeRole", &params).await;
                let refused =
                    tagged && (name == "three" || (name == "one" && by.key.id == denied.key.id));
                assert_eq!(answer.status, if refused { 403 } else { 200 }, "{name} {answer:?}");
            }
        }
        let spec = operation(Product::Ram, "TagResources").unwrap().spec;
        let tag = params(&[
            ("ResourceType", "role"),
            ("ResourceNames.1", "one"),
            ("ResourceNames.2", "three"),
            ("Tag.1.Key", "env"),
            ("Tag.1.Value", "prod"),
        ]);
        assert_eq!(world.call_of(&root, spec, &tag).await.status, 200);
    }
}
