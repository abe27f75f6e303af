//! Sessions of roles: who may begin one, what it may do, and when it is over.

use yaoku_model::{
    identity::{Attachment, CustomPolicy, Holder, PolicyType, Role},
    ids::RoleName,
};

use yaoku_server::api::{Product, operation};

use crate::{
    params,
    support::{
        ALLOW_ALL, DENY_ALL, Database, NOW, Party, World,
        client::{Answer, Key, Scheme},
        things::Things,
    },
};

on_both!(
    who_may_not_take_a_role_on_is_refused,
    what_is_wrong_with_a_request_is_said,
    what_another_account_has_is_not_told,
    a_trust_policy_looks_at_what_is_presented,
    a_token_is_good_for_its_own_access_key_here_and_no_other,
    a_session_may_do_what_its_role_and_its_policy_both_allow,
    a_session_policy_hides_no_deny_of_the_role,
    what_tags_another_accounts_role_has_is_not_told,
    a_session_is_over_when_its_time_is_up_or_its_role_is_another,
    what_is_taken_from_a_role_is_taken_from_its_sessions,
    a_session_begun_by_a_session_is_short_and_hides_nobody,
    everybody_is_told_who_they_are,
    the_journal_tells_who_is_behind_a_session,
);

/// Trusts everybody in this account, on some condition.
pub(crate) fn trust(account: &str, condition: &str) -> String {
    let condition =
        if condition.is_empty() { String::new() } else { format!(",\"Condition\":{condition}") };
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{{"RAM":["acs:ram::{account}:root"]}}{condition}}}]}}"#
    )
}

pub(crate) fn allow(action: &str) -> String {
    ALLOW_ALL.replace("\"Action\":\"*\"", &format!("\"Action\":\"{action}\""))
}

/// Makes a role, or makes it again: then it is another one.
pub(crate) async fn role(
    world: &World,
    of: &Party,
    name: &str,
    trust: &str,
    policies: &[&str],
) -> String {
    let (account, name): (_, RoleName) = (&of.account, name.parse().unwrap());
    let mut tx = world.node.store.write().await.unwrap();
    tx.delete_role(account, &name).await.unwrap();
    let role = Role {
        account: account.clone(),
        name: name.clone(),
        id: format!("2{:017}", World::unique()),
        description: String::new(),
        trust: trust.to_owned(),
        max_session: 7200,
        console_login: false,
        created: NOW,
        updated: NOW,
    };
    assert!(tx.insert_role(&role).await.unwrap());
    for document in policies {
        let own = format!("{name}-{}", World::unique()).parse().unwrap();
        let policy = CustomPolicy::new(account.clone(), own, NOW);
        tx.insert_custom_policy(&policy, document).await.unwrap();
        let policy = Attachment { kind: PolicyType::Custom, policy: policy.name };
        let held = yaoku_store::Held { policy, attached: NOW };
        tx.attach(account, &Holder::Role(name.clone()), &held).await.unwrap();
    }
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    format!("acs:ram::{account}:role/{name}")
}

/// Asks for a session.
async fn ask(world: &World, by: &Party, role: &str, more: &[(&str, &str)]) -> Answer {
    let all = [&[("RoleArn", role), ("RoleSessionName", "a-session")], more].concat();
    world.call(by, "AssumeRole", &all).await
}

/// Begins one.
async fn begin(world: &World, by: &Party, role: &str, more: &[(&str, &str)]) -> Party {
    let answer = ask(world, by, role, more).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |name: &str| answer.text(&format!("/Credentials/{name}"));
    let token = Some(text("SecurityToken"));
    let key = Key { id: text("AccessKeyId"), secret: text("AccessKeySecret"), token };
    let account = role.split(':').nth(3).unwrap().parse().unwrap();
    Party { account, key }
}

pub(crate) fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

async fn who_may_not_take_a_role_on_is_refused(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let open = trust(root.account.as_str(), "");
    let (deploy, absent) =
        (role(&world, &root, "deploy", &open, &[]).await, open_arn(&root, "absent"));
    let closed = role(&world, &root, "closed", &trust("42", ""), &[]).await;
    let denying = open.replace("Allow", "Deny").replace("},", "}");
    let denying = role(&world, &root, "denying", &denying, &[]).await;
    let nobody = world.user(&root, "nobody", &[]).await;
    let denied = world.user(&root, "denied", &[ALLOW_ALL, DENY_ALL]).await;
    let of_others = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
            "Resource":"acs:ram:*:{}:role/other"}}]}}"#,
        root.account
    );
    let other = world.user(&root, "other", &[&of_others]).await;
    let before = world.state().await;
    for by in [&root, &nobody, &denied, &other] {
        for role in [&deploy, &closed, &absent] {
            let answer = ask(&world, by, role, &[]).await;
            assert_eq!(told(&answer), (403, "NoPermission".to_owned()), "{role}: {answer:?}");
        }
    }
    let able = world.user(&root, "able", &[&allow("sts:AssumeRole")]).await;
    for role in [&closed, &denying] {
        assert_eq!(ask(&world, &able, role, &[]).await.code(), "NoPermission", "{role}");
    }
    let answer = ask(&world, &able, &absent, &[]).await;
    assert_eq!(told(&answer), (404, "EntityNotExist.Role".to_owned()));
    assert_eq!(ask(&world, &able, &deploy, &[]).await.status, 200);
    let mut after = world.state().await;
    // The two users since.
    for (table, rows) in &mut after {
        rows.retain(|it| !it.contains("able") || before[table].contains(it));
    }
    for table in ["roles", "groups", "keys"] {
        assert_eq!(after.get(table), before.get(table));
    }
    world.stop().await.events_equal_answers().await;
}

pub(crate) fn open_arn(of: &Party, name: &str) -> String {
    format!("acs:ram::{}:role/{name}", of.account)
}

async fn what_is_wrong_with_a_request_is_said(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let deploy = role(&world, &root, "deploy", &trust(root.account.as_str(), ""), &[]).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let long = allow("kms:*").replace("\"Version\"", &format!("{}\"Version\"", " ".repeat(2000)));
    for (name, value, code) in [
        ("RoleArn", "deploy", "InvalidParameter.RoleArn"),
        ("RoleArn", "acs:ram::1:user/a", "InvalidParameter.RoleArn"),
        ("RoleArn", "", "MissingParameter"),
        ("RoleSessionName", "a", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "a b", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "", "MissingParameter"),
        ("DurationSeconds", "899", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "7201", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "43201", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "1h", "InvalidParameter.DurationSeconds"),
        ("Policy", "{}", "InvalidParameter.PolicyGrammar"),
        ("Policy", &long, "InvalidParameter.PolicySize"),
        ("ExternalId", "a", "InvalidParameter"),
        ("ExternalId", "a b", "InvalidParameter"),
        ("SourceIdentity", "acs:root", "InvalidParameter"),
        ("SourceIdentity", "x", "InvalidParameter"),
    ] {
        let mut sent = vec![("RoleArn", &*deploy), ("RoleSessionName", "a-session"), (name, value)];
        let last = sent.len() - 1;
        if let Some(at) = sent[..last].iter().position(|it| it.0 == name) {
            sent.remove(at);
        }
        let answer = world.call(&user, "AssumeRole", &sent).await;
        assert_eq!(answer.code(), code, "{name}={value}: {answer:?}");
    }
    let answer = ask(&world, &user, &deploy, &[("DurationSeconds", "899")]).await;
    assert_eq!(answer.message(), "The Min/Max value of DurationSeconds is 15min/2hr.");
    let answer = ask(&world, &user, &deploy, &[("DurationSeconds", "7201")]).await;
    assert_eq!(answer.message(), "The Min/Max value of DurationSeconds is 15min/2hr.");
    let answer = ask(&world, &user, &deploy, &[("DurationSeconds", "7200")]).await;
    assert_eq!(answer.text("/Credentials/Expiration"), "2026-01-02T05:04:05Z");
    world.stop().await.events_equal_answers().await;
}

async fn what_another_account_has_is_not_told(database: Database) {
    let world = World::new(database).await;
    let (owner, guest) = (world.account().await, world.account().await);
    let trusted = trust(guest.account.as_str(), "");
    let shared = role(&world, &owner, "shared", &trusted, &[&allow("kms:ListKeys")]).await;
    let own = role(&world, &owner, "own", &trust(owner.account.as_str(), ""), &[]).await;
    let able = world.user(&guest, "able", &[ALLOW_ALL]).await;
    let unable = world.user(&guest, "unable", &[]).await;
    let refused = (403, "NoPermission".to_owned());
    for role in [&own, &open_arn(&owner, "absent"), "acs:ram::99:role/absent"] {
        assert_eq!(told(&ask(&world, &able, role, &[]).await), refused, "{role}");
    }
    assert_eq!(told(&ask(&world, &unable, &shared, &[]).await), refused);
    assert_eq!(told(&ask(&world, &guest, &shared, &[]).await), refused, "root has no sessions");
    let session = begin(&world, &able, &shared, &[]).await;
    let who = world.done(&session, "GetCallerIdentity", &[]).await;
    assert_eq!(who.text("/AccountId"), owner.account.as_str());
    world.done(&session, "ListKeys", &[]).await;
    world.stop().await.events_equal_answers().await;
}

async fn a_trust_policy_looks_at_what_is_presented(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let account = root.account.as_str();
    for (condition, served) in [
        (r#"{"Bool":{"acs:MFAPresent":"true"}}"#, false),
        (r#"{"Bool":{"acs:SecureTransport":"true"}}"#, false),
        (r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#, false),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"}}"#, false),
        (r#"{"StringEquals":{"oidc:sub":"alice"}}"#, false),
        (r#"{"IpAddress":{"acs:SourceIp":"127.0.0.0/8"}}"#, true),
    ] {
        let asked = role(&world, &root, "asked", &trust(account, condition), &[]).await;
        let code = if served { "" } else { "NoPermission" };
        assert_eq!(ask(&world, &user, &asked, &[]).await.code(), code, "{condition}");
    }
    let condition = r#"{"StringEquals":{"sts:ExternalId":"customer:42"}}"#;
    let asked = role(&world, &root, "asked", &trust(account, condition), &[]).await;
    for (external_id, code) in
        [(None, "NoPermission"), (Some("customer:43"), "NoPermission"), (Some("customer:42"), "")]
    {
        let more: Vec<_> = external_id.map(|it| ("ExternalId", it)).into_iter().collect();
        assert_eq!(ask(&world, &user, &asked, &more).await.code(), code, "{external_id:?}");
    }
    world.stop().await.events_equal_answers().await;
}

async fn a_token_is_good_for_its_own_access_key_here_and_no_other(database: Database) {
    let (world, elsewhere) = (World::new(database).await, World::new(database).await);
    let mut sessions = Vec::new();
    for world in [&world, &elsewhere] {
        let root = world.account().await;
        let open = role(world, &root, "r", &trust(root.account.as_str(), ""), &[ALLOW_ALL]).await;
        let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
        sessions.push(begin(world, &user, &open, &[]).await);
        sessions.push(begin(world, &user, &open, &[]).await);
    }
    let root = world.account().await;
    let [good, other, foreign] = [&sessions[0].key, &sessions[1].key, &sessions[2].key];
    let token = good.token.clone().unwrap();
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let changed = format!("{}{last}{last}", &token[..token.len() - 2]);
    let with = |token: Option<&String>| Key { token: token.cloned(), ..good.clone() };
    let wrong = Key { secret: "not the secret of this key".to_owned(), ..good.clone() };
    for _ in 0..2 {
        for scheme in [Scheme::V1, Scheme::V3] {
            for (key, code) in [
                (&with(None), "MissingSecurityToken"),
                (&with(Some(&"CAIS-invented".to_owned())), "InvalidSecurityToken.Malformed"),
                (&with(Some(&changed)), "InvalidSecurityToken.Malformed"),
                (&with(other.token.as_ref()), "InvalidSecurityToken.MismatchWithAccessKey"),
                (foreign, "InvalidSecurityToken.Malformed"),
                (&wrong, "SignatureDoesNotMatch"),
            ] {
                let request = world.outbound(scheme, "ListKeys", &[]).sign(key);
                let answer = world.send(&request, false).await;
                assert_eq!(told(&answer), (400, code.to_owned()), "{scheme:?}");
                assert!(!answer.body.contains(&token[..40]), "{answer:?}");
            }
            let request = world.outbound(scheme, "ListKeys", &[]).sign(good);
            assert_eq!(world.send(&request, true).await.status, 200);
            // A long-lived key has no token.
            let long_lived = Key { token: good.token.clone(), ..root.key.clone() };
            let request = world.outbound(scheme, "ListKeys", &[]).sign(&long_lived);
            let answer = world.send(&request, false).await;
            let mismatch = "InvalidSecurityToken.MismatchWithAccessKey".to_owned();
            assert_eq!(told(&answer), (400, mismatch), "{scheme:?}");
        }
    }
    elsewhere.stop().await;
    world.stop().await.events_equal_answers().await;
}

async fn a_session_may_do_what_its_role_and_its_policy_both_allow(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let key = ("KeyId", things.key.as_str());
    let open = trust(root.account.as_str(), "");
    let rights = [&*allow("kms:Encrypt"), &*allow("kms:DescribeKey")];
    let deploy = role(&world, &root, "deploy", &open, &rights).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let narrow = [("Policy", &*allow("kms:*").replace("kms:*", "kms:D*"))];
    let (whole, narrowed) =
        (begin(&world, &user, &deploy, &[]).await, begin(&world, &user, &deploy, &narrow).await);
    let encrypt = [key, ("Plaintext", "any text")];
    for (by, encrypts) in [(&whole, true), (&narrowed, false)] {
        let (code, status) = if encrypts { ("", 200) } else { ("Forbidden.NoPermission", 403) };
        let answer = world.call(by, "Encrypt", &encrypt).await;
        assert_eq!(told(&answer), (status, code.to_owned()));
        world.done(by, "DescribeKey", &[key]).await;
        // The one who began it might; the role may not.
        let answer = world.call(by, "Decrypt", &[("CiphertextBlob", &things.blob)]).await;
        assert_eq!(answer.code(), "Forbidden.NoPermission");
    }
    // The long-lived key that began it is not what it stands on.
    let mut tx = world.node.store.write().await.unwrap();
    let id = user.key.id.parse().unwrap();
    tx.set_access_key_active(&id, false).await.unwrap();
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    world.done(&whole, "Encrypt", &encrypt).await;
    world.stop().await.events_equal_answers().await;
}

/// A Deny counts where the session's policy says nothing, but allows something else that would do.
async fn a_session_policy_hides_no_deny_of_the_role(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let account = root.account.as_str();
    let open = trust(account, "");
    let deny = |action: &str, resource: &str| {
        let all = allow(action).replace("Allow", "Deny");
        all.replace("\"Resource\":\"*\"", &format!("\"Resource\":\"{resource}\""))
    };
    let rights = [
        ALLOW_ALL,
        &*deny("ram:CreateUser", &format!("acs:ram:*:{account}:user/admin-*")),
        &*deny("kms:TagResource", "*"),
    ];
    let deploy = role(&world, &root, "deploy", &open, &rights).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let narrow = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow",
            "Action":["ram:CreateUser","kms:TagResources"],
            "Resource":["acs:ram:*:{account}:user/?","acs:kms:*:*:*"]}}]}}"#
    );
    let narrowed = begin(&world, &user, &deploy, &[("Policy", &narrow)]).await;
    let before = world.state().await;
    let made = world.call(&narrowed, "CreateUser", &[("UserName", "admin-x")]).await;
    assert_eq!(made.code(), "NoPermission");
    let tags = [
        ("RegionId", "cn-hangzhou"),
        ("ResourceType", "key"),
        ("ResourceId.1", things.key.as_str()),
        ("Tag.1.Key", "a"),
        ("Tag.1.Value", "b"),
    ];
    let tagged = world.call(&narrowed, "TagResources", &tags).await;
    assert_eq!(tagged.code(), "Forbidden.NoPermission");
    assert_eq!(world.state().await, before);
    world.stop().await.events_equal_answers().await;
}

async fn what_tags_another_accounts_role_has_is_not_told(database: Database) {
    let world = World::new(database).await;
    let (owner, guest) = (world.account().await, world.account().await);
    let own = role(&world, &owner, "own", &trust(owner.account.as_str(), ""), &[]).await;
    let spec = operation(Product::Ram, "TagResources").unwrap().spec;
    let tags = params(&[
        ("ResourceType", "role"),
        ("ResourceNames.1", "own"),
        ("Tag.1.Key", "env"),
        ("Tag.1.Value", "prod"),
    ]);
    assert_eq!(world.call_of(&owner, spec, &tags).await.status, 200);
    let if_tagged = |value: &str| {
        let condition =
            format!(r#","Condition":{{"StringEquals":{{"acs:ResourceTag/env":"{value}"}}}}}}"#);
        allow("sts:AssumeRole").replacen('}', &condition, 1)
    };
    let right = world.user(&guest, "right", &[&if_tagged("prod")]).await;
    let wrong = world.user(&guest, "wrong", &[&if_tagged("test")]).await;
    let said = async |by: &Party| {
        let answer = ask(&world, by, &own, &[]).await;
        let detail = |name: &str| answer.text(&format!("/AccessDeniedDetail/{name}")).clone();
        (told(&answer), detail("PolicyType"), detail("NoPermissionType"))
    };
    assert_eq!(said(&right).await, said(&wrong).await);
    world.stop().await.events_equal_answers().await;
}

async fn a_session_is_over_when_its_time_is_up_or_its_role_is_another(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let open = trust(root.account.as_str(), "");
    let deploy = role(&world, &root, "deploy", &open, &[ALLOW_ALL]).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let over = (400, "InvalidSecurityToken.Expired".to_owned());
    let list = async |by: &Party, known| {
        // A shared store's lease is renewed by polls.
        loop {
            let request = world.outbound(Scheme::V3, "ListKeys", &[]).sign(&by.key);
            let answer = world.send(&request, known).await;
            if answer.status != 503 {
                break told(&answer);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let first = begin(&world, &user, &deploy, &[]).await;
    assert_eq!(list(&first, true).await.0, 200);
    // Made again under its old name, it is not the role that was taken on.
    role(&world, &root, "deploy", &open, &[ALLOW_ALL]).await;
    assert_eq!(list(&first, false).await, over);
    let second = begin(&world, &user, &deploy, &[("DurationSeconds", "900")]).await;
    assert_eq!(list(&second, true).await.0, 200);
    let mut tx = world.node.store.write().await.unwrap();
    tx.delete_role(&root.account, &"deploy".parse().unwrap()).await.unwrap();
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    assert_eq!(list(&second, false).await, over);
    role(&world, &root, "deploy", &open, &[ALLOW_ALL]).await;
    let third = begin(&world, &user, &deploy, &[("DurationSeconds", "900")]).await;
    world.clock.advance_seconds(899);
    assert_eq!(list(&third, true).await.0, 200);
    world.clock.advance_seconds(1);
    assert_eq!(list(&third, false).await, over);
    world.stop().await;
}

async fn what_is_taken_from_a_role_is_taken_from_its_sessions(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let open = trust(root.account.as_str(), "");
    let deploy = role(&world, &root, "deploy", &open, &[ALLOW_ALL]).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let session = begin(&world, &user, &deploy, &[]).await;
    world.done(&session, "ListKeys", &[]).await;
    let name: RoleName = "deploy".parse().unwrap();
    let holder = Holder::Role(name.clone());
    let mut tx = world.node.store.write().await.unwrap();
    for held in tx.held_policies(&root.account, &holder).await.unwrap() {
        assert!(tx.detach(&root.account, &holder, &held.policy).await.unwrap());
    }
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    let answer = world.call(&session, "ListKeys", &[]).await;
    assert_eq!(answer.code(), "Forbidden.NoPermission");
    // Whom it trusts is asked when a session begins: this one stays, the next does not begin.
    let mut tx = world.node.store.write().await.unwrap();
    let mut changed = tx.role(&root.account, &name).await.unwrap().unwrap();
    changed.trust = trust("42", "");
    tx.update_role(&changed).await.unwrap();
    world.node.caches.apply(&tx.commit().await.unwrap().changes);
    world.done(&session, "GetCallerIdentity", &[]).await;
    assert_eq!(ask(&world, &user, &deploy, &[]).await.code(), "NoPermission");
    world.stop().await.events_equal_answers().await;
}

async fn a_session_begun_by_a_session_is_short_and_hides_nobody(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let first = role(&world, &root, "a", &trust(root.account.as_str(), ""), &[ALLOW_ALL]).await;
    let trusting = trust(root.account.as_str(), "").replace(":root", ":role/a");
    let second = role(&world, &root, "b", &trusting, &[ALLOW_ALL]).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    assert_eq!(ask(&world, &user, &second, &[]).await.code(), "NoPermission");
    let narrow = allow("kms:*");
    let narrowed = begin(&world, &user, &first, &[("Policy", &narrow)]).await;
    assert_eq!(ask(&world, &narrowed, &second, &[]).await.code(), "NoPermission");
    let behind = ("SourceIdentity", "alice@example.com");
    let session = begin(&world, &user, &first, &[behind, ("DurationSeconds", "7200")]).await;
    let answer = ask(&world, &session, &second, &[("DurationSeconds", "3601")]).await;
    assert_eq!(answer.code(), "InvalidParameter.DurationSeconds");
    let answer = ask(&world, &session, &second, &[("SourceIdentity", "bob")]).await;
    assert_eq!(answer.code(), "InvalidParameter");
    for more in [&[][..], &[behind]] {
        let answer = ask(&world, &session, &second, more).await;
        assert_eq!((answer.status, answer.text("/SourceIdentity").as_str()), (200, behind.1));
    }
    world.stop().await.events_equal_answers().await;
}

async fn everybody_is_told_who_they_are(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let account = root.account.as_str();
    let deploy = role(&world, &root, "deploy", &trust(account, ""), &[]).await;
    let user = world.user(&root, "alice", &[&allow("sts:AssumeRole")]).await;
    let session = begin(&world, &user, &deploy, &[]).await;
    for (by, kind, arn, id) in [
        (&root, "Account", "root", None),
        (&user, "RAMUser", "user/alice", Some("UserId")),
        (&session, "AssumedRoleUser", "assumed-role/deploy/a-session", Some("RoleId")),
    ] {
        let told = world.done(by, "GetCallerIdentity", &[]).await;
        assert_eq!(told.text("/IdentityType"), kind);
        assert_eq!(told.text("/AccountId"), account);
        assert_eq!(told.text("/Arn"), format!("acs:ram::{account}:{arn}"));
        let id = id.map_or(account.to_owned(), |it| told.text(&format!("/{it}")));
        let expected = if kind == "AssumedRoleUser" { format!("{id}:a-session") } else { id };
        assert_eq!(told.text("/PrincipalId"), expected);
        assert_eq!(told.json()["UserId"].is_null(), kind != "RAMUser");
    }
    world.stop().await.events_equal_answers().await;
}

async fn the_journal_tells_who_is_behind_a_session(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let open = trust(root.account.as_str(), "");
    let deploy = role(&world, &root, "deploy", &open, &[ALLOW_ALL]).await;
    let user = world.user(&root, "alice", &[ALLOW_ALL]).await;
    let session = begin(&world, &user, &deploy, &[]).await;
    world.done(&session, "ListKeys", &[]).await;
    let named = begin(&world, &user, &deploy, &[("SourceIdentity", "alice@corp")]).await;
    world.done(&named, "ListAliases", &[]).await;
    world.done(&named, "CreateKey", &[]).await;
    let further = begin(&world, &named, &deploy, &[]).await;
    world.done(&further, "ListSecrets", &[]).await;
    let sent = params(&[("RoleArn", &deploy), ("RoleSessionName", "a-session")]);
    let refused = world.call_with(&root, "AssumeRole", &sent).await;
    assert_eq!(refused.status, 403);
    let stopped = world.stop().await;
    let events = stopped.events().await;
    let of = |action: &str| events.iter().filter(|it| it.action == action).collect::<Vec<_>>();
    let [begun, .., denied] = of("sts:AssumeRole")[..] else { panic!("{events:?}") };
    let made = format!("acs:ram::{}:accesskey/{}", root.account, session.key.id);
    assert_eq!(begun.resources, [deploy.clone(), made]);
    assert_eq!(begun.principal, "user/alice");
    assert_eq!((&denied.resources[..], denied.status), (&[deploy][..], 403));
    let later = of("kms:ListKeys")[0];
    assert_eq!(later.principal, "assumed-role/deploy/a-session");
    assert_eq!(later.access_key.as_ref().unwrap().as_str(), session.key.id);
    let behind = |action: &str| of(action)[0].source_identity.as_deref();
    assert_eq!((behind("kms:ListKeys"), behind("sts:AssumeRole")), (None, None));
    for action in ["kms:ListAliases", "kms:CreateKey", "kms:ListSecrets"] {
        assert_eq!(behind(action), Some("alice@corp"), "{action}");
    }
    stopped.events_equal_answers().await;
}
