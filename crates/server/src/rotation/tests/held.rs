//! Who has a rotation, and for how long; and who waits for whom.

use std::time::Duration;

use yaoku_model::{secret::Step, target::Target};
use yaoku_targets::testing::{TestServer, silent_port};

use super::{
    super::{
        begin,
        steps::Trouble,
        work::{self, Work},
    },
    a_key_pair, account, create, described, kms, login, named, rds, until, value, works,
};
use crate::testing::Kms;

async fn is_current(kms: &Kms, version: &str) -> bool {
    value(kms, "a", "ACSCurrent").await.unwrap().get("VersionId") == Some(version)
}

#[tokio::test]
async fn what_a_dead_node_had_is_taken_up_after_fifteen_seconds_and_not_before() {
    let (server, name) = (TestServer::mariadb(), named("held"));
    server.run(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'first-One1'"));
    let kms = kms(server).await;
    create(&kms, "Rds", "a", &account(&name), &rds("SingleUser")).await;
    let (node, now) = (&kms.node, kms.clock_now());
    let (secret, version) = ("a".parse().unwrap(), "v2".parse().unwrap());
    let found = node.caches.secret(&kms.account, &secret).await.unwrap().unwrap();
    let prepared = begin::prepare(node, &found, &version, now).await.unwrap();
    let mut tx = node.store.write().await.unwrap();
    let secret = found.secret.clone();
    let begun = begin::begin(node, tx.tx(), secret, version, &prepared, now).await.unwrap();
    let held = work::hold(tx.tx(), begun, now).await.unwrap();
    node.caches.apply(&tx.commit().await.unwrap().changes);
    kms.clock.advance_seconds(10);
    let still = Work::HoldOn(held).write(node, &found.secret).await.unwrap().unwrap();
    kms.clock.advance_seconds(14);
    kms.settle().await;
    assert!(is_current(&kms, "v1").await, "it has said ten seconds later that it is at it");
    kms.clock.advance_seconds(1);
    kms.settle().await;
    assert!(is_current(&kms, "v2").await);
    assert!(works(server, &login(&kms, "a", "ACSCurrent").await).await);
    // It was only slow.
    for late in [Work::HoldOn(still.clone()), Work::PutOff(still, Trouble::NotTaken)] {
        assert_eq!(late.write(node, &found.secret).await.unwrap(), None);
    }
    assert!(is_current(&kms, "v2").await);
}

#[tokio::test]
async fn a_key_that_could_not_be_taken_away_is_tried_again_by_who_asks() {
    let server = TestServer::ssh();
    let (kms, of) = (kms(server).await, ("SecretName", "acs/ecs/a"));
    let config = r#"{"SecretSubType":"SSHKey","InstanceId":"rm-1","RegionId":"cn-hangzhou"}"#;
    create(&kms, "ECS", of.1, &a_key_pair(server, "visitor"), config).await;
    let old = login(&kms, of.1, "ACSCurrent").await;
    kms.call("RotateSecret", [of, ("VersionId", "v2")]).await.unwrap();
    until(&kms, of.1, |it| it.step == Step::Retire).await.unwrap();
    let (account, id) = (&kms.account, "rm-1".parse().unwrap());
    let mut tx = kms.node.store.write().await.unwrap();
    let target = tx.target(account, &id).await.unwrap().unwrap();
    tx.delete_target(account, &id).await.unwrap();
    tx.commit().await.unwrap();
    let policy = [of, ("EnableAutomaticRotation", "false")];
    for (action, params) in
        [("UpdateSecretRotationPolicy", policy), ("RotateSecret", [of, ("VersionId", "v3")])]
    {
        for _ in 0..3 {
            kms.clock.advance_seconds(65);
            kms.settle().await;
        }
        assert_eq!(described(&kms, of.1, "AutomaticRotation").await, "Invalid", "{action}");
        let answer = kms.call(action, params).await.unwrap();
        assert_ne!(answer.get("VersionId"), Some("v3"), "it is not begun");
        assert_eq!(described(&kms, of.1, "AutomaticRotation").await, "Disabled", "{action}");
    }
    let mut tx = kms.node.store.write().await.unwrap();
    tx.put_target(&target).await.unwrap();
    tx.commit().await.unwrap();
    kms.clock.advance_seconds(65);
    until(&kms, of.1, |_| false).await;
    assert!(!works(server, &old).await);
    let told = kms.call("ListNotices", []).await.unwrap();
    let names = (0..4).map(|nth| told.get(&format!("Notices.Notice.{nth}.Name")).unwrap());
    let [success, failure] = ["Secret:RotateSecret:Success", "Secret:RotateSecret:Failure"];
    assert!(names.eq([success, failure, failure, success]));
}

#[tokio::test]
async fn a_server_that_never_answers_delays_no_other() {
    let (server, name) = (TestServer::mariadb(), named("beside"));
    server.run(&format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'first-One1'"));
    let kms = kms(server).await;
    let silent = Target {
        account: kms.account.clone(),
        id: "rm-2".parse().unwrap(),
        admin: "admin".parse().unwrap(),
        port: silent_port(),
        ..server.target()
    };
    let mut tx = kms.node.store.write().await.unwrap();
    tx.put_target(&silent).await.unwrap();
    tx.commit().await.unwrap();
    let config = rds("SingleUser").replace("rm-1", "rm-2");
    for nth in 0..8 {
        let waits = format!("waits{nth}");
        create(&kms, "Rds", &waits, &account("nobody"), &config).await;
        kms.call("RotateSecret", [("SecretName", &*waits), ("VersionId", "v2")]).await.unwrap();
    }
    create(&kms, "Rds", "a", &account(&name), &rds("SingleUser")).await;
    kms.call("RotateSecret", [("SecretName", "a"), ("VersionId", "v2")]).await.unwrap();
    while !is_current(&kms, "v2").await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut tx = kms.node.store.read().await.unwrap();
    let waits = tx.rotation(&kms.account, &"waits0".parse().unwrap()).await.unwrap().unwrap();
    assert!(waits.is_running() && waits.tries == 0, "nobody has waited for it: {waits:?}");
}

crate::testing::on_postgres_too!(
    what_a_dead_node_had_is_taken_up_after_fifteen_seconds_and_not_before,
);
