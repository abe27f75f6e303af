//! What `MariaDB` alone has.

use yaoku_model::target::Engine;

use super::{enters, is_only, lacks, named, secret, set};
use crate::{
    Fault, Rights, connect,
    mysql::unfinished,
    testing::{TestServer, login},
};

/// The grants of an account, with its name taken out, in order.
fn grants(server: &TestServer, user: &str, host: &str) -> Vec<String> {
    let shown = server.run(&format!("SHOW GRANTS FOR '{user}'@'{host}'"));
    let plain = |line: &str| {
        let line = line.split(" IDENTIFIED BY ").next().unwrap_or(line).to_owned();
        line.replace(user, "X")
    };
    let mut lines: Vec<_> = shown.lines().map(plain).collect();
    lines.sort();
    lines
}

fn in_database(privilege: &str, database: &str) -> Rights {
    Rights::Named { privilege: privilege.to_owned(), database: Some(database.to_owned()) }
}

/// Whether no account is there that was only made to become this one.
fn nothing_is_left(server: &TestServer, user: &str) -> bool {
    let half = unfinished(user);
    server.run(&format!("SELECT COUNT(*) FROM mysql.user WHERE User LIKE '{half}%'")) == "0"
}

#[tokio::test]
async fn a_clone_has_the_rights_terms_and_hosts_of_its_model() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE DATABASE shop_1; CREATE TABLE shop_1.`it's ``odd`` TO x` (a INT, b INT); \
         CREATE ROLE clerk; GRANT SELECT ON shop_1.* TO clerk; \
         CREATE USER model@'%' IDENTIFIED BY 'm' REQUIRE SSL WITH MAX_USER_CONNECTIONS 7; \
         CREATE USER model@'10.0.0.%' IDENTIFIED BY 'm'; \
         GRANT SELECT, INSERT ON `shop\\_1`.* TO model@'%' WITH GRANT OPTION; \
         GRANT UPDATE (b) ON shop_1.`it's ``odd`` TO x` TO model@'%'; \
         GRANT PROCESS ON *.* TO model@'10.0.0.%'; \
         GRANT clerk TO model@'%' WITH ADMIN OPTION; SET DEFAULT ROLE clerk FOR model@'%'",
    );
    let like = Rights::Like("model".to_owned());
    assert_eq!(set(server, "model_clone", "c'1", &like).await, Ok(()));
    for host in ["%", "10.0.0.%"] {
        assert_eq!(grants(server, "model_clone", host), grants(server, "model", host));
    }
    let terms = |user: &str| {
        server.run(&format!(
            "SELECT Host, ssl_type, max_user_connections, default_role FROM mysql.user \
             WHERE User = '{user}' ORDER BY Host"
        ))
    };
    assert_eq!(terms("model_clone"), terms("model"));
    assert!(terms("model").contains("ANY\t7\tclerk"), "{}", terms("model"));
    assert!(nothing_is_left(server, "model_clone"));
}

#[tokio::test]
async fn an_account_that_was_half_made_is_made_anew() {
    let server = TestServer::mariadb();
    let (half, others) = (unfinished("halved_clone"), unfinished("other_clone"));
    // One as it was called before each making had a name of its own.
    server.run(&format!(
        "CREATE USER halved@'%' IDENTIFIED BY 'h'; GRANT SELECT ON mysql.* TO halved@'%'; \
         CREATE USER `{half}abcdef`@'%', `{half}abcdef`@'1.2.3.4', `{half}123456`@'%', `{half}`@'%'; \
         GRANT SUPER ON *.* TO `{half}abcdef`@'%'; CREATE USER `{others}abcdef`@'%'"
    ));
    let like = Rights::Like("halved".to_owned());
    assert_eq!(set(server, "halved_clone", "c", &like).await, Ok(()));
    assert_eq!(grants(server, "halved_clone", "%"), grants(server, "halved", "%"));
    assert!(enters(server, "halved_clone", "c").await);
    assert!(nothing_is_left(server, "halved_clone"));
    assert!(!nothing_is_left(server, "other_clone"), "that may be another's work");
}

#[tokio::test]
async fn two_who_make_one_account_at_once_make_it_whole_or_leave_it_to_the_other() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE USER raced@'%' IDENTIFIED BY 'r', raced@'10.%' IDENTIFIED BY 'r'; \
         GRANT SELECT ON mysql.* TO raced@'%'; GRANT PROCESS ON *.* TO raced@'10.%'",
    );
    let like = Rights::Like("raced".to_owned());
    for round in 0..10 {
        let password = format!("c{round}");
        let make = || set(server, "raced_clone", &password, &like);
        let (one, other) = tokio::join!(make(), make());
        for done in [&one, &other] {
            assert!(matches!(done, Ok(()) | Err(Fault::Failed(_))), "{done:?}");
        }
        if one.is_err() && other.is_err() {
            assert_eq!(make().await, Ok(()), "it is done again");
        }
        for host in ["%", "10.%"] {
            assert_eq!(grants(server, "raced_clone", host), grants(server, "raced", host));
        }
        assert!(enters(server, "raced_clone", &password).await);
        assert!(nothing_is_left(server, "raced_clone"));
        server.run("DROP USER raced_clone@'%', raced_clone@'10.%'");
    }
}

#[tokio::test]
async fn an_account_that_is_there_keeps_its_rights_and_gets_one_password_everywhere() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE USER kept@'%' IDENTIFIED BY 'a'; CREATE USER kept@'127.0.0.1' IDENTIFIED BY 'b'; \
         GRANT SELECT ON mysql.* TO kept@'%'; CREATE USER Kept@'%' IDENTIFIED BY 'other'",
    );
    let before = grants(server, "kept", "%");
    assert_eq!(set(server, "kept", "new", &named("ReadWrite")).await, Ok(()));
    assert_eq!(grants(server, "kept", "%"), before);
    let hashes = "SELECT COUNT(DISTINCT authentication_string) FROM mysql.user WHERE User = 'kept'";
    assert_eq!(server.run(hashes), "1");
    assert!(enters(server, "kept", "new").await);
    assert!(enters(server, "Kept", "other").await, "another account with almost that name");
}

#[tokio::test]
async fn accounts_of_one_name_are_one_while_their_passwords_are() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE USER several@'%' IDENTIFIED BY 'a'; CREATE USER several@'10.0.0.%' IDENTIFIED BY 'a'",
    );
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    assert_eq!(admin.is_one_account("several").await, Ok(true));
    server.run("ALTER USER several@'10.0.0.%' IDENTIFIED BY 'b'");
    assert_eq!(admin.is_one_account("several").await, Ok(false));
    assert_eq!(admin.is_one_account("nobody").await, Ok(true));
}

#[tokio::test]
async fn the_vendor_s_words_give_what_they_say_in_one_database() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE DATABASE books_1; CREATE DATABASE booksx1; CREATE TABLE books_1.t (a INT); \
         CREATE TABLE booksx1.t (a INT)",
    );
    // Each word, what it may do, and what not.
    let (read, write, alter) =
        ("SELECT * FROM t", "INSERT INTO t VALUES (1)", "ALTER TABLE t FORCE");
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("ReadOnly", &[read], &[write, alter]),
        ("ReadIndex", &[read, "CREATE OR REPLACE INDEX i ON t (a)"], &[write]),
        ("DMLOnly", &[read, write], &["DROP TABLE t"]),
        ("DDLOnly", &["CREATE OR REPLACE TABLE u (a INT)"], &[read]),
        ("ReadWrite", &[read, write, "CREATE OR REPLACE TABLE u (a INT)", "DROP TABLE u"], &[]),
    ];
    for (word, may, may_not) in cases {
        assert_eq!(set(server, word, "p", &in_database(word, "books_1")).await, Ok(()), "{word}");
        for statement in may {
            let done = server.run_as(word, "p", &format!("USE books_1; {statement}"));
            assert!(done.is_ok(), "{word} {statement}: {done:?}");
        }
        for statement in may_not {
            let done = server.run_as(word, "p", &format!("USE books_1; {statement}"));
            assert!(done.is_err(), "{word} {statement}");
        }
        assert!(server.run_as(word, "p", "USE booksx1").is_err(), "{word}: `_` is no pattern");
    }
}

#[tokio::test]
async fn no_account_is_let_into_what_the_server_keeps_for_itself() {
    let server = TestServer::mariadb();
    for own in ["mysql", "MYSQL", "#mysql50#mysql", "information_schema", "sys"] {
        for word in ["ReadOnly", "Normal"] {
            let done = set(server, "insider", "p", &in_database(word, own)).await;
            assert!(matches!(done, Err(Fault::NotPermitted(_))), "{own}: {done:?}");
        }
    }
    assert_eq!(set(server, "insider", "p", &named("ReadOnly")).await, Err(Fault::Unsupported));
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    assert_eq!(admin.has_account("insider").await, Ok(false));
    assert!(nothing_is_left(server, "insider"));
}

#[tokio::test]
async fn who_has_no_connection_to_spare_has_logged_in_all_the_same() {
    let server = TestServer::mariadb();
    server.run("CREATE USER busy@'%' IDENTIFIED BY 'b' WITH MAX_CONNECTIONS_PER_HOUR 1");
    assert!(enters(server, "busy", "b").await);
    let refused = server.run_as("busy", "b", "SELECT 1");
    assert!(refused.is_err_and(|it| it.contains("1226")));
    assert!(enters(server, "busy", "b").await);
    assert!(!enters(server, "busy", "x").await);
}

#[tokio::test]
async fn an_administrator_who_may_not_is_told_so_and_no_password_is_in_what_is_said() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE USER powerless@'%' IDENTIFIED BY 'p'; CREATE USER reader@'%' IDENTIFIED BY 'p'; \
         GRANT SELECT ON mysql.* TO reader@'%'; CREATE USER victim@'%' IDENTIFIED BY 'v'; \
         CREATE USER maker@'%' IDENTIFIED BY 'p'; GRANT CREATE USER ON *.* TO maker@'%'; \
         GRANT SELECT ON mysql.* TO maker@'%'",
    );
    let rich = in_database("ReadWrite", "shop_9");
    for (user, whom, rights) in [
        ("powerless", "victim", &Rights::Existing),
        ("reader", "victim", &Rights::Existing),
        ("maker", "granted", &rich),
    ] {
        let mut admin = connect(&server.target(), &login(user, "p")).await.unwrap();
        let fault = admin.set_password(whom, &secret("hid'den-word"), rights).await.unwrap_err();
        assert!(matches!(fault, Fault::NotPermitted(_)), "{user}: {fault}");
        assert!(!fault.to_string().contains("den-word"), "{fault}");
    }
    assert!(enters(server, "victim", "v").await);
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    assert_eq!(admin.has_account("granted").await, Ok(false), "no account without its rights");
    assert!(nothing_is_left(server, "granted"));
}

#[tokio::test]
async fn an_administrator_needs_no_more_than_the_documents_say() {
    let server = TestServer::mariadb();
    // `CREATE USER` and `SELECT` on `mysql.*`, and what clones are to have, with the grant option.
    server.run(
        "CREATE DATABASE least_1; CREATE TABLE least_1.t (a INT); \
         CREATE USER least@'%' IDENTIFIED BY 'p'; GRANT CREATE USER ON *.* TO least@'%'; \
         GRANT SELECT ON mysql.* TO least@'%'; \
         GRANT SELECT, INSERT ON least_1.* TO least@'%' WITH GRANT OPTION; \
         CREATE USER clerk_of@'%' IDENTIFIED BY 'm' REQUIRE NONE WITH MAX_USER_CONNECTIONS 5; \
         GRANT SELECT, INSERT ON least_1.* TO clerk_of@'%'",
    );
    let least = login("least", "p");
    let like = Rights::Like("clerk_of".to_owned());
    for password in ["c1", "c2"] {
        let mut admin = connect(&server.target(), &least).await.unwrap();
        assert_eq!(admin.set_password("clerk_clone", &secret(password), &like).await, Ok(()));
        assert!(enters(server, "clerk_clone", password).await);
    }
    assert_eq!(
        grants(server, "clerk_clone", "%").len(),
        grants(server, "clerk_of", "%").len(),
        "the line that gives nothing too"
    );
    let query = "USE least_1; INSERT INTO t VALUES (1); SELECT * FROM t";
    assert_eq!(server.run_as("clerk_clone", "c2", query).as_deref(), Ok("1"));
    assert!(server.run_as("clerk_clone", "c2", "USE least_1; DELETE FROM t").is_err());
    // What it may not grant on, it cannot clone, and leaves nothing half made.
    server.run("GRANT DELETE ON least_1.* TO clerk_of@'%'; DROP USER clerk_clone@'%'");
    let mut admin = connect(&server.target(), &least).await.unwrap();
    let fault = admin.set_password("clerk_clone", &secret("c3"), &like).await.unwrap_err();
    assert!(matches!(fault, Fault::NotPermitted(_)), "{fault}");
    assert_eq!(admin.has_account("clerk_clone").await, Ok(false));
    assert!(nothing_is_left(server, "clerk_clone"));
}

#[tokio::test]
async fn a_replica_and_a_locked_account_say_what_they_are() {
    let server = TestServer::start(Engine::MySql, "--max-user-connections=1");
    server.run(
        "CREATE USER app@'%' IDENTIFIED BY 'a'; CREATE USER locked@'%' IDENTIFIED BY 'l' ACCOUNT LOCK; \
         CREATE USER dba@'%' IDENTIFIED BY 'd'; \
         GRANT CREATE USER ON *.* TO dba@'%'; GRANT SELECT ON mysql.* TO dba@'%'; \
         SET GLOBAL read_only = 1",
    );
    let mut admin = connect(&server.target(), &login("dba", "d")).await.unwrap();
    let fault = admin.set_password("app", &secret("x"), &Rights::Existing).await.unwrap_err();
    assert!(matches!(fault, Fault::ReadOnly(_)) && fault.may_pass(), "{fault}");
    // The one connection that each may have is taken, which is said behind the password.
    assert!(server.run_as("dba", "d", "SELECT 1").is_err_and(|it| it.contains("1203")));
    assert!(enters(&server, "dba", "d").await);
    assert!(!enters(&server, "dba", "x").await);
    // One for whom the server makes an exception is told so too.
    let fault = set(&server, "app", "x", &Rights::Existing).await.unwrap_err();
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault}");
    assert!(enters(&server, "app", "a").await);
    assert!(!enters(&server, "locked", "l").await);
}

#[tokio::test]
async fn what_an_administrator_lacks_is_seen_beforehand() {
    let server = TestServer::mariadb();
    server.run(
        "CREATE USER seer@'%' IDENTIFIED BY 'p'; GRANT SELECT ON mysql.* TO seer@'%' WITH GRANT OPTION; \
         CREATE USER blind@'%' IDENTIFIED BY 'p'; GRANT CREATE USER ON *.* TO blind@'%' WITH GRANT OPTION; \
         CREATE USER modest@'%' IDENTIFIED BY 'p'; GRANT CREATE USER ON *.* TO modest@'%'; \
         GRANT SELECT ON mysql.* TO modest@'%'; \
         CREATE ROLE stewards; GRANT CREATE USER ON *.* TO stewards; \
         GRANT SELECT ON mysql.* TO stewards WITH GRANT OPTION; \
         CREATE USER member@'%' IDENTIFIED BY 'p'; GRANT stewards TO member@'%'; \
         SET DEFAULT ROLE stewards FOR member@'%'",
    );
    let seer = lacks(server, &login("seer", "p")).await;
    is_only(&seer, "NotPermitted", "lacks CREATE USER", true);
    assert_eq!(seer[0].remedy, "GRANT CREATE USER ON *.* TO 'seer'@'%'");
    let blind = lacks(server, &login("blind", "p")).await;
    is_only(&blind, "NotPermitted", "lacks SELECT on mysql.*", true);
    let modest = lacks(server, &login("modest", "p")).await;
    is_only(&modest, "NotPermitted", "grant option", false);
    assert_eq!(lacks(server, &login("member", "p")).await, [], "by a role");
}

#[tokio::test]
async fn a_server_that_is_read_only_is_seen_beforehand() {
    let server = TestServer::start(Engine::MySql, "--read-only=1");
    let found = lacks(&server, &server.admin()).await;
    is_only(&found, "ReadOnly", "read_only is on", true);
}
