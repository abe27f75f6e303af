//! Rotations on real servers. Source: secrets.md §6, §9 items 13, 14, 16.

mod held;

use std::{
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use yaoku_model::{
    secret::{Credential, Rotation, Step},
    target::{Engine, Target},
    text::SecretData,
};
use yaoku_targets::{
    Login, Proof, log_in,
    testing::{TestServer, free_port},
};
use yaoku_wire::{error::Code, fields::Fields};

use super::begin;
use crate::testing::{Kms, is_on_postgres};

/// A node that knows a server as `rm-1`, and its administrator's secret.
async fn kms(server: &TestServer) -> Kms {
    knowing(server.target(), &server.admin()).await
}

async fn knowing(target: Target, admin: &Login) -> Kms {
    let kms = Kms::new().await;
    let Proof::Password(password) = admin.proof.clone() else { panic!("a password") };
    let user = admin.user.clone();
    let credential = match target.engine {
        Engine::Ssh => Credential::Password { user, password },
        _ => Credential::Account { name: user, password },
    };
    let value = credential.data().unwrap();
    let params =
        [("SecretName", "admin"), ("VersionId", "v1"), ("SecretData", value.expose_text())];
    kms.call("CreateSecret", params).await.unwrap();
    let target = Target {
        account: kms.account.clone(),
        id: "rm-1".parse().unwrap(),
        admin: "admin".parse().unwrap(),
        ..target
    };
    let mut tx = kms.node.store.write().await.unwrap();
    tx.put_target(&target).await.unwrap();
    tx.commit().await.unwrap();
    kms
}

async fn create(kms: &Kms, kind: &str, name: &str, data: &str, config: &str) {
    begin_to_create(kms, kind, name, data, config).await;
    over(kms, name).await;
}

/// Makes a secret. Its accounts may still have to be made.
async fn begin_to_create(kms: &Kms, kind: &str, name: &str, data: &str, config: &str) {
    let params = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", kind),
        ("SecretData", data),
        ("ExtendedConfig", config),
    ];
    kms.call("CreateSecret", params).await.unwrap();
}

async fn rotate(kms: &Kms, name: &str, version: &str) {
    kms.call("RotateSecret", [("SecretName", name), ("VersionId", version)]).await.unwrap();
    over(kms, name).await;
}

/// Waits until no rotation of the secret runs. What is left to do when a credential is current is due.
async fn over(kms: &Kms, name: &str) {
    let left = until(kms, name, |it| !it.is_running() || it.step == Step::Retire).await;
    if left.is_some_and(|it| it.step == Step::Retire) {
        kms.clock.advance_seconds(3);
        until(kms, name, |it| !it.is_running()).await;
    }
}

/// Waits until a rotation of the secret is like this, or there is none. The node's own engine works at
/// it too.
async fn until(kms: &Kms, name: &str, is: impl Fn(&Rotation) -> bool) -> Option<Rotation> {
    let (account, name) = (&kms.account, name.parse().unwrap());
    for _ in 0..3000 {
        let running = kms.node.store.read().await.unwrap().rotation(account, &name).await.unwrap();
        if running.as_ref().is_none_or(&is) {
            return running;
        }
        kms.settle().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the rotation of {name} does not come so far");
}

async fn value(kms: &Kms, name: &str, stage: &str) -> Result<Fields, Code> {
    kms.call("GetSecretValue", [("SecretName", name), ("VersionStage", stage)]).await
}

/// What a label marks: whose it is, and by what they prove it.
async fn login(kms: &Kms, name: &str, stage: &str) -> Login {
    let read = value(kms, name, stage).await.unwrap();
    let value: serde_json::Value = serde_json::from_str(read.get("SecretData").unwrap()).unwrap();
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let secret = |text: String| -> SecretData { text.parse().unwrap() };
    let user = text("AccountName").or_else(|| text("UserName")).unwrap();
    let password = text("AccountPassword").or_else(|| text("Password"));
    let proof = match password {
        Some(it) => Proof::Password(secret(it)),
        None => Proof::PrivateKey(secret(text("PrivateKey").unwrap())),
    };
    Login { user, proof }
}

async fn works(server: &TestServer, login: &Login) -> bool {
    log_in(&server.target(), login).await.is_ok()
}

async fn described(kms: &Kms, name: &str, field: &str) -> String {
    let it = kms.call("DescribeSecret", [("SecretName", name)]).await.unwrap();
    it.get(field).unwrap_or_default().to_owned()
}

fn rds(sub_type: &str) -> String {
    format!(r#"{{"SecretSubType":"{sub_type}","DBInstanceId":"rm-1"}}"#)
}

fn account(name: &str) -> String {
    format!(r#"{{"Accounts":[{{"AccountName":"{name}","AccountPassword":"first-One1"}}]}}"#)
}

/// The name of an account on a server that tests share: those on PostgreSQL make their own.
fn named(name: &str) -> String {
    format!("{name}{}", if is_on_postgres() { "_2" } else { "" })
}

/// Four rotations of two accounts: each has its turn, and the one before goes on to work.
async fn they_take_turns(kms: &Kms, server: &TestServer, name: &str) {
    let clone = format!("{name}_clone");
    let mut before = login(kms, "a", "ACSCurrent").await;
    assert!(works(server, &before).await);
    for (version, turn) in [("v2", &*clone), ("v3", name), ("v4", &*clone), ("v5", name)] {
        rotate(kms, "a", version).await;
        let now = login(kms, "a", "ACSCurrent").await;
        assert_eq!(now.user, turn, "{version}");
        assert!(works(server, &now).await, "{version}");
        let previous = login(kms, "a", "ACSPrevious").await;
        let (Proof::Password(was), Proof::Password(is)) = (&before.proof, &previous.proof) else {
            panic!("passwords")
        };
        assert_eq!((&previous.user, is.expose()), (&before.user, was.expose()), "{version}");
        assert!(works(server, &previous).await, "{version}: what was current works on");
        before = now;
    }
    assert_eq!(described(kms, "a", "AutomaticRotation").await, "Disabled");
}

/// A secret of one account: the first rotation makes the other.
async fn two_accounts_take_turns(server: &TestServer, name: &str) {
    let kms = kms(server).await;
    create(&kms, "Rds", "a", &account(name), &rds("DoubleUsers")).await;
    they_take_turns(&kms, server, name).await;
}

/// A secret whose two accounts are made with it: whoever reads it at once can log in with both.
async fn made_accounts_take_turns(server: &TestServer, kind: &str, name: &str, config: &str) {
    let kms = kms(server).await;
    let clone = format!("{name}_clone");
    let config = format!(
        r#"{{"SecretSubType":"DoubleUsers","RegionId":"cn-hangzhou","AccountName":"{name}",
        "CloneAccountName":"{clone}",{config}}}"#
    );
    begin_to_create(&kms, kind, "a", "$Auto", &config).await;
    let [current, previous] =
        [login(&kms, "a", "ACSCurrent").await, login(&kms, "a", "ACSPrevious").await];
    assert_eq!((&*current.user, &*previous.user), (name, &*clone));
    assert!(works(server, &current).await && works(server, &previous).await);
    they_take_turns(&kms, server, name).await;
    assert!(!works(server, &current).await && !works(server, &previous).await);
}

#[tokio::test]
async fn two_accounts_of_mariadb_take_turns() {
    let (server, name) = (TestServer::mariadb(), named("turns"));
    server.run(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'first-One1'"));
    two_accounts_take_turns(server, &name).await;
}

#[tokio::test]
async fn two_accounts_of_postgresql_take_turns() {
    let (server, name) = (TestServer::postgres(), named("turns"));
    server.run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'first-One1'"));
    two_accounts_take_turns(server, &name).await;
}

#[tokio::test]
async fn accounts_of_redis_are_made_with_their_secret_and_take_turns() {
    let config = r#""AccountPrivilege":"RoleReadWrite","InstanceId":"rm-1""#;
    made_accounts_take_turns(TestServer::redis(), "Redis", &named("cache"), config).await;
}

#[tokio::test]
async fn accounts_of_polardb_for_mysql_are_made_with_their_secret_and_take_turns() {
    let server = TestServer::mariadb();
    server.run("CREATE DATABASE IF NOT EXISTS orders");
    let config = r#""DBClusterId":"rm-1","DBType":"MySQL","AccountType":"Normal",
        "AccountPrivilege":"ReadWrite","DBName":"orders""#;
    made_accounts_take_turns(server, "PolarDB", &named("polar"), config).await;
}

#[tokio::test]
async fn accounts_of_polardb_for_postgresql_are_made_with_their_secret_and_take_turns() {
    let config = r#""DBClusterId":"rm-1","DBType":"PostgreSQL","AccountType":"Normal""#;
    made_accounts_take_turns(TestServer::postgres(), "PolarDB", &named("polar"), config).await;
}

#[tokio::test]
async fn a_secret_whose_server_is_away_is_made_all_the_same() {
    let server = TestServer::redis();
    let target = Target { port: free_port(), ..server.target() };
    let kms = knowing(target, &server.admin()).await;
    let config = r#"{"SecretSubType":"DoubleUsers","AccountName":"cache",
        "CloneAccountName":"cache_clone","AccountPrivilege":"RoleReadWrite","InstanceId":"rm-1",
        "RegionId":"cn-hangzhou"}"#;
    begin_to_create(&kms, "Redis", "a", "$Auto", config).await;
    let mut tx = kms.node.store.read().await.unwrap();
    let begun = tx.rotation(&kms.account, &"a".parse().unwrap()).await.unwrap().unwrap();
    assert!(begun.tries > 0, "it was tried meanwhile, and will be again");
}

#[tokio::test]
async fn the_old_password_of_a_single_account_is_dead() {
    let (server, name) = (TestServer::mariadb(), named("single"));
    server.run(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'first-One1'"));
    let kms = kms(server).await;
    create(&kms, "Rds", "a", &account(&name), &rds("SingleUser")).await;
    let old = login(&kms, "a", "ACSCurrent").await;
    assert!(works(server, &old).await);
    rotate(&kms, "a", "v2").await;
    assert!(works(server, &login(&kms, "a", "ACSCurrent").await).await);
    assert!(!works(server, &old).await);
    assert_eq!(login(&kms, "a", "ACSPrevious").await.user, name);
    let at = kms.clock_now().to_string();
    assert_eq!(described(&kms, "a", "LastRotationDate").await, at);
}

#[tokio::test]
async fn a_password_and_a_key_pair_of_a_server_turn() {
    // It has the same users wherever it runs.
    static OTHER: OnceLock<TestServer> = OnceLock::new();
    let other = || OTHER.get_or_init(|| TestServer::start(Engine::Ssh, ""));
    let server = if is_on_postgres() { other() } else { TestServer::ssh() };
    server.run("echo app:first-One1 | chpasswd");
    let kms = kms(server).await;
    let about = |sub: &str| {
        format!(r#"{{"SecretSubType":"{sub}","InstanceId":"rm-1","RegionId":"cn-hangzhou"}}"#)
    };
    let data = r#"{"UserName":"app","Password":"first-One1"}"#;
    create(&kms, "ECS", "acs/ecs/a", data, &about("Password")).await;
    let old = login(&kms, "acs/ecs/a", "ACSCurrent").await;
    assert!(works(server, &old).await);
    rotate(&kms, "acs/ecs/a", "v2").await;
    let new = login(&kms, "acs/ecs/a", "ACSCurrent").await;
    assert!(works(server, &new).await && !works(server, &old).await);
    assert!(matches!(&new.proof, Proof::Password(it) if it.expose().len() == 32));
    let pair = a_key_pair(server, "other");
    create(&kms, "ECS", "acs/ecs/b", &pair, &about("SSHKey")).await;
    let mut old = login(&kms, "acs/ecs/b", "ACSCurrent").await;
    for version in ["v2", "v3"] {
        kms.call("RotateSecret", [("SecretName", "acs/ecs/b"), ("VersionId", version)])
            .await
            .unwrap();
        until(&kms, "acs/ecs/b", |it| it.step == Step::Retire).await.unwrap();
        let now = login(&kms, "acs/ecs/b", "ACSCurrent").await;
        assert!(works(server, &now).await && works(server, &old).await, "{version}");
        over(&kms, "acs/ecs/b").await;
        assert!(works(server, &now).await && !works(server, &old).await, "{version}");
        old = now;
        let read = value(&kms, "acs/ecs/b", "ACSCurrent").await.unwrap();
        let read: serde_json::Value =
            serde_json::from_str(read.get("SecretData").unwrap()).unwrap();
        must_be_rsa_2048(read["PublicKey"].as_str().unwrap());
    }
}

/// `ssh-keygen` reads it, and says how many bits it has.
fn must_be_rsa_2048(public: &str) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pub");
    std::fs::write(&file, public).unwrap();
    let read = Command::new("ssh-keygen").arg("-lf").arg(&file).output().unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.starts_with("2048 ") && read.trim_end().ends_with("(RSA)"), "{read}");
}

/// A key pair by which a user of the server can log in, as a client sends it.
fn a_key_pair(server: &TestServer, user: &str) -> String {
    let made = yaoku_crypto::ssh::generate().unwrap();
    let public = format!("ssh-rsa {}", BASE64_STANDARD.encode(&made.public));
    let private = pem::encode(&pem::Pem::new("PRIVATE KEY", made.private.as_slice()));
    server.run(&format!(
        "mkdir -p ~{user}/.ssh; echo '{public}' >~{user}/.ssh/authorized_keys; chown -R {user}: ~{user}/.ssh"
    ));
    serde_json::json!({ "UserName": user, "PublicKey": public, "PrivateKey": private }).to_string()
}

/// The codes of the rotations that failed.
async fn failures(kms: Kms) -> Vec<String> {
    let events = kms.events().await.into_iter();
    events
        .filter(|it| it.action == "yaoku:RotateSecret")
        .filter_map(|it| it.code)
        .map(Into::into)
        .collect()
}

#[tokio::test]
async fn an_account_whose_password_was_only_guessed_is_not_turned() {
    let server = TestServer::mariadb();
    server.run("CREATE USER 'guessed'@'%' IDENTIFIED BY 'of-Somebody-1'");
    for sub_type in ["SingleUser", "DoubleUsers"] {
        let kms = kms(server).await;
        create(&kms, "Rds", "a", &account("guessed"), &rds(sub_type)).await;
        rotate(&kms, "a", "v2").await;
        assert_eq!(described(&kms, "a", "AutomaticRotation").await, "Invalid");
        let password: SecretData = "of-Somebody-1".parse().unwrap();
        let owner = Login { user: "guessed".to_owned(), proof: Proof::Password(password) };
        assert!(works(server, &owner).await, "{sub_type}: it is as it was");
        assert_eq!(server.run("SELECT count(*) FROM mysql.user WHERE user = 'guessed_clone'"), "0");
        assert_eq!(failures(kms).await, ["CurrentRefused"]);
    }
}

#[tokio::test]
async fn accounts_that_are_there_are_not_made_anew() {
    let server = TestServer::redis();
    server.run("ACL SETUSER taken on >of-Somebody-1 +@read");
    let kms = kms(server).await;
    let config = r#"{"SecretSubType":"DoubleUsers","AccountName":"taken",
        "CloneAccountName":"taken_clone","AccountPrivilege":"RoleReadWrite","InstanceId":"rm-1",
        "RegionId":"cn-hangzhou"}"#;
    begin_to_create(&kms, "Redis", "a", "$Auto", config).await;
    kms.settle().await;
    assert_eq!(described(&kms, "a", "AutomaticRotation").await, "Invalid");
    let password: SecretData = "of-Somebody-1".parse().unwrap();
    let owner = Login { user: "taken".to_owned(), proof: Proof::Password(password) };
    assert!(works(server, &owner).await);
    // Whoever has made room for them need not wait for an hour.
    let again = [("SecretName", "a"), ("VersionId", "v2")];
    let policy =
        [("SecretName", "a"), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    made_again(&kms, "RotateSecret", &again, "Invalid").await;
    made_again(&kms, "UpdateSecretRotationPolicy", &policy, "Invalid").await;
    server.run("ACL DELUSER taken");
    let answer = made_again(&kms, "RotateSecret", &again, "Enabled").await;
    assert_eq!(answer.get("VersionId"), Some("v1"), "it is still to work");
    over(&kms, "a").await;
    for stage in ["ACSCurrent", "ACSPrevious"] {
        assert!(works(server, &login(&kms, "a", stage).await).await);
    }
    let told = kms.call("ListNotices", []).await.unwrap();
    assert_eq!(told.get("Notices.Notice.0.Name"), Some("Secret:RotateSecret:Success"));
    rotate(&kms, "a", "v2").await;
    assert_eq!(value(&kms, "a", "ACSCurrent").await.unwrap().get("VersionId"), Some("v2"));
    assert_eq!(failures(kms).await, ["AccountExists"; 3], "each who asks is told");
}

/// Has the accounts of a secret made again, and sees what it is then.
async fn made_again(kms: &Kms, action: &str, params: &[(&str, &str)], then: &str) -> Fields {
    // Two notices of one moment stand in order of their ids.
    kms.clock.advance_seconds(1);
    let answer = kms.call_with(action, params).await.unwrap();
    for _ in 0..3000 {
        if described(kms, "a", "AutomaticRotation").await == then {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{action}: it is not {then}")
}

#[tokio::test]
async fn a_candidate_made_for_other_labels_is_made_anew() {
    let server = TestServer::mariadb();
    server.run("CREATE USER 'labels'@'%' IDENTIFIED BY 'first-One1'");
    let kms = kms(server).await;
    create(&kms, "Rds", "a", &account("labels"), &rds("DoubleUsers")).await;
    let (name, version) = ("a".parse().unwrap(), "v3".parse().unwrap());
    let found = kms.node.caches.secret(&kms.account, &name).await.unwrap().unwrap();
    let late = begin::prepare(&kms.node, &found, &version, kms.clock_now()).await.unwrap();
    rotate(&kms, "a", "v2").await;
    let mut tx = kms.node.store.write().await.unwrap();
    let (secret, _) = tx.tx().secret(&kms.account, &name).await.unwrap().unwrap();
    let now = kms.clock_now();
    let done = begin::begin(&kms.node, tx.tx(), secret, version, &late, now).await;
    assert!(done.unwrap_err().is_conflict(), "it is for the account that is current by now");
}

#[tokio::test]
async fn the_id_of_the_version_before_is_known_too() {
    let server = TestServer::redis();
    let kms = kms(server).await;
    let config = r#"{"SecretSubType":"DoubleUsers","AccountName":"known",
        "CloneAccountName":"known_clone","AccountPrivilege":"RoleReadOnly","InstanceId":"rm-1",
        "RegionId":"cn-hangzhou"}"#;
    create(&kms, "Redis", "a", "$Auto", config).await;
    let previous = value(&kms, "a", "ACSPrevious").await.unwrap();
    rotate(&kms, "a", previous.get("VersionId").unwrap()).await;
    assert_eq!(value(&kms, "a", "ACSCurrent").await.unwrap().get("VersionId"), Some("v1"));
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_for_two_minutes() {
    let server = TestServer::mariadb();
    let target = Target { port: free_port(), ..server.target() };
    let kms = knowing(target, &server.admin()).await;
    create(&kms, "Rds", "a", &account("nobody"), &rds("SingleUser")).await;
    let of = [("SecretName", "a"), ("VersionId", "v2")];
    kms.call("RotateSecret", of).await.unwrap();
    let mut seconds = 0;
    while described(&kms, "a", "AutomaticRotation").await != "Invalid" {
        kms.settle().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        kms.clock.advance_seconds(1);
        seconds += 1;
        assert!(seconds < 400, "it has failed by then");
    }
    assert!(seconds >= 120, "{seconds}");
    assert_eq!(value(&kms, "a", "ACSCurrent").await.unwrap().get("VersionId"), Some("v1"));
    let failed = kms.events().await;
    let failed: Vec<_> = failed.iter().filter(|it| it.action == "yaoku:RotateSecret").collect();
    assert_eq!(failed.len(), 1, "told once");
    assert_eq!(failed[0].code.as_deref(), Some("Unreachable"));
}

/// A way to a server on which the first answer to these words is lost, and the connection with it. Some
/// connections are cut at once, by their place.
async fn losing(server: &TestServer, words: &'static [u8], cut: &'static [usize]) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, upstream) = (listener.local_addr().unwrap().port(), server.target().port);
    let lost = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        for nth in 0.. {
            let Ok((client, _)) = listener.accept().await else { return };
            if !cut.contains(&nth) {
                tokio::spawn(pass(client, upstream, words, Arc::clone(&lost)));
            }
        }
    });
    Target { port, ..server.target() }
}

/// Passes on until the words have come, and their answer.
async fn pass(mut client: TcpStream, upstream: u16, words: &[u8], lost: Arc<AtomicBool>) {
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
    let (mut sent, mut said, mut asked) = (vec![0; 16384], vec![0; 16384], false);
    loop {
        tokio::select! {
            n = client.read(&mut sent) => {
                let Ok(n @ 1..) = n else { return };
                asked |= sent[..n].windows(words.len()).any(|it| it == words);
                server.write_all(&sent[..n]).await.unwrap();
            }
            n = server.read(&mut said) => {
                let Ok(n @ 1..) = n else { return };
                if asked && !lost.swap(true, Relaxed) || client.write_all(&said[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_found_out_at_once() {
    for (server, words, role) in [
        (TestServer::mariadb(), &b"ALTER USER"[..], "CREATE USER 'lost'@'%' IDENTIFIED BY"),
        (TestServer::postgres(), b"ALTER ROLE", "CREATE ROLE lost LOGIN PASSWORD"),
    ] {
        server.run(&format!("{role} 'first-One1'"));
        let kms = knowing(losing(server, words, &[]).await, &server.admin()).await;
        create(&kms, "Rds", "a", &account("lost"), &rds("SingleUser")).await;
        // The clock stands still: nothing is tried again.
        rotate(&kms, "a", "v2").await;
        assert_eq!(value(&kms, "a", "ACSCurrent").await.unwrap().get("VersionId"), Some("v2"));
        assert!(works(server, &login(&kms, "a", "ACSCurrent").await).await);
        assert_eq!(described(&kms, "a", "AutomaticRotation").await, "Disabled");
    }
}

#[tokio::test]
async fn who_cannot_be_asked_whether_it_has_taken_a_password_is_asked_again() {
    let server = TestServer::mariadb();
    server.run("CREATE USER 'cut'@'%' IDENTIFIED BY 'first-One1'");
    // The change is made, and its answer lost (0 to 2); whether it was made cannot be asked (3), and
    // the next time neither (6, 7), though it says that the password before is dead (5).
    let target = losing(server, b"ALTER USER", &[3, 6, 7]).await;
    let kms = knowing(target, &server.admin()).await;
    create(&kms, "Rds", "a", &account("cut"), &rds("SingleUser")).await;
    kms.call("RotateSecret", [("SecretName", "a"), ("VersionId", "v2")]).await.unwrap();
    // Whoever did not answer is left alone for a moment, which is one of the machine's clock.
    for _ in 0..20 {
        kms.settle().await;
        kms.clock.advance_seconds(5);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    over(&kms, "a").await;
    assert_eq!(value(&kms, "a", "ACSCurrent").await.unwrap().get("VersionId"), Some("v2"));
    assert!(works(server, &login(&kms, "a", "ACSCurrent").await).await);
    assert_eq!(failures(kms).await, [""; 0]);
}

#[tokio::test]
async fn a_new_key_may_do_what_the_one_before_it_may_whatever_is_called_its_public_key() {
    let server = TestServer::ssh();
    let pair = a_key_pair(server, "deputy");
    let own = "~deputy/.ssh/authorized_keys";
    let other = yaoku_crypto::ssh::generate().unwrap().public;
    let other = format!("ssh-rsa {}", BASE64_STANDARD.encode(other));
    server.run(&format!("sed -i 's/^/restrict /' {own}; echo '{other}' >>{own}"));
    let kms = kms(server).await;
    let config = r#"{"SecretSubType":"SSHKey","InstanceId":"rm-1","RegionId":"cn-hangzhou"}"#;
    for (name, stated) in [("acs/ecs/a", ""), ("acs/ecs/b", &*other)] {
        let mut pair: serde_json::Value = serde_json::from_str(&pair).unwrap();
        pair["PublicKey"] = stated.into();
        if name == "acs/ecs/b" {
            let now = value(&kms, "acs/ecs/a", "ACSCurrent").await.unwrap();
            let now: serde_json::Value =
                serde_json::from_str(now.get("SecretData").unwrap()).unwrap();
            pair["PrivateKey"] = now["PrivateKey"].clone();
        }
        create(&kms, "ECS", name, &pair.to_string(), config).await;
        rotate(&kms, name, "v2").await;
        let lines = server.run(&format!("cat {own}"));
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 2, "{name}: {lines:?}");
        assert!(lines[0].starts_with("restrict ssh-rsa "), "{name}: {lines:?}");
        assert_eq!(lines[1], other, "{name}: it is somebody else's");
    }
}

crate::testing::on_postgres_too!(
    two_accounts_of_mariadb_take_turns,
    two_accounts_of_postgresql_take_turns,
    accounts_of_redis_are_made_with_their_secret_and_take_turns,
    accounts_of_polardb_for_mysql_are_made_with_their_secret_and_take_turns,
    accounts_of_polardb_for_postgresql_are_made_with_their_secret_and_take_turns,
    a_secret_whose_server_is_away_is_made_all_the_same,
    the_old_password_of_a_single_account_is_dead,
    a_password_and_a_key_pair_of_a_server_turn,
    a_server_that_is_away_is_tried_for_two_minutes,
);
