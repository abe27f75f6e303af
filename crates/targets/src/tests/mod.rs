//! Every engine, on real servers: what all have in common here, the rest in a file for each.

mod mysql;
mod postgres;
mod redis;
mod ssh;

use std::io::Write as _;

use yaoku_model::{
    target::{Engine, Target},
    text::SecretData,
};

use crate::{
    Fault, Lack, Login, Proof, Rights, connect, log_in,
    testing::{Authority, TestServer, free_port, login, silent_port, target},
};

const ENGINES: [Engine; 4] = [Engine::MySql, Engine::Postgres, Engine::Redis, Engine::Ssh];

/// Passwords with what anything might take for something else.
const NASTY: [&str; 7] = [
    "plain",
    "it's \"so\" `now`",
    r"back\slash\' and \\",
    "$(id) ${HOME} $1 %s %%",
    "a:b;c--d/*e*/#f <g> {h} [i] ?j",
    "päßwörd 密码 🔑",
    "!@#$%^&*()_+-=~|,.",
];

fn server(engine: Engine) -> &'static TestServer {
    match engine {
        Engine::MySql => TestServer::mariadb(),
        Engine::Postgres => TestServer::postgres(),
        Engine::Redis => TestServer::redis(),
        Engine::Ssh => TestServer::ssh(),
    }
}

fn secret(text: &str) -> SecretData {
    text.parse().unwrap()
}

fn named(privilege: &str) -> Rights {
    Rights::Named { privilege: privilege.to_owned(), database: None }
}

/// What a new account of an engine can be.
fn some_rights(engine: Engine) -> Rights {
    match engine {
        Engine::Redis => named("RoleReadWrite"),
        Engine::Ssh => Rights::Existing,
        Engine::MySql | Engine::Postgres => named("Normal"),
    }
}

async fn set(
    server: &TestServer,
    user: &str,
    password: &str,
    rights: &Rights,
) -> Result<(), Fault> {
    let mut admin = connect(&server.target(), &server.admin()).await?;
    admin.set_password(user, &secret(password), rights).await
}

async fn enters(server: &TestServer, user: &str, password: &str) -> bool {
    match log_in(&server.target(), &login(user, password)).await {
        Ok(()) => true,
        Err(Fault::WrongCredential(who)) if who == user => false,
        Err(fault) => panic!("{user}: {fault}"),
    }
}

/// The one user that no other test of SSH has to do with.
fn user_of(engine: Engine) -> &'static str {
    if engine == Engine::Ssh { "app" } else { "o'neil\"`\\$(id)" }
}

#[tokio::test]
async fn who_is_refused_is_told_so() {
    for engine in ENGINES {
        let server = server(engine);
        let admin = server.admin();
        let wrong = login(&admin.user, "not it's \"password\"");
        let refused = Err(Fault::WrongCredential(admin.user.clone()));
        assert_eq!(log_in(&server.target(), &wrong).await, refused, "{engine:?}");
        assert_eq!(connect(&server.target(), &wrong).await.map(drop), refused, "{engine:?}");
        let nobody = log_in(&server.target(), &login("nobody-here", "x")).await;
        assert!(matches!(nobody, Err(Fault::WrongCredential(_))), "{engine:?}: {nobody:?}");
        assert_eq!(log_in(&server.target(), &admin).await, Ok(()), "{engine:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_is_not_made_unasked() {
    for engine in ENGINES {
        let server = server(engine);
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        assert_eq!(admin.has_account("nobody-there").await, Ok(false), "{engine:?}");
        let done = admin.set_password("nobody-there", &secret("x"), &Rights::Existing).await;
        assert!(matches!(done, Err(Fault::NoAccount(_))), "{engine:?}: {done:?}");
        let like = Rights::Like("nobody-either".to_owned());
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        let done = admin.set_password("nobody-there", &secret("x"), &like).await;
        assert!(matches!(done, Err(Fault::NoAccount(_))), "{engine:?}: {done:?}");
        assert_eq!(admin.has_account("nobody-there").await, Ok(false), "{engine:?}");
    }
}

#[tokio::test]
async fn a_word_for_a_privilege_that_is_not_known_makes_nothing() {
    for engine in [Engine::MySql, Engine::Postgres, Engine::Redis] {
        let server = server(engine);
        let done = set(server, "unworded", "x", &named("Everything")).await;
        assert_eq!(done, Err(Fault::Unsupported), "{engine:?}");
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        assert_eq!(admin.has_account("unworded").await, Ok(false), "{engine:?}");
    }
}

#[tokio::test]
async fn every_password_that_is_set_is_the_one_that_works_also_set_twice() {
    for engine in ENGINES {
        let (server, user) = (server(engine), user_of(engine));
        let mut before = None;
        for password in NASTY {
            for _ in 0..2 {
                let done = set(server, user, password, &some_rights(engine)).await;
                assert_eq!(done, Ok(()), "{engine:?} {password}");
            }
            assert!(enters(server, user, password).await, "{engine:?} {password}");
            if let Some(before) = before.replace(password) {
                assert!(!enters(server, user, before).await, "{engine:?} {before}");
            }
        }
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        assert_eq!(admin.has_account(user).await, Ok(true), "{engine:?}");
    }
}

#[tokio::test]
async fn names_and_passwords_that_would_be_cut_off_are_refused() {
    for engine in ENGINES {
        let server = server(engine);
        if engine != Engine::Redis {
            let done = set(server, "app", "a\0b", &some_rights(engine)).await;
            assert!(matches!(done, Err(Fault::Failed(_))), "{engine:?}: {done:?}");
        }
        let done = set(server, "a\0b", "x", &some_rights(engine)).await;
        assert!(matches!(done, Err(Fault::Failed(_))), "{engine:?}: {done:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_it_says_so() {
    for engine in ENGINES {
        let target = Target { port: free_port(), ..server(engine).target() };
        let done = log_in(&target, &login("a", "b")).await;
        assert!(matches!(done, Err(Fault::Unreachable(_))), "{engine:?}: {done:?}");
        let target = Target { host: "no.such.host.invalid".to_owned(), ..target };
        let done = log_in(&target, &login("a", "b")).await;
        assert!(matches!(done, Err(Fault::Unreachable(_))), "{engine:?}: {done:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_never_answers_is_not_waited_for_for_ever() {
    let port = silent_port();
    for engine in ENGINES {
        let target = Target { port, ..server(engine).target() };
        let done = log_in(&target, &login("a", "b")).await;
        assert_eq!(done, Err(Fault::TimedOut), "{engine:?}");
        if engine != Engine::Ssh {
            let target = Target { port, ..server(engine).target_with_tls() };
            assert_eq!(log_in(&target, &login("a", "b")).await, Err(Fault::TimedOut), "{engine:?}");
        }
    }
}

#[tokio::test]
async fn with_tls_only_the_right_server_is_believed() {
    for engine in [Engine::MySql, Engine::Postgres, Engine::Redis] {
        let server = server(engine);
        let (right, admin) = (server.target_with_tls(), server.admin());
        assert_eq!(log_in(&right, &admin).await, Ok(()), "{engine:?}");
        let mut by_tls = connect(&right, &admin).await.unwrap();
        let done = by_tls.set_password("by-tls", &secret("x"), &some_rights(engine)).await;
        assert_eq!(done, Ok(()), "{engine:?}");

        let other = Some(Authority::new().certificate().to_owned());
        for wrong in [
            Target { ca: other, ..right.clone() },
            Target { ca: None, ..right.clone() },
            Target { host: "localhost".to_owned(), ..right.clone() },
            Target { ca: Some("no certificate".to_owned()), ..right.clone() },
        ] {
            let done = log_in(&wrong, &admin).await;
            assert!(matches!(done, Err(Fault::NotTrusted(_))), "{engine:?}: {done:?}");
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_when_it_is_wanted() {
    let mariadb = TestServer::start(Engine::MySql, "--skip-ssl");
    let postgres = TestServer::start(Engine::Postgres, "-c ssl=off");
    for server in [&mariadb, &postgres] {
        let done = log_in(&server.target_with_tls(), &server.admin()).await;
        assert!(matches!(done, Err(Fault::NotTrusted(_))), "{server:?}: {done:?}");
    }
}

#[tokio::test]
async fn redis_with_tls_hangs_up_on_who_has_none() {
    let server = TestServer::redis();
    let target = Target { port: server.target_with_tls().port, ..server.target() };
    let done = log_in(&target, &server.admin()).await;
    assert!(matches!(&done, Err(Fault::Unreachable(it)) if it.contains("wants TLS")), "{done:?}");
}

#[tokio::test]
async fn who_answers_in_the_clear_is_told_from_who_is_not_trusted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"-ERR unknown command\r\n").unwrap();
    });
    let target = Target { port, ..TestServer::redis().target_with_tls() };
    let done = log_in(&target, &login("a", "b")).await;
    assert!(matches!(&done, Err(Fault::NotTrusted(it)) if it.contains("no TLS")), "{done:?}");
}

/// What rotations would lack, as this administrator sees it: each with a word, and some of its text.
async fn lacks(server: &TestServer, admin: &Login) -> Vec<Lack> {
    let mut admin = connect(&server.target(), admin).await.unwrap();
    let lacks = admin.lacks().await.unwrap();
    assert_eq!(admin.lacks().await.unwrap(), lacks, "nothing was changed");
    lacks
}

/// Fails unless just this is lacking.
fn is_only(lacks: &[Lack], word: &str, text: &str, stops_all: bool) {
    let [it] = lacks else { panic!("{text}: {lacks:?}") };
    assert_eq!((it.word, it.stops_all), (word, stops_all), "{it:?}");
    assert!(it.what.contains(text) && !it.remedy.is_empty(), "{text}: {it:?}");
}

#[tokio::test]
async fn a_server_that_is_fit_lacks_nothing() {
    for engine in ENGINES {
        let server = server(engine);
        assert_eq!(lacks(server, &server.admin()).await, [], "{engine:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_stops_talking_is_not_listened_to_for_ever() {
    // A long text, and a long notice.
    let starts: [(Engine, &[u8]); 2] =
        [(Engine::Redis, b"$500000000\r\n"), (Engine::Postgres, b"N\x1f\xff\xff\xff")];
    for (engine, start) in starts {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(start).unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        let done = log_in(&target(engine, port), &login("a", "b")).await;
        let told = matches!(&done, Err(Fault::Unreachable(it)) if it.contains("too long"));
        assert!(told, "{engine:?}: {done:?}");
    }
}

#[test]
fn a_login_shows_no_secret() {
    let key = Proof::PrivateKey(secret("hidden key"));
    for proof in [Proof::Password(secret("hidden word")), key] {
        let shown = format!("{:?}", Login { user: "app".to_owned(), proof });
        assert!(shown.contains("app") && !shown.contains("hidden"), "{shown}");
    }
}

#[tokio::test]
async fn databases_take_no_private_keys() {
    let key = Login { user: "a".to_owned(), proof: Proof::PrivateKey(secret("x")) };
    for engine in [Engine::MySql, Engine::Postgres, Engine::Redis] {
        let done = log_in(&target(engine, server(engine).target().port), &key).await;
        assert_eq!(done, Err(Fault::Unsupported), "{engine:?}");
        let mut admin = connect(&server(engine).target(), &server(engine).admin()).await.unwrap();
        assert_eq!(admin.add_key("a", "b", None).await, Err(Fault::Unsupported), "{engine:?}");
        assert_eq!(admin.remove_key("a", "b").await, Err(Fault::Unsupported), "{engine:?}");
    }
}
