//! Tests of who is let in, through the pipeline.

use serde_json::json;
use yaoku_wire::{error::Code, fields::Fields};

use crate::{
    api::{Product, operation},
    testing::Kms,
};

const ALLOW: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A policy of one statement.
fn policy(effect: &str, action: &str, resource: &str) -> String {
    json!({ "Version": "1", "Statement": [
        { "Effect": effect, "Action": action, "Resource": resource }] })
    .to_string()
}

fn if_prod(effect: &str) -> String {
    json!({ "Version": "1", "Statement": [
        { "Effect": effect, "Action": "ram:*", "Resource": "*",
          "Condition": { "StringEquals": { "acs:ResourceTag/env": "prod" } } }] })
    .to_string()
}

async fn ram(kms: &Kms, action: &str, params: &[(&str, &str)]) -> Result<Fields, Code> {
    kms.call_entry(operation(Product::Ram, action).unwrap(), params).await
}

/// An account with a user, a group, a role and a policy, of which the first of each kind has a tag.
async fn tagged() -> Kms {
    let kms = Kms::new().await;
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}]}"#;
    for name in ["one", "two"] {
        kms.ram("CreateUser", [("UserName", name)]).await.unwrap();
        kms.ram("CreateGroup", [("GroupName", name)]).await.unwrap();
        let role = [("RoleName", name), ("AssumeRolePolicyDocument", trust)];
        kms.ram("CreateRole", role).await.unwrap();
        let policy = [("PolicyName", name), ("PolicyDocument", ALLOW)];
        kms.ram("CreatePolicy", policy).await.unwrap();
    }
    for kind in ["user", "group", "role", "policy"] {
        let tag = [
            ("ResourceType", kind),
            ("ResourceNames.1", "one"),
            ("Tag.1.Key", "env"),
            ("Tag.1.Value", "prod"),
        ];
        kms.ram("TagResources", tag).await.unwrap();
    }
    kms
}

#[tokio::test]
async fn a_deny_by_tag_holds_for_all_of_ram_that_has_tags_and_an_allow_as_well() {
    let kms = tagged().await;
    let denied = kms.as_user(&[ALLOW, &if_prod("Deny")]);
    let allowed = kms.as_user(&[&if_prod("Allow")]);
    for name in ["one", "two"] {
        let refused = Some(Code::RamNoPermission);
        for (action, params) in [
            ("GetUser", vec![("UserName", name)]),
            ("CreateLoginProfile", vec![("UserName", name), ("Password", "Correct-horse-7")]),
            ("CreateAccessKey", vec![("UserName", name)]),
            ("GetGroup", vec![("GroupName", name)]),
            ("GetRole", vec![("RoleName", name)]),
            ("GetPolicy", vec![("PolicyType", "Custom"), ("PolicyName", name)]),
            ("ListPolicyVersions", vec![("PolicyType", "Custom"), ("PolicyName", name)]),
            ("ListPoliciesForRole", vec![("RoleName", name)]),
            (
                "TagResources",
                vec![
                    ("ResourceType", "user"),
                    ("ResourceNames.1", name),
                    ("Tag.1.Key", "a"),
                    ("Tag.1.Value", "b"),
                ],
            ),
        ] {
            let is_one = name == "one";
            let reply = ram(&denied, action, &params).await.err();
            assert_eq!(reply, refused.filter(|_| is_one), "{action} {name}");
            let reply = ram(&allowed, action, &params).await.err();
            assert_eq!(reply == refused, !is_one, "{action} {name}");
        }
    }
}

#[tokio::test]
async fn both_spellings_of_a_thing_of_ram_name_it_wherever_a_policy_does() {
    let kms = tagged().await;
    for arn in ["acs:ram::*:user/one", "acs:ram:*:*:user/one"] {
        let user = kms.as_user(&[&policy("Allow", "ram:GetUser", arn)]);
        user.ram("GetUser", [("UserName", "one")]).await.unwrap();
        let denied = kms.as_user(&[ALLOW, &policy("Deny", "ram:*", arn)]);
        for (action, more) in [("GetUser", None), ("UpdateUser", Some(("NewComments", "x")))] {
            let params: Vec<_> = [("UserName", "one")].into_iter().chain(more).collect();
            let reply = ram(&denied, action, &params).await.err();
            assert_eq!(reply, Some(Code::RamNoPermission), "{action} {arn}");
        }
    }
}

#[tokio::test]
async fn a_rename_needs_the_right_to_the_new_name() {
    let kms = tagged().await;
    let (user, group) = (
        [("UserName", "one"), ("NewUserName", "admin")],
        [("GroupName", "one"), ("NewGroupName", "admin")],
    );
    for it in ["acs:ram:*:*:user/admin", "acs:ram::*:group/admin"] {
        let denied = kms.as_user(&[ALLOW, &policy("Deny", "ram:*", it)]);
        let replies = [
            denied.ram("UpdateUser", user).await.err(),
            denied.ram("UpdateGroup", group).await.err(),
        ];
        let at = usize::from(it.contains("group"));
        assert_eq!(replies[at], Some(Code::RamNoPermission), "{it}");
        assert_eq!(replies[1 - at], None, "{it}");
        let back = [
            ("UpdateUser", [("UserName", "admin"), ("NewUserName", "one")]),
            ("UpdateGroup", [("GroupName", "admin"), ("NewGroupName", "one")]),
        ];
        let (action, params) = back[1 - at];
        kms.ram(action, params).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_deny_names_cannot_be_made_under_that_name() {
    let kms = Kms::new().await;
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}]}"#;
    for arn in ["acs:ram:*:*:*/admin-*", "acs:ram::*:*/admin-*"] {
        let denied = kms.as_user(&[ALLOW, &policy("Deny", "ram:*", arn)]);
        for (action, name, more) in [
            ("CreateUser", "UserName", None),
            ("CreateGroup", "GroupName", None),
            ("CreateRole", "RoleName", Some(("AssumeRolePolicyDocument", trust))),
            ("CreatePolicy", "PolicyName", Some(("PolicyDocument", ALLOW))),
            ("CreateVirtualMFADevice", "VirtualMFADeviceName", None),
        ] {
            let params: Vec<_> = [(name, "admin-x")].into_iter().chain(more).collect();
            let reply = ram(&denied, action, &params).await.err();
            assert_eq!(reply, Some(Code::RamNoPermission), "{action} {arn}");
            let other = format!("other-{}", arn.len());
            let params: Vec<_> = [(name, &*other)].into_iter().chain(more).collect();
            assert_eq!(ram(&denied, action, &params).await.err(), None, "{action}");
        }
    }
}

#[tokio::test]
async fn an_alias_is_moved_by_who_may_do_so_to_the_key_that_loses_it_too() {
    let kms = Kms::new().await;
    let (from, to) = (kms.key().await.to_string(), kms.key().await.to_string());
    let alias = ("AliasName", "alias/app");
    kms.call("CreateAlias", [alias, ("KeyId", &from)]).await.unwrap();
    let denied =
        kms.as_user(&[ALLOW, &policy("Deny", "kms:UpdateAlias", &format!("*:key/{from}"))]);
    let reply = denied.call("UpdateAlias", [alias, ("KeyId", &to)]).await;
    assert_eq!(reply.err(), Some(Code::NoPermission));
    kms.call("UpdateAlias", [alias, ("KeyId", &to)]).await.unwrap();
    denied.call("DeleteAlias", [alias]).await.unwrap();
}

/// What it takes is counted in the model's tests.
#[tokio::test]
async fn a_call_whose_judging_takes_too_much_work_is_refused() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let patterns: Vec<_> = (0..600).map(|it| format!("*a{}*", it % 10)).collect();
    let deny = json!({ "Version": "1", "Statement": [
        { "Effect": "Deny", "Action": "kms:*", "Resource": "*",
          "Condition": { "StringLike": { "kms:EncryptionContext:k": patterns } } }] })
    .to_string();
    let user = kms.as_user(&[&[ALLOW][..], &[&*deny; 32]].concat());
    for (length, expected) in [(10, None), (8000, Some(Code::NoPermission))] {
        let context = json!({ "k": "x".repeat(length) }).to_string();
        let params = [("KeyId", &*key), ("Plaintext", "aGk="), ("EncryptionContext", &*context)];
        assert_eq!(user.call("Encrypt", params).await.err(), expected, "{length}");
    }
}

#[tokio::test]
async fn the_simulator_knows_the_tags_and_both_spellings_of_things_of_ram() {
    let kms = tagged().await;
    for (name, document) in [("by-tag", &*if_prod("Deny")), ("all", ALLOW)] {
        let params = [("PolicyName", name), ("PolicyDocument", document)];
        kms.ram("CreatePolicy", params).await.unwrap();
        let params = [("PolicyType", "Custom"), ("PolicyName", name), ("UserName", "two")];
        kms.ram("AttachPolicyToUser", params).await.unwrap();
    }
    for (name, expected) in [("one", "ExplicitDeny"), ("two", "Allow")] {
        for region in ["", "*"] {
            let arn = format!("acs:ram:{region}:{}:user/{name}", kms.account);
            let asked =
                [("Principal", "user/two"), ("AuthAction", "ram:GetUser"), ("AuthResource", &*arn)];
            let answer = kms.call("SimulatePolicy", asked).await.unwrap();
            assert_eq!(answer.get("Decision"), Some(expected), "{arn}");
        }
    }
}
