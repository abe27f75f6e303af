//! What is taken away at one of two nodes on one PostgreSQL is gone at the other with the answer: the very
//! next call there is refused. A node that hangs costs a bounded time, and answers nothing from the past.

use std::time::Duration;

use tokio::time::Instant;
use yaoku_server::lease::Lease;
use yaoku_store::testing;

use crate::{
    sessions::{allow, role, trust},
    support::{ALLOW_ALL, DENY_ALL, Database, Party, Stall, World, client::Answer},
};

/// How often what is taken away is given back, and taken again.
const ROUNDS: usize = 50;

/// Two nodes and an account that both know.
async fn two() -> (World, World, Party) {
    let one = World::new(Database::Postgres).await;
    let root = one.account().await;
    let two = one.beside().await;
    (one, two, root)
}

/// A call: who, which, with what.
struct Call<'a>(&'a Party, &'a str, &'a [(&'a str, &'a str)]);

impl Call<'_> {
    async fn at(&self, world: &World) -> Answer {
        world.call(self.0, self.1, self.2).await
    }

    async fn done_at(&self, world: &World) {
        world.done(self.0, self.1, self.2).await;
    }
}

/// Takes it at one node and asks at the other, gives it back at the other and asks at the one, and so on.
/// Nobody waits between.
async fn flip(nodes: [&World; 2], take: Call<'_>, give: Call<'_>, ask: Call<'_>, code: &str) {
    for at in nodes {
        ask.done_at(at).await;
    }
    for round in 0..ROUNDS {
        let (here, there) = (nodes[round % 2], nodes[(round + 1) % 2]);
        take.done_at(here).await;
        for at in [there, here] {
            let answer = ask.at(at).await;
            assert_eq!(answer.code(), code, "round {round} of {}: {answer:?}", take.1);
        }
        give.done_at(there).await;
        for at in [here, there] {
            ask.done_at(at).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_is_disabled_at_one_node_is_used_at_neither() {
    let (one, two, root) = two().await;
    let key = one.done(&root, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let id = [("KeyId", &*key)];
    let ask = [("KeyId", &*key), ("Plaintext", "aGVsbG8=")];
    let (take, give) = (Call(&root, "DisableKey", &id), Call(&root, "EnableKey", &id));
    flip([&one, &two], take, give, Call(&root, "Encrypt", &ask), "Rejected.Disabled").await;
    let days = [("KeyId", &*key), ("PendingWindowInDays", "7")];
    let take = Call(&root, "ScheduleKeyDeletion", &days);
    let give = Call(&root, "CancelKeyDeletion", &id);
    flip([&one, &two], take, give, Call(&root, "Encrypt", &ask), "Rejected.PendingDeletion").await;
    one.stop().await.events_equal_answers().await;
    two.stop().await;
}

#[tokio::test]
async fn an_alias_or_a_secret_that_is_gone_at_one_node_is_found_at_neither() {
    let (one, two, root) = two().await;
    let key = one.done(&root, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let alias = [("AliasName", "alias/a"), ("KeyId", &*key)];
    one.done(&root, "CreateAlias", &alias).await;
    let ask = [("KeyId", "alias/a"), ("Plaintext", "aGVsbG8=")];
    let (take, give) =
        (Call(&root, "DeleteAlias", &alias[..1]), Call(&root, "CreateAlias", &alias));
    let ask = Call(&root, "Encrypt", &ask);
    let code = ask_for(&one, &root, "alias/none").await;
    flip([&one, &two], take, give, ask, &code).await;
    let secret = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "it")];
    one.done(&root, "CreateSecret", &secret).await;
    let take = Call(&root, "DeleteSecret", &secret[..1]);
    let give = Call(&root, "RestoreSecret", &secret[..1]);
    let ask = Call(&root, "GetSecretValue", &secret[..1]);
    flip([&one, &two], take, give, ask, "Rejected.ResourceInDeleteWindow").await;
    one.stop().await;
    two.stop().await;
}

async fn ask_for(at: &World, by: &Party, key: &str) -> String {
    at.call(by, "Encrypt", &[("KeyId", key), ("Plaintext", "aGVsbG8=")]).await.code()
}

#[tokio::test]
async fn a_new_value_of_a_secret_is_the_value_at_the_other_node() {
    let (one, two, root) = two().await;
    let name = ("SecretName", "s");
    one.done(&root, "CreateSecret", &[name, ("VersionId", "v"), ("SecretData", "first")]).await;
    for round in 0..ROUNDS {
        let (here, there) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let value = format!("value {round}");
        let version = format!("v{round}");
        let put = [name, ("VersionId", &version), ("SecretData", &value)];
        here.done(&root, "PutSecretValue", &put).await;
        let answer = there.done(&root, "GetSecretValue", &[name]).await;
        assert_eq!(answer.text("/SecretData"), value);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn an_access_key_that_is_inactive_at_one_node_signs_at_neither() {
    let (one, two, root) = two().await;
    let user = one.user(&root, "u", &[ALLOW_ALL]).await;
    let set = |status| [("UserName", "u"), ("UserAccessKeyId", &*user.key.id), ("Status", status)];
    let (off, on) = (set("Inactive"), set("Active"));
    let take = Call(&root, "UpdateAccessKey", &off);
    let give = Call(&root, "UpdateAccessKey", &on);
    let ask = Call(&user, "ListKeys", &[]);
    // Whoever signs with it is a stranger, and leaves no event of its own.
    for round in 0..ROUNDS {
        let (here, there) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        take.done_at(here).await;
        assert_eq!(ask.at(there).await.code(), "InvalidAccessKeyId.Inactive", "round {round}");
        give.done_at(there).await;
        ask.done_at(here).await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_right_that_is_taken_at_one_node_is_had_at_neither() {
    let (one, two, root) = two().await;
    let user = one.user(&root, "u", &[ALLOW_ALL]).await;
    let ask = || Call(&user, "ListKeys", &[]);
    let policy = |name| [("PolicyType", "Custom"), ("PolicyName", name), ("UserName", "u")];
    let own = policy("User-u-0");
    let take = Call(&root, "DetachPolicyFromUser", &own);
    let give = Call(&root, "AttachPolicyToUser", &own);
    flip([&one, &two], take, give, ask(), "Forbidden.NoPermission").await;

    // Its default version, which denies.
    let deny = [("PolicyName", "User-u-0"), ("PolicyDocument", DENY_ALL)];
    one.done(&root, "CreatePolicyVersion", &deny).await;
    let version = |it| [("PolicyName", "User-u-0"), ("VersionId", it)];
    let (first, second) = (version("v1"), version("v2"));
    let take = Call(&root, "SetDefaultPolicyVersion", &second);
    let give = Call(&root, "SetDefaultPolicyVersion", &first);
    flip([&one, &two], take, give, ask(), "Forbidden.NoPermission").await;

    // What it has as a member.
    one.done(&root, "DetachPolicyFromUser", &own).await;
    one.done(&root, "CreateGroup", &[("GroupName", "g")]).await;
    let of_group = [("PolicyType", "Custom"), ("PolicyName", "User-u-0"), ("GroupName", "g")];
    one.done(&root, "AttachPolicyToGroup", &of_group).await;
    let member = [("UserName", "u"), ("GroupName", "g")];
    one.done(&root, "AddUserToGroup", &member).await;
    let take = Call(&root, "RemoveUserFromGroup", &member);
    let give = Call(&root, "AddUserToGroup", &member);
    flip([&one, &two], take, give, ask(), "Forbidden.NoPermission").await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_policy_of_a_key_is_the_same_at_both() {
    let (one, two, root) = two().await;
    let user = one.user(&root, "u", &[ALLOW_ALL]).await;
    let instance = one.instance(&root).await;
    let made = one.done(&root, "CreateKey", &[("DKMSInstanceId", &instance)]).await;
    let key = made.text("/KeyMetadata/KeyId");
    let account = &root.account;
    let statement = |effect, who: &str| {
        format!(
            r#"{{"Effect":"{effect}","Principal":{{"RAM":["acs:ram::{account}:{who}"]}},"Action":["kms:*"],"Resource":["*"]}}"#
        )
    };
    let owner = statement("Allow", "*");
    let open = format!(r#"{{"Version":"1","Statement":[{owner}]}}"#);
    let closed =
        format!(r#"{{"Version":"1","Statement":[{owner},{}]}}"#, statement("Deny", "user/u"));
    let set = |policy| [("KeyId", &*key), ("PolicyName", "default"), ("Policy", policy)];
    let (off, on) = (set(&closed), set(&open));
    let take = Call(&root, "SetKeyPolicy", &off);
    let give = Call(&root, "SetKeyPolicy", &on);
    let ask = [("KeyId", &*key), ("Plaintext", "aGVsbG8=")];
    flip([&one, &two], take, give, Call(&user, "Encrypt", &ask), "Forbidden.NoPermission").await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn what_is_done_to_a_role_at_one_node_holds_for_its_sessions_at_the_other() {
    let (one, two, root) = two().await;
    let session = one.session(&root, "r", &[ALLOW_ALL], None).await;
    let own = [("PolicyType", "Custom"), ("PolicyName", "Role-r-0"), ("RoleName", "r")];
    let take = Call(&root, "DetachPolicyFromRole", &own);
    let give = Call(&root, "AttachPolicyToRole", &own);
    flip([&one, &two], take, give, Call(&session, "ListKeys", &[]), "Forbidden.NoPermission").await;

    // Who is trusted to take it on.
    let arn = format!("acs:ram::{}:role/r", root.account);
    let by = one.user(&root, "by", &[&allow("sts:*")]).await;
    let begin = [("RoleArn", &*arn), ("RoleSessionName", "one")];
    let (open, closed) = (trust(root.account.as_str(), ""), trust("42", ""));
    let set = |trust| [("RoleName", "r"), ("NewAssumeRolePolicyDocument", trust)];
    let (off, on) = (set(&*closed), set(&*open));
    let (take, give) = (Call(&root, "UpdateRole", &off), Call(&root, "UpdateRole", &on));
    flip([&one, &two], take, give, Call(&by, "AssumeRole", &begin), "NoPermission").await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_role_deleted_at_one_node_ends_its_sessions_at_the_other() {
    let (one, two, root) = two().await;
    for round in 0..ROUNDS / 5 {
        let (here, there) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let name = format!("r{round}");
        let session = here.session(&root, &name, &[ALLOW_ALL], None).await;
        there.done(&session, "ListKeys", &[]).await;
        here.done(&session, "ListKeys", &[]).await;
        let policy = format!("Role-{name}-0");
        let own = [("PolicyType", "Custom"), ("PolicyName", &*policy), ("RoleName", &*name)];
        here.done(&root, "DetachPolicyFromRole", &own).await;
        here.done(&root, "DeleteRole", &[("RoleName", &name)]).await;
        let answer = there.call(&session, "ListKeys", &[]).await;
        assert!(answer.code().starts_with("InvalidSecurityToken"), "round {round}: {answer:?}");
        // One that is made anew under the same name is another one.
        role(here, &root, &name, &trust(root.account.as_str(), ""), &[ALLOW_ALL]).await;
        let answer = there.call(&session, "ListKeys", &[]).await;
        assert!(answer.code().starts_with("InvalidSecurityToken"), "round {round}: {answer:?}");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_node_that_hangs_costs_a_bounded_time_and_answers_nothing_from_the_past() {
    let one = World::new(Database::Postgres).await;
    let root = one.account().await;
    let stall = Stall::default();
    let two = one.beside_stalled_by(&stall).await;
    let key = one.done(&root, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let ask = [("KeyId", &*key), ("Plaintext", "aGVsbG8=")];
    two.done(&root, "Encrypt", &ask).await;
    stall.set(true);
    let began = Instant::now();
    one.done(&root, "DisableKey", &[("KeyId", &key)]).await;
    let took = began.elapsed();
    let lease = Duration::from_millis(Lease::MS.unsigned_abs());
    assert!(took >= lease, "the other had not seen it: {took:?}");
    assert!(took < lease * 4, "it takes a lease and a tenth, and the call: {took:?}");
    // So much time has passed by the other's clock too.
    one.clock.advance_seconds(3);
    let answer = two.call(&root, "Encrypt", &ask).await;
    assert_eq!(answer.code(), "ServiceUnavailableTemporary");
    stall.set(false);
    loop {
        let answer = two.call(&root, "Encrypt", &ask).await;
        if answer.code() != "ServiceUnavailableTemporary" {
            assert_eq!(answer.code(), "Rejected.Disabled");
            break;
        }
        tokio::task::yield_now().await;
    }
    two.done(&root, "EnableKey", &[("KeyId", &key)]).await;
    one.done(&root, "Encrypt", &ask).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_node_that_was_taken_for_dead_enters_again_and_is_waited_for() {
    let (one, two, root) = two().await;
    let key = one.done(&root, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
    let ask = [("KeyId", &*key), ("Plaintext", "aGVsbG8=")];
    for (verb, code) in [("DisableKey", "Rejected.Disabled"), ("EnableKey", "")] {
        testing::execute(&one.url, "DELETE FROM nodes WHERE name = 'two'").await;
        one.done(&root, verb, &[("KeyId", &key)]).await;
        until(&two, "two").await;
        assert_eq!(two.call(&root, "Encrypt", &ask).await.code(), code);
    }
    one.done(&root, "DisableKey", &[("KeyId", &key)]).await;
    assert_eq!(two.call(&root, "Encrypt", &ask).await.code(), "Rejected.Disabled");
    one.stop().await;
    two.stop().await;
}

/// Until a node has a row, and a mark in it.
async fn until(world: &World, name: &str) {
    loop {
        let rows = world.node.store.read().await.unwrap().nodes().await.unwrap();
        let entered = |it: &yaoku_store::NodeRow| it.name == name && it.beat > 0;
        if rows.iter().any(entered) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_node_whose_row_is_anothers_serves_no_more() {
    let (one, two, root) = two().await;
    testing::execute(&one.url, "UPDATE nodes SET run = 'AB elsewhere' WHERE name = 'two'").await;
    while two.node.lease.holds() {
        tokio::task::yield_now().await;
    }
    let answer = two.call(&root, "ListKeys", &[]).await;
    assert_eq!(answer.code(), "ServiceUnavailableTemporary");
    one.stop().await;
    two.kill().await;
}

#[tokio::test]
async fn one_node_alone_waits_for_nothing() {
    for database in [Database::Sqlite, Database::Postgres] {
        let world = World::new(database).await;
        let root = world.account().await;
        assert_eq!(world.node.peers.count(), 0);
        let key = world.done(&root, "CreateKey", &[]).await.text("/KeyMetadata/KeyId");
        let began = Instant::now();
        for _ in 0..10 {
            world.done(&root, "DisableKey", &[("KeyId", &key)]).await;
            world.done(&root, "EnableKey", &[("KeyId", &key)]).await;
        }
        // Twenty waits would be many times as long.
        assert!(began.elapsed() < Duration::from_millis(Lease::MS.unsigned_abs()) * 5);
        world.stop().await.events_equal_answers().await;
    }
}
