//! What PostgreSQL alone has.

use yaoku_model::target::Engine;

use super::{enters, is_only, lacks, named, secret, set};
use crate::{
    Fault, Rights, connect, log_in,
    testing::{TestServer, login},
};

#[tokio::test]
async fn a_clone_acts_as_its_model() {
    let server = TestServer::postgres();
    for statement in [
        "CREATE ROLE staff",
        "CREATE ROLE model LOGIN PASSWORD 'm' CREATEDB CONNECTION LIMIT 9 IN ROLE staff",
        "CREATE SCHEMA model AUTHORIZATION model",
        "ALTER ROLE model SET search_path = \"$user\", public, \"it's\"\"odd\"",
        "ALTER ROLE model IN DATABASE postgres SET work_mem = '7MB'",
        "CREATE TABLE model.owned (a int)",
        "ALTER TABLE model.owned OWNER TO model",
        "CREATE TABLE public.shared (a int)",
        "GRANT SELECT ON public.shared TO staff",
    ] {
        server.run(statement);
    }
    let like = Rights::Like("model".to_owned());
    assert_eq!(set(server, "model_clone", "c'1", &like).await, Ok(()));
    let as_clone = |what: &str| server.run_as("model_clone", "c'1", what);
    let shown = as_clone("SELECT session_user, current_user, current_setting('work_mem')");
    assert_eq!(shown.unwrap(), "model_clone|model|7MB");
    assert_eq!(as_clone("SHOW search_path").unwrap(), "\"$user\", public, \"it's\"\"odd\"");
    assert_eq!(as_clone("SELECT count(*) FROM shared").unwrap(), "0");
    assert!(as_clone("ALTER TABLE owned ADD b int").is_ok(), "an owner's right");
    assert!(as_clone("CREATE TABLE made (a int)").is_ok());
    assert!(server.run_as("model", "m", "DROP TABLE made").is_ok(), "what one makes both have");
    let attributes = |role: &str| {
        server.run(&format!(
            "SELECT rolcreatedb, rolsuper, rolcreaterole, rolconnlimit, rolinherit FROM pg_roles \
             WHERE rolname = '{role}'"
        ))
    };
    assert_eq!(attributes("model_clone"), attributes("model"));
    // A pool that resets the role takes no right away.
    assert!(as_clone("SET ROLE model_clone; SELECT * FROM model.owned").is_ok());

    // A clone of a clone acts as the same.
    let like = Rights::Like("model_clone".to_owned());
    assert_eq!(set(server, "third", "t", &like).await, Ok(()));
    assert_eq!(server.run_as("third", "t", "SELECT current_user").unwrap(), "model");
}

#[tokio::test]
async fn no_password_is_in_the_log_of_statements() {
    let server = TestServer::postgres();
    assert_eq!(set(server, "logged", "Unlogged-Word-1", &named("Normal")).await, Ok(()));
    assert_eq!(set(server, "logged", "Unlogged-Word-2", &Rights::Existing).await, Ok(()));
    assert!(enters(server, "logged", "Unlogged-Word-2").await);
    let log = server.log();
    assert!(log.contains("ALTER ROLE \"logged\" PASSWORD 'SCRAM-SHA-256$"), "it is logged");
    assert!(!log.contains("Unlogged-Word"));
}

#[tokio::test]
async fn a_role_that_is_there_keeps_its_rights() {
    let server = TestServer::postgres();
    server.run("CREATE ROLE kept LOGIN PASSWORD 'k'");
    assert_eq!(set(server, "kept", "n", &named("ReadWrite")).await, Ok(()));
    let member = "SELECT count(*) FROM pg_auth_members WHERE member = 'kept'::regrole";
    assert_eq!(server.run(member), "0");
}

#[tokio::test]
async fn no_word_gives_what_would_hold_in_the_whole_cluster() {
    let server = TestServer::postgres();
    for word in ["ReadOnly", "ReadWrite", "DMLOnly"] {
        for database in [None, Some("postgres".to_owned())] {
            let rights = Rights::Named { privilege: word.to_owned(), database };
            assert_eq!(
                set(server, "worded", "p", &rights).await,
                Err(Fault::Unsupported),
                "{word}"
            );
        }
    }
    let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
    assert_eq!(admin.has_account("worded").await, Ok(false));
}

#[tokio::test]
async fn what_a_role_keeps_in_its_settings_is_never_done_as_the_administrator() {
    let server = TestServer::postgres();
    for (role, value) in [
        ("planter", "x;ALTER/**/ROLE/**/planter/**/SUPERUSER;--"),
        ("sower", "x;alter/**/role/**/sower/**/superuser;--,$user"),
    ] {
        server.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'p'"));
        let plant = format!(
            "DO $$ BEGIN PERFORM set_config('search_path', '{value}', false); \
             ALTER ROLE {role} SET search_path FROM CURRENT; END $$"
        );
        assert!(server.run_as(role, "p", &plant).is_ok(), "{role}");
    }
    let done = set(server, "planter_clone", "c", &Rights::Like("planter".to_owned())).await;
    assert!(matches!(&done, Err(Fault::Failed(it)) if it.contains("search_path")), "{done:?}");
    assert_eq!(set(server, "sower_clone", "c", &Rights::Like("sower".to_owned())).await, Ok(()));
    let shown = server.run_as("sower_clone", "c", "SHOW search_path").unwrap();
    assert_eq!(shown, "\"x;alter/**/role/**/sower/**/superuser;--\", \"$user\"");
    let acts = server.run_as("sower_clone", "c", "SELECT current_user");
    assert_eq!(acts.unwrap(), "sower");
    let supers = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname ~ 'planter|sower'";
    assert_eq!(server.run(supers), "0");
}

#[tokio::test]
async fn who_has_no_connection_to_spare_has_logged_in_and_who_found_no_place_has_not() {
    let few = "-c max_connections=6 -c superuser_reserved_connections=0 -c max_wal_senders=0";
    let server = TestServer::start(Engine::Postgres, few);
    server.run("CREATE ROLE busy LOGIN PASSWORD 'b' CONNECTION LIMIT 0");
    assert!(server.run_as("busy", "b", "SELECT 1").is_err_and(|it| it.contains("for role")));
    assert!(enters(&server, "busy", "b").await);
    assert!(!enters(&server, "busy", "x").await);
    let mut held = Vec::new();
    let full = loop {
        match connect(&server.target(), &server.admin()).await {
            Ok(admin) if held.len() < 9 => held.push(admin),
            done => break done.map(drop),
        }
    };
    assert!(matches!(full, Err(Fault::Failed(_))), "{full:?}");
    for password in ["b", "x"] {
        let done = log_in(&server.target(), &login("busy", password)).await;
        assert!(matches!(done, Err(Fault::Failed(_))), "{done:?}");
    }
}

#[tokio::test]
async fn an_administrator_who_may_not_is_told_so() {
    let server = TestServer::postgres();
    server.run("CREATE ROLE powerless LOGIN PASSWORD 'p'");
    server.run("CREATE ROLE victim LOGIN PASSWORD 'v'");
    let mut admin = connect(&server.target(), &login("powerless", "p")).await.unwrap();
    for (user, rights) in [("victim", &Rights::Existing), ("newcomer", &named("Normal"))] {
        let fault = admin.set_password(user, &secret("hidden-word"), rights).await.unwrap_err();
        assert!(matches!(fault, Fault::NotPermitted(_)), "{fault}");
        assert!(!fault.to_string().contains("hidden"), "{fault}");
    }
    assert!(enters(server, "victim", "v").await);
}

#[tokio::test]
async fn an_administrator_who_is_no_superuser_is_enough() {
    let server = TestServer::postgres();
    server.run("CREATE ROLE creator LOGIN CREATEROLE PASSWORD 'p'");
    server.run("CREATE ROLE plain LOGIN PASSWORD 'v'");
    let mut admin = connect(&server.target(), &login("creator", "p")).await.unwrap();
    let like = Rights::Like("plain".to_owned());
    assert_eq!(admin.set_password("plain_clone", &secret("c"), &like).await, Ok(()));
    assert_eq!(server.run_as("plain_clone", "c", "SELECT current_user").unwrap(), "plain");
}

#[tokio::test]
async fn where_nothing_can_be_changed_it_says_so() {
    let server = TestServer::postgres();
    server.run("CREATE ROLE bound LOGIN CREATEROLE PASSWORD 'b'");
    server.run("CREATE ROLE unchanged LOGIN PASSWORD 'u'");
    server.run("ALTER ROLE bound SET default_transaction_read_only = on");
    let mut admin = connect(&server.target(), &login("bound", "b")).await.unwrap();
    let done = admin.set_password("unchanged", &secret("x"), &Rights::Existing).await;
    assert!(matches!(done, Err(Fault::ReadOnly(_))), "{done:?}");
    assert!(enters(server, "unchanged", "u").await);
}

#[tokio::test]
async fn who_may_not_use_the_database_has_logged_in_all_the_same() {
    let server = TestServer::start(Engine::Postgres, "");
    server.run("CREATE ROLE outside LOGIN PASSWORD 'o'");
    server.run("CREATE ROLE unable NOLOGIN PASSWORD 'o'");
    server.run("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    assert!(server.run_as("outside", "o", "SELECT 1").is_err());
    assert!(enters(&server, "outside", "o").await);
    assert!(!enters(&server, "outside", "x").await);
    assert!(!enters(&server, "unable", "o").await);
}

#[tokio::test]
async fn what_an_administrator_lacks_is_seen_beforehand() {
    let server = TestServer::postgres();
    server.run("CREATE ROLE \"no One\" LOGIN PASSWORD 'p'");
    server.run("CREATE ROLE halting LOGIN CREATEROLE PASSWORD 'p'");
    server.run("ALTER ROLE halting SET default_transaction_read_only = on");
    server.run("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'p'");
    let found = lacks(server, &login("no One", "p")).await;
    is_only(&found, "NotPermitted", "neither CREATEROLE nor SUPERUSER", true);
    assert_eq!(found[0].remedy, "ALTER ROLE \"no One\" CREATEROLE");
    let found = lacks(server, &login("halting", "p")).await;
    is_only(&found, "ReadOnly", "default_transaction_read_only is on", true);
    let version: u32 = server.run("SHOW server_version_num").parse().unwrap();
    let found = lacks(server, &login("maker", "p")).await;
    // From version 16 on, some roles of this server are out of its reach.
    assert_eq!(found.is_empty(), version < 160_000, "{found:?}");
}

#[tokio::test]
async fn roles_out_of_reach_are_found_as_the_server_counts_them() {
    let server = TestServer::start(Engine::Postgres, "");
    for statement in [
        "CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'p'",
        "CREATE ROLE near LOGIN PASSWORD 'p' ADMIN keeper",
        "CREATE ROLE \"Far\" LOGIN PASSWORD 'p'",
        "CREATE ROLE nologin",
    ] {
        server.run(statement);
    }
    // Version 15, which has no such rule, knows the question all the same.
    assert_eq!(server.run_as("keeper", "p", crate::postgres::OUT_OF_REACH).unwrap(), "\"Far\"");
}

#[tokio::test]
async fn a_standby_is_seen_beforehand() {
    let server = TestServer::start(Engine::Postgres, "standby");
    let found = lacks(&server, &server.admin()).await;
    is_only(&found, "ReadOnly", "it is a standby", true);
}
