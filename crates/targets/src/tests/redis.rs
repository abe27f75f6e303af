//! What Redis alone has.

use std::process::Command;

use yaoku_model::target::Engine;

use super::{enters, is_only, lacks, named, secret, set};
use crate::{
    Fault, Rights, connect,
    testing::{TestServer, login},
};

/// The rules of an account, without its passwords, and without a flag that is what none is too.
fn rules(server: &TestServer, user: &str) -> String {
    let list = server.run("ACL LIST");
    let line =
        list.lines().find_map(|it| it.strip_prefix(&format!("user {user} ")).map(str::to_owned));
    let words = line.unwrap_or_default();
    let counts = |it: &&str| !it.starts_with('#') && *it != "sanitize-payload";
    words.split(' ').filter(counts).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_clone_has_the_rules_of_its_model_and_a_password_of_its_own() {
    let server = TestServer::redis();
    let model =
        "ACL SETUSER model on >m ~a:* %R~b:* resetchannels &c -@all +get +@write +config|get (";
    server.run(&model.replace(' ', "\t").replace('(', "(~z +set)\t(&d +publish)"));
    let like = Rights::Like("model".to_owned());
    assert_eq!(set(server, "model_clone", "c", &like).await, Ok(()));
    assert_eq!(rules(server, "model_clone"), rules(server, "model"));
    for rule in ["%R~b:*", "(~z ", "+publish)", "+config|get"] {
        assert!(rules(server, "model_clone").contains(rule), "{rule}");
    }
    assert!(enters(server, "model_clone", "c").await);
    assert!(!enters(server, "model_clone", "m").await);
    // A name is not found by how it begins.
    let like = Rights::Like("mod".to_owned());
    assert_eq!(set(server, "x", "c", &like).await, Err(Fault::NoAccount("mod".to_owned())));
}

#[tokio::test]
async fn the_vendor_s_words_give_what_they_say() {
    let server = TestServer::redis();
    for (word, writes) in [("RoleReadOnly", false), ("RoleReadWrite", true)] {
        assert_eq!(set(server, word, "p", &named(word)).await, Ok(()));
        for allowed in ["GET a", "PING", "INFO", "KEYS x*", "EXISTS a", "CLIENT SETNAME me"] {
            let done = server.run_as(word, "p", allowed);
            assert!(done.is_ok(), "{word} {allowed}: {done:?}");
        }
        assert_eq!(server.run_as(word, "p", "SET a b").is_ok(), writes, "{word}");
        assert_eq!(server.run_as(word, "p", "EVAL return(1) 0").is_ok(), writes, "{word}");
        for refused in ["ACL LIST", "CONFIG GET *", "FLUSHALL", "SHUTDOWN", "MONITOR"] {
            let done = server.run_as(word, "p", refused);
            assert!(done.is_err_and(|it| it.contains("NOPERM")), "{word} {refused}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_there_keeps_its_rules_and_has_one_password() {
    let server = TestServer::redis();
    server.run("ACL SETUSER kept on nopass ~k -@all +get");
    assert_eq!(set(server, "kept", "n", &named("RoleReadWrite")).await, Ok(()));
    assert_eq!(rules(server, "kept"), rules(server, "kept").replace("+@all", ""));
    assert!(enters(server, "kept", "n").await);
    assert!(!enters(server, "kept", "anything").await, "it needed none before");
}

#[tokio::test]
async fn what_is_set_is_saved_to_either_file() {
    for settings in ["", "aclfile DIR/users"] {
        let server = TestServer::start(Engine::Redis, settings);
        assert_eq!(set(&server, "lasting", "p", &named("RoleReadOnly")).await, Ok(()));
        let file = if settings.is_empty() { "redis.conf" } else { "users" };
        let dir = server.run("CONFIG GET dir").lines().last().unwrap().to_owned();
        let saved = std::fs::read_to_string(format!("{dir}/{file}")).unwrap();
        assert!(saved.contains("user lasting on"), "{file}: {saved}");
    }
}

#[tokio::test]
async fn a_server_that_would_forget_its_accounts_is_refused() {
    let server = TestServer::start(Engine::Redis, "none");
    let fault = set(&server, "forgotten", "p", &named("RoleReadOnly")).await.unwrap_err();
    assert!(matches!(&fault, Fault::Failed(it) if it.contains("aclfile")), "{fault}");
}

#[tokio::test]
async fn a_replica_takes_no_changes() {
    let server = TestServer::start(Engine::Redis, "");
    server.run("REPLICAOF 127.0.0.1 1");
    let done = set(&server, "app", "p", &named("RoleReadOnly")).await;
    assert!(matches!(done, Err(Fault::ReadOnly(_))), "{done:?}");
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    assert_eq!(admin.has_account("app").await, Ok(false));
}

#[tokio::test]
async fn an_administrator_who_may_not_is_told_so() {
    let server = TestServer::redis();
    server.run("ACL SETUSER powerless on >p ~* +@all -@admin");
    server.run("ACL SETUSER halfway on >p ~* +@all -acl|setuser");
    for user in ["powerless", "halfway"] {
        let mut admin = connect(&server.target(), &login(user, "p")).await.unwrap();
        let done = admin.set_password("x", &secret("hidden"), &named("RoleReadOnly")).await;
        let fault = done.unwrap_err();
        assert!(matches!(fault, Fault::NotPermitted(_)), "{fault}");
        assert!(!fault.to_string().contains("hidden"), "{fault}");
    }
}

#[tokio::test]
async fn what_is_not_answered_is_given_up_and_may_be_done_again() {
    let server = TestServer::start(Engine::Redis, "");
    let info = server.run("INFO server");
    let process = info.lines().find_map(|it| it.trim().strip_prefix("process_id:")).unwrap();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, process]).status().unwrap().success());
    };
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    signal("-STOP");
    tokio::time::pause();
    let done = admin.set_password("late", &secret("p"), &named("RoleReadOnly")).await;
    signal("-CONT");
    assert_eq!(done, Err(Fault::TimedOut));
    tokio::time::resume();
    assert_eq!(set(&server, "late", "p", &named("RoleReadOnly")).await, Ok(()));
    assert!(enters(&server, "late", "p").await);
}

#[tokio::test]
async fn one_database_alone_cannot_be_given() {
    let database = Some("0".to_owned());
    let rights = Rights::Named { privilege: "RoleReadOnly".to_owned(), database };
    let done = set(TestServer::redis(), "narrow", "p", &rights).await;
    assert_eq!(done, Err(Fault::Unsupported));
}

#[tokio::test]
async fn what_an_administrator_lacks_is_seen_beforehand() {
    let server = TestServer::redis();
    server.run("ACL SETUSER plain on >p ~* +@all -@admin");
    server.run("ACL SETUSER nearly on >p ~* -@all +acl +config|rewrite -acl|setuser");
    server.run("ACL SETUSER enough on >p ~* -@all +acl +role +config|rewrite");
    let found = lacks(server, &login("plain", "p")).await;
    is_only(&found, "NotPermitted", "may not use ACL", true);
    let found = lacks(server, &login("nearly", "p")).await;
    is_only(&found, "NotPermitted", "may not use ROLE, ACL SETUSER", true);
    assert_eq!(found[0].remedy, "ACL SETUSER nearly +acl +role +config|rewrite");
    assert_eq!(lacks(server, &login("enough", "p")).await, []);
    assert_eq!(set(server, "x", "p", &named("RoleReadOnly")).await, Ok(()), "it still can");
}

#[tokio::test]
async fn a_server_that_would_forget_its_accounts_is_seen_beforehand() {
    let server = TestServer::start(Engine::Redis, "none");
    is_only(&lacks(&server, &server.admin()).await, "Failed", "forgets its accounts", true);
    let server = TestServer::start(Engine::Redis, "aclfile DIR/users");
    assert_eq!(lacks(&server, &server.admin()).await, []);
    server.run("REPLICAOF 127.0.0.1 1");
    is_only(&lacks(&server, &server.admin()).await, "ReadOnly", "it is a replica", true);
}
