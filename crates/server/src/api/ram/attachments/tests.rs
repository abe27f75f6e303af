//! Tests of who holds which policy, through the pipeline.

use std::borrow::Cow;

use yaoku_model::{
    identity::{Group, Identity, User},
    policy::{Context, Question, Verdict, Work},
};
use yaoku_wire::error::Code;

use crate::{
    node::Limits,
    testing::{Kms, NOW},
};

const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}]}"#;

/// The three kinds of holders: what each is called, and the codes that speak of it.
const HOLDERS: [(&str, [Code; 4]); 3] = [
    ("User", [Code::NoUser, Code::UserPolicyExists, Code::NoUserPolicy, Code::TooManyUserPolicy]),
    (
        "Group",
        [Code::NoGroup, Code::GroupPolicyExists, Code::NoGroupPolicy, Code::TooManyGroupPolicy],
    ),
    ("Role", [Code::NoRole, Code::RolePolicyExists, Code::NoRolePolicy, Code::TooManyRolePolicy]),
];

/// A node with a user, a group that it is in, a role, each called `x`, and two policies.
async fn kms(limits: Limits) -> Kms {
    let kms = Kms::with_limits(limits).await;
    kms.ram("CreateRole", [("RoleName", "x"), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    for name in ["p", "q"] {
        let params = [("PolicyName", name), ("PolicyDocument", &*document("kms:Encrypt"))];
        kms.ram("CreatePolicy", params).await.unwrap();
    }
    let group = Group {
        account: kms.account.clone(),
        name: "x".parse().unwrap(),
        id: "1".to_owned(),
        comments: "all".to_owned(),
        created: NOW,
        updated: NOW,
    };
    let (account, name) = (kms.account.clone(), "x".parse().unwrap());
    let mut user = User::new(account, name, "2".to_owned(), NOW);
    user.about.display_name = "X".to_owned();
    let mut tx = kms.node.store.write().await.unwrap();
    assert!(tx.insert_user(&user).await.unwrap());
    assert!(tx.insert_group(&group).await.unwrap());
    assert!(tx.join_group(&kms.account, &group.name, &user.name, NOW).await.unwrap());
    kms.node.caches.apply(&tx.commit().await.unwrap().changes);
    kms
}

fn document(action: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

/// Attaches a policy to, or detaches it from, the holder called `x`.
async fn change(kms: &Kms, verb: &str, kind: &str, policy: (&str, &str)) -> Result<(), Code> {
    let word = if verb == "Attach" { "To" } else { "From" };
    let (action, name) = (format!("{verb}Policy{word}{kind}"), format!("{kind}Name"));
    let params = [(&*name, "x"), ("PolicyType", policy.0), ("PolicyName", policy.1)];
    kms.ram(&action, params).await.map(drop)
}

/// What the holder called `x` holds, as `ListPoliciesFor…` says.
async fn held(kms: &Kms, kind: &str) -> Vec<String> {
    let (action, name) = (format!("ListPoliciesFor{kind}"), format!("{kind}Name"));
    let list = kms.ram(&action, [(&*name, "x")]).await.unwrap();
    let name = |at: usize| list.get(&format!("Policies.Policy.{at}.PolicyName")).unwrap();
    (0..list.count("Policies.Policy").unwrap()).map(|at| name(at).to_owned()).collect()
}

#[tokio::test]
async fn what_is_not_there_is_told_by_its_own_code() {
    let kms = kms(Limits::default()).await;
    for (kind, [none, exists, not_held, _]) in HOLDERS {
        let name = format!("{kind}Name");
        for action in [format!("AttachPolicyTo{kind}"), format!("ListPoliciesFor{kind}")] {
            let params = [(&*name, "y"), ("PolicyType", "Custom"), ("PolicyName", "p")];
            assert_eq!(kms.ram(&action, params).await, Err(none), "{action}");
        }
        for policy in [("System", "p"), ("Custom", "ReadOnlyAccess"), ("Custom", "none")] {
            let reply = change(&kms, "Attach", kind, policy).await;
            assert_eq!(reply, Err(Code::NoPolicy), "{kind} {policy:?}");
        }
        let p = ("Custom", "p");
        assert_eq!(change(&kms, "Detach", kind, p).await, Err(not_held));
        change(&kms, "Attach", kind, p).await.unwrap();
        assert_eq!(change(&kms, "Attach", kind, p).await, Err(exists));
        change(&kms, "Detach", kind, p).await.unwrap();
        assert!(held(&kms, kind).await.is_empty());
    }
    let params = [("PolicyType", "Custom"), ("PolicyName", "none")];
    assert_eq!(kms.ram("ListEntitiesForPolicy", params).await, Err(Code::NoPolicy));
}

#[tokio::test]
async fn a_policy_for_one_resource_group_is_not_attached_for_all() {
    let kms = kms(Limits::default()).await;
    let params = [("UserName", "x"), ("PolicyType", "Custom"), ("PolicyName", "p")];
    let params = [params[0], params[1], params[2], ("ResourceGroupId", "rg-1")];
    assert_eq!(kms.ram("AttachPolicyToUser", params).await, Err(Code::InvalidParameter));
}

#[tokio::test]
async fn each_holder_has_so_many_policies_of_each_kind() {
    let limits = Limits {
        system_policies_of_user: 1,
        custom_policies_of_user: 1,
        system_policies_of_group: 1,
        custom_policies_of_group: 1,
        system_policies_of_role: 1,
        custom_policies_of_role: 1,
        ..Limits::default()
    };
    let kms = kms(limits).await;
    for (kind, [.., too_many]) in HOLDERS {
        for (first, second) in [
            (("System", "ReadOnlyAccess"), ("System", "AdministratorAccess")),
            (("Custom", "p"), ("Custom", "q")),
        ] {
            change(&kms, "Attach", kind, first).await.unwrap();
            assert_eq!(change(&kms, "Attach", kind, second).await, Err(too_many), "{kind}");
        }
        assert_eq!(held(&kms, kind).await, ["ReadOnlyAccess", "p"], "in order of attaching");
    }
}

#[tokio::test]
async fn both_the_holder_and_the_policy_must_be_allowed() {
    let kms = kms(Limits::default()).await;
    let allow = |owner: &str, path: String| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"ram:*","Resource":"acs:ram:*:{owner}:{path}"}}]}}"#
        )
    };
    for (kind, _) in HOLDERS {
        let holder = allow(kms.account.as_str(), format!("{}/x", kind.to_lowercase()));
        for (policy, owner) in
            [(("Custom", "p"), kms.account.as_str()), (("System", "ReadOnlyAccess"), "system")]
        {
            let on_policy = allow(owner, format!("policy/{}", policy.1));
            for verb in ["Attach", "Detach"] {
                for policies in [&[][..], &[&*holder], &[&*on_policy]] {
                    let reply = change(&kms.as_user(policies), verb, kind, policy).await;
                    assert_eq!(reply, Err(Code::RamNoPermission), "{verb} {kind} {policies:?}");
                }
                let user = kms.as_user(&[&holder, &on_policy]);
                change(&user, verb, kind, policy).await.unwrap();
            }
            let params = [("PolicyType", policy.0), ("PolicyName", policy.1)];
            let reply = kms.as_user(&[&holder]).ram("ListEntitiesForPolicy", params).await;
            assert_eq!(reply, Err(Code::RamNoPermission));
            kms.as_user(&[&on_policy]).ram("ListEntitiesForPolicy", params).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_policy_knows_who_holds_it_and_stays_as_long_as_anybody_does() {
    let kms = kms(Limits::default()).await;
    let p = [("PolicyType", "Custom"), ("PolicyName", "p")];
    for (kind, _) in HOLDERS {
        change(&kms, "Attach", kind, ("Custom", "p")).await.unwrap();
    }
    let found = kms.ram("ListEntitiesForPolicy", p).await.unwrap();
    for (field, expected) in [
        ("Users.User.0.UserName", "x"),
        ("Users.User.0.DisplayName", "X"),
        ("Groups.Group.0.Comments", "all"),
        ("Roles.Role.0.Arn", &*format!("acs:ram::{}:role/x", kms.account)),
        ("Roles.Role.0.AttachDate", &*NOW.to_string()),
    ] {
        assert_eq!(found.get(field), Some(expected), "{field}");
    }
    let policy = kms.ram("GetPolicy", p).await.unwrap();
    assert_eq!(policy.get("Policy.AttachmentCount"), Some("3"));
    for (kind, code) in [
        ("User", Code::PolicyUserInTheWay),
        ("Group", Code::PolicyGroupInTheWay),
        ("Role", Code::PolicyRoleInTheWay),
    ] {
        let params = [("PolicyName", "p"), ("CascadingDelete", "true")];
        assert_eq!(kms.ram("DeletePolicy", params).await, Err(code));
        change(&kms, "Detach", kind, ("Custom", "p")).await.unwrap();
    }
    kms.ram("DeletePolicy", [("PolicyName", "p")]).await.unwrap();
}

struct Nothing;

impl Context for Nothing {
    fn value(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// Whether the next call of `identity` may do `action`, as the caches have it.
async fn may(kms: &Kms, identity: &Identity, action: &str) -> bool {
    let rights = kms.node.caches.rights(&kms.account, identity).await.unwrap().unwrap();
    let question = Question {
        action,
        resources: &["acs:kms:cn-hangzhou:1:key/k"],
        caller: None,
        owner: "1",
        context: &Nothing,
        work: &Work::default(),
    };
    rights.policies.decide(&question).verdict == Verdict::Allow
}

#[tokio::test]
async fn the_next_call_is_judged_by_what_is_held_now() {
    let kms = kms(Limits::default()).await;
    let (user, role) = (Identity::User("x".parse().unwrap()), Identity::Role("x".parse().unwrap()));
    for (kind, identity) in [("User", &user), ("Group", &user), ("Role", &role)] {
        assert!(!may(&kms, identity, "kms:Encrypt").await, "{kind}");
        change(&kms, "Attach", kind, ("Custom", "p")).await.unwrap();
        assert!(may(&kms, identity, "kms:Encrypt").await, "{kind}: attached");

        let other = document("kms:Decrypt");
        let version = [("PolicyName", "p"), ("PolicyDocument", &*other), ("SetAsDefault", "true")];
        let made = kms.ram("CreatePolicyVersion", version).await.unwrap();
        let made = made.get("PolicyVersion.VersionId").unwrap();
        assert!(!may(&kms, identity, "kms:Encrypt").await, "{kind}: another text counts");
        assert!(may(&kms, identity, "kms:Decrypt").await, "{kind}");
        let first = [("PolicyName", "p"), ("VersionId", "v1")];
        kms.ram("SetDefaultPolicyVersion", first).await.unwrap();
        assert!(may(&kms, identity, "kms:Encrypt").await, "{kind}: the first counts again");
        let made = [("PolicyName", "p"), ("VersionId", made)];
        kms.ram("DeletePolicyVersion", made).await.unwrap();

        change(&kms, "Detach", kind, ("Custom", "p")).await.unwrap();
        assert!(!may(&kms, identity, "kms:Encrypt").await, "{kind}: detached");
    }
}
