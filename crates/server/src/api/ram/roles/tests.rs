//! Tests of roles, through the pipeline.

use yaoku_model::identity::Identity;
use yaoku_wire::{error::Code, fields::Fields};

use crate::{
    node::Limits,
    testing::{Kms, NOW},
};

const TRUST: &str = "{\"Statement\":[{\"Action\":\"sts:AssumeRole\",\"Effect\":\"Allow\",\"Principal\":{\"RAM\":[\"acs:ram::1:root\"]}}], \"Version\":\"1\"}\n";

async fn create(kms: &Kms, name: &str) -> Result<Fields, Code> {
    kms.ram("CreateRole", [("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).await
}

#[tokio::test]
async fn what_breaks_a_limit_is_refused_with_its_own_code() {
    let kms = Kms::new().await;
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    for (name, trust, seconds, expected) in [
        ("", TRUST, "", Code::MissingParameter),
        ("r", "", "", Code::MissingParameter),
        ("a_b", TRUST, "", Code::RoleNameChars),
        (&*"r".repeat(65), TRUST, "", Code::RoleNameLength),
        ("r", policy, "", Code::MalformedPolicyDocument),
        ("r", &*" ".repeat(6145), "", Code::AssumeRolePolicyDocumentLength),
        ("r", TRUST, "3599", Code::InvalidParameter),
        ("r", TRUST, "43201", Code::InvalidParameter),
    ] {
        let params = [
            ("RoleName", name),
            ("AssumeRolePolicyDocument", trust),
            ("MaxSessionDuration", seconds),
        ];
        assert_eq!(kms.ram("CreateRole", params).await, Err(expected), "{name} {expected:?}");
    }
    create(&kms, "r").await.unwrap();
    let params = [("RoleName", "r"), ("NewAssumeRolePolicyDocument", policy)];
    assert_eq!(kms.ram("UpdateRole", params).await, Err(Code::MalformedPolicyDocument));
    assert_eq!(create(&kms, "r").await, Err(Code::RoleExists));
    for action in ["GetRole", "UpdateRole", "DeleteRole"] {
        assert_eq!(kms.ram(action, [("RoleName", "q")]).await, Err(Code::NoRole), "{action}");
    }
}

#[tokio::test]
async fn a_role_is_told_of_as_it_was_made() {
    let kms = Kms::new().await;
    create(&kms, "Deploy").await.unwrap();
    let role = kms.ram("GetRole", [("RoleName", "Deploy")]).await.unwrap();
    let account = &kms.account;
    for (field, expected) in [
        ("RoleName", "Deploy"),
        ("Arn", &*format!("acs:ram::{account}:role/Deploy")),
        ("RolePrincipalName", &*format!("Deploy@role.{account}.onaliyunservice.com")),
        ("AssumeRolePolicyDocument", TRUST),
        ("MaxSessionDuration", "3600"),
        ("AllowConsoleLogin", "true"),
        ("IsServiceLinkedRole", "false"),
        ("CreateDate", &*NOW.to_string()),
    ] {
        assert_eq!(role.get(&format!("Role.{field}")), Some(expected), "{field}");
    }
    assert_eq!(role.get("Role.RoleId").unwrap().len(), 18);
    let events = kms.events().await;
    let made = events.iter().find(|it| it.action == "ram:CreateRole").unwrap();
    assert!(made.resources.iter().any(|it| it.ends_with(":role/Deploy")), "{:?}", made.resources);
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let kms = Kms::new().await;
    create(&kms, "r").await.unwrap();
    kms.clock.advance_seconds(60);
    let params = [("RoleName", "r"), ("NewMaxSessionDuration", "43200")];
    let role = kms.ram("UpdateRole", params).await.unwrap();
    assert_eq!(role.get("Role.MaxSessionDuration"), Some("43200"));
    assert_eq!(role.get("Role.AssumeRolePolicyDocument"), Some(TRUST));
    assert_eq!(role.get("Role.UpdateDate"), Some(&*NOW.plus_seconds(60).to_string()));
    let trust = TRUST.replace("root", "user/a");
    let params = [
        ("RoleName", "r"),
        ("NewAssumeRolePolicyDocument", &*trust),
        ("NewDescription", "x"),
        ("NewAllowConsoleLogin", "false"),
    ];
    let role = kms.ram("UpdateRole", params).await.unwrap();
    assert_eq!(role.get("Role.AssumeRolePolicyDocument"), Some(&*trust));
    assert_eq!(role.get("Role.Description"), Some("x"));
    assert_eq!(role.get("Role.AllowConsoleLogin"), Some("false"));
    assert_eq!(role.get("Role.MaxSessionDuration"), Some("43200"));
}

#[tokio::test]
async fn a_role_that_holds_a_policy_stays_and_another_of_its_name_is_another() {
    let kms = Kms::new().await;
    create(&kms, "r").await.unwrap();
    let identity = Identity::Role("r".parse().unwrap());
    let rights = || async { kms.node.caches.rights(&kms.account, &identity).await.unwrap() };
    let first = rights().await.unwrap().role_id;
    let policy = [("RoleName", "r"), ("PolicyName", "ReadOnlyAccess"), ("PolicyType", "System")];
    kms.ram("AttachPolicyToRole", policy).await.unwrap();
    let reply = kms.ram("DeleteRole", [("RoleName", "r")]).await;
    assert_eq!(reply, Err(Code::RolePolicyInTheWay));
    kms.ram("DetachPolicyFromRole", policy).await.unwrap();
    kms.ram("DeleteRole", [("RoleName", "r")]).await.unwrap();
    assert!(rights().await.is_none(), "the next call knows that it is gone");
    create(&kms, "r").await.unwrap();
    assert_ne!(rights().await.unwrap().role_id, first);
}

#[tokio::test]
async fn roles_are_listed_without_whom_they_trust_and_found_by_tags() {
    let kms = Kms::new().await;
    create(&kms, "b").await.unwrap();
    for (name, value) in [("a", "1"), ("c", "2")] {
        let tag = [("Tag.1.Key", "team"), ("Tag.1.Value", value)];
        let params = [("RoleName", name), ("AssumeRolePolicyDocument", TRUST), tag[0], tag[1]];
        kms.ram("CreateRole", params).await.unwrap();
    }
    let list = kms.ram("ListRoles", [("MaxItems", "2")]).await.unwrap();
    assert_eq!(list.get("Roles.Role.0.RoleName"), Some("a"));
    assert_eq!(list.get("Roles.Role.0.AssumeRolePolicyDocument"), None);
    assert_eq!(list.get("Roles.Role.0.Tags.Tag.0.TagKey"), Some("team"));
    assert_eq!(list.count("Roles.Role.1.Tags.Tag"), Some(0));
    assert_eq!(list.get("Marker"), Some("b"));
    let list = kms.ram("ListRoles", [("Marker", "b")]).await.unwrap();
    assert_eq!(list.get("Roles.Role.0.RoleName"), Some("c"));
    assert_eq!(list.get("IsTruncated"), Some("false"));
    let tag = [("Tag.1.Key", "team"), ("Tag.1.Value", "2")];
    let list = kms.ram("ListRoles", tag).await.unwrap();
    assert_eq!(list.count("Roles.Role"), Some(1));
    assert_eq!(list.get("Roles.Role.0.RoleName"), Some("c"));
}

#[tokio::test]
async fn an_account_has_so_many_roles_and_no_more() {
    let kms = Kms::with_limits(Limits { roles: 1, ..Limits::default() }).await;
    create(&kms, "a").await.unwrap();
    assert_eq!(create(&kms, "b").await, Err(Code::TooManyRole));
}

#[tokio::test]
async fn each_operation_asks_for_its_own_resource() {
    let kms = Kms::new().await;
    create(&kms, "r").await.unwrap();
    let policy = |path: &str| {
        let account = &kms.account;
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"ram:*","Resource":"acs:ram:*:{account}:{path}"}}]}}"#
        )
    };
    let (one, other, all) = (policy("role/r"), policy("role/q"), policy("role/*"));
    for (action, right, wrong) in [
        ("CreateRole", &all, &one),
        ("ListRoles", &all, &one),
        ("GetRole", &one, &other),
        ("UpdateRole", &one, &other),
        ("DeleteRole", &one, &other),
    ] {
        let params = [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST)];
        let reply = kms.as_user(&[wrong]).ram(action, params).await;
        assert_eq!(reply, Err(Code::RamNoPermission), "{action}");
        let reply = kms.as_user(&[right]).ram(action, params).await;
        assert_ne!(reply, Err(Code::RamNoPermission), "{action}");
    }
}
