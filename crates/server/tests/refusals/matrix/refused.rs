//! Who may not, and who is nobody: refused with the one code, and nothing has changed.

use super::{
    NOTHING_BUT_REGIONS, is, no_permission,
    row::Row,
    rows,
    scene::{Scene, policy, statement},
    send, simulated,
};
use crate::support::{ALLOW_ALL, DENY_ALL, Database, Party, World};

on_both!(who_may_not_is_refused_and_changes_nothing);

/// A column: who calls, and what each call comes to.
struct Column {
    name: &'static str,
    by: Party,
    /// As the simulator names it, if it is known.
    principal: &'static str,
    session: Option<&'static str>,
    /// The code of a stranger.
    stranger: Option<&'static str>,
}

async fn who_may_not_is_refused_and_changes_nothing(database: Database) {
    let world = World::new(database).await;
    let all: Vec<_> = rows().collect();
    let scene = Scene::of(&world, &all).await;
    let columns = columns(&world, &scene.root).await;
    let without = without(&world, &scene).await;
    let mut wrong = Vec::new();
    let mut before = world.state().await;
    for row in rows() {
        for column in &columns {
            wrong.extend(cell(&world, &scene, row, column).await);
        }
        for (_, by, name, lacks) in without.iter().filter(|it| it.0 == row.name) {
            let answer = send(&world, by, row.spec(), &scene.example(row), true).await;
            if !is(&answer, no_permission(row.spec().product)) {
                wrong.push(format!("{} without {lacks}: {answer:?}", row.name));
            }
            let who = (&*format!("user/{name}"), None);
            let needs = scene.permissions(row, row.needs, name);
            if simulated(&world, &scene.root, who, &needs).await {
                wrong.push(format!("{} without {lacks}: let by the simulator", row.name));
            }
        }
        let after = world.state().await;
        if after != before {
            wrong.push(format!("{} has changed the store", row.name));
        }
        before = after;
    }
    wrong.extend(once_expired(&world, &scene, &columns).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

async fn columns(world: &World, root: &Party) -> Vec<Column> {
    let refused =
        |name, by, principal, session| Column { name, by, principal, session, stranger: None };
    let inactive = world.user(root, "inactive", &[ALLOW_ALL]).await;
    world.switch_off(&inactive).await;
    let (all, denied) = (&[ALLOW_ALL][..], &[ALLOW_ALL, DENY_ALL][..]);
    let narrowed = Some(NOTHING_BUT_REGIONS);
    let session =
        async |name, policies, session| world.session(root, name, policies, session).await;
    vec![
        refused("user denied", world.user(root, "denied", denied).await, "user/denied", None),
        refused("user with nothing", world.user(root, "nobody", &[]).await, "user/nobody", None),
        refused("role with nothing", session("nothing", &[], None).await, "role/nothing", None),
        refused("role denied", session("denied", denied, None).await, "role/denied", None),
        refused(
            "session narrowed to something else",
            session("narrowed", all, narrowed).await,
            "role/narrowed",
            narrowed,
        ),
        refused(
            "session narrowed by a Deny",
            session("shut", all, Some(DENY_ALL)).await,
            "role/shut",
            Some(DENY_ALL),
        ),
        refused(
            "session wider than its role",
            session("wider", &[], Some(ALLOW_ALL)).await,
            "role/wider",
            Some(ALLOW_ALL),
        ),
        Column {
            stranger: Some("InvalidAccessKeyId.Inactive"),
            ..refused("inactive key", inactive, "", None)
        },
    ]
}

/// What is not as the column has it.
async fn cell(world: &World, scene: &Scene, row: &Row, column: &Column) -> Vec<String> {
    let known = column.stranger.is_none();
    let answer = send(world, &column.by, row.spec(), &scene.example(row), known).await;
    let expected = match column.stranger {
        Some(code) => code,
        None if row.needs.is_empty() => "",
        None => no_permission(row.spec().product),
    };
    let mut wrong = Vec::new();
    if !is(&answer, expected) || answer.body.contains("SecretData") {
        wrong.push(format!("{} by {}: {answer:?}", row.name, column.name));
    }
    let caller = column.principal.split('/').next_back().unwrap();
    let needs = scene.permissions(row, row.needs, caller);
    let who = (column.principal, column.session);
    if known && !needs.is_empty() && simulated(world, &scene.root, who, &needs).await {
        wrong.push(format!("{} by {}: let by the simulator", row.name, column.name));
    }
    wrong
}

/// For each permission of each row, a user who may do everything but that.
async fn without(world: &World, scene: &Scene) -> Vec<(&'static str, Party, String, String)> {
    let mut without = Vec::new();
    for row in rows() {
        for need in row.needs.iter().chain(row.or) {
            let name = format!("lacks{}", World::unique());
            let lacks = scene.permissions(row, &[*need], &name).remove(0);
            let deny = policy(&[statement("Deny", &lacks)]);
            let by = world.user(&scene.root, &name, &[ALLOW_ALL, &deny]).await;
            without.push((row.name, by, name, format!("{lacks:?}")));
        }
    }
    without
}

/// When their time is up, sessions are nobody's.
async fn once_expired(world: &World, scene: &Scene, columns: &[Column]) -> Vec<String> {
    let expired = world.session(&scene.root, "expired", &[ALLOW_ALL], None).await;
    world.clock.advance_seconds(900);
    let before = world.state().await;
    let mut wrong = Vec::new();
    let sessions = columns.iter().filter(|it| it.session.is_some()).map(|it| &it.by);
    let sessions: Vec<_> = [&expired].into_iter().chain(sessions.take(1)).collect();
    for row in rows() {
        for by in &sessions {
            let answer = send(world, by, row.spec(), &scene.example(row), false).await;
            if !is(&answer, "InvalidSecurityToken.Expired") {
                wrong.push(format!("{} by an expired session: {answer:?}", row.name));
            }
        }
    }
    if world.state().await != before {
        wrong.push("an expired session has changed the store".to_owned());
    }
    wrong
}
