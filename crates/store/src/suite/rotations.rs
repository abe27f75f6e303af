//! Targets and rotations.

use yaoku_model::{
    secret::{AutomaticRotation, Managed, Rotation, Secret, Step},
    target::{Engine, Target, TlsMode},
};

use super::{Place, at, id, secret, secret_version, write};
use crate::DueSecret;

/// What a managed secret has besides, all of it set.
pub(super) fn managed() -> Managed {
    Managed {
        config: r#"{"SecretSubType":"SingleUser","CustomData":{"说":"明"}}"#.to_owned(),
        automatic: AutomaticRotation::Enabled,
        interval: Some(604_800),
        last_rotation: Some(at(3)),
        next_rotation: Some(at(4)),
        recent: vec![id("v1"), id("v2")],
    }
}

fn target(name: &str) -> Target {
    Target {
        account: id("1000"),
        id: id(name),
        engine: Engine::MySql,
        host: "db.example".to_owned(),
        port: 65_535,
        tls: TlsMode::Verify,
        ca: Some("pem".to_owned()),
        host_key: None,
        admin: id("acs/admin"),
        created: at(1),
        updated: at(2),
    }
}

fn rotation(name: &str) -> Rotation {
    Rotation {
        account: id("1000"),
        secret: id(name),
        version: id("v3"),
        candidate: Some(secret_version("c")),
        step: Step::Apply,
        started: at(1),
        tries: 0,
        next_try: at(5),
        held_until: None,
        dying: Some(id("LTAI5tDying")),
    }
}

fn names(due: &[DueSecret]) -> Vec<String> {
    due.iter().map(|it| format!("{}/{}", it.account, it.name)).collect()
}

pub(super) async fn targets_are_put_listed_and_deleted(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let account = id("1000");
    for name in ["rm-b", "rm-a"] {
        tx.put_target(&target(name)).await.unwrap();
    }
    tx.put_target(&Target { account: id("2000"), ..target("rm-a") }).await.unwrap();
    let listed = tx.targets(&account).await.unwrap();
    assert_eq!(listed, [target("rm-a"), target("rm-b")]);
    let changed = Target {
        engine: Engine::Ssh,
        host: "::1".to_owned(),
        port: 22,
        tls: TlsMode::Off,
        ca: None,
        host_key: Some("ssh-ed25519 AAAA".to_owned()),
        admin: id("other"),
        updated: at(9),
        ..target("rm-a")
    };
    tx.put_target(&changed).await.unwrap();
    assert_eq!(tx.target(&account, &changed.id).await.unwrap(), Some(changed.clone()));
    assert!(tx.delete_target(&account, &changed.id).await.unwrap());
    assert!(!tx.delete_target(&account, &changed.id).await.unwrap());
    assert_eq!(tx.target(&account, &changed.id).await.unwrap(), None);
    assert!(tx.target(&id("2000"), &changed.id).await.unwrap().is_some());
}

pub(super) async fn a_rotation_is_put_held_and_over(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let (account, name) = (id("1000"), id("s"));
    tx.insert_secret(&secret("s", 1)).await.unwrap();
    assert_eq!(tx.rotation(&account, &name).await.unwrap(), None);
    tx.put_rotation(&rotation("s")).await.unwrap();
    assert_eq!(tx.rotation(&account, &name).await.unwrap(), Some(rotation("s")));
    let held = Rotation {
        version: id("v4"),
        candidate: None,
        step: Step::Window,
        started: at(2),
        tries: 7,
        next_try: at(6),
        held_until: Some(at(8)),
        ..rotation("s")
    };
    tx.put_rotation(&held).await.unwrap();
    assert_eq!(tx.rotation(&account, &name).await.unwrap(), Some(held));
    for (now, due) in [(5, vec![]), (7, vec![]), (8, vec!["1000/s"])] {
        assert_eq!(names(&tx.due_rotations(at(now), None, 9).await.unwrap()), due, "{now}");
    }
    tx.delete_rotation(&account, &name).await.unwrap();
    assert_eq!(tx.rotation(&account, &name).await.unwrap(), None);
    tx.put_rotation(&rotation("s")).await.unwrap();
    assert_eq!(names(&tx.due_rotations(at(5), None, 9).await.unwrap()), ["1000/s"]);
    tx.delete_secret(&account, &name).await.unwrap();
    assert_eq!(tx.rotation(&account, &name).await.unwrap(), None, "it goes with its secret");
}

pub(super) async fn secrets_rotate_when_their_date_has_come_and_nothing_was_begun(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let due = |name: &str, automatic, ms: i64| Secret {
        managed: Some(Managed { automatic, next_rotation: Some(at(ms)), ..managed() }),
        ..secret(name, 1)
    };
    let on = AutomaticRotation::Enabled;
    for it in [
        due("b", on, 2),
        due("a", on, 2),
        due("first", on, 1),
        due("later", on, 9),
        due("begun", on, 1),
        due("failed", on, 3),
        due("invalid", AutomaticRotation::Invalid, 1),
        Secret { delete_at: Some(at(99)), ..due("leaving", on, 1) },
        secret("generic", 1),
    ] {
        assert!(tx.insert_secret(&it).await.unwrap());
    }
    tx.put_rotation(&rotation("begun")).await.unwrap();
    tx.put_rotation(&Rotation { step: Step::Settle, ..rotation("failed") }).await.unwrap();
    let first = tx.secrets_to_rotate(at(5), None, 2).await.unwrap();
    assert_eq!(names(&first), ["1000/first", "1000/a"]);
    assert_eq!(first[0].at, at(1));
    let rest = tx.secrets_to_rotate(at(5), first.last(), 2).await.unwrap();
    assert_eq!(names(&rest), ["1000/b", "1000/failed"]);
}
