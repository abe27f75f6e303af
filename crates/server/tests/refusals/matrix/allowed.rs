//! Who may: root, a user who may do exactly what it takes, sessions of a role.

use yaoku_server::api::Effect;

use super::{
    is,
    row::Row,
    rows,
    scene::{Scene, exactly},
    send, simulated,
};
use crate::support::{ALLOW_ALL, Database, Party, World};

on_both!(who_may_is_served);

const COLUMNS: [&str; 4] = ["root", "user", "role session", "narrowed session"];

/// Nobody may more than the row says, and that is enough: with the refusals for want of any one of
/// them, the row's permissions are those that the gateway asks for, and no others.
async fn who_may_is_served(database: Database) {
    let world = World::new(database).await;
    let reads: Vec<_> = rows().filter(|it| it.spec().effect != Effect::Write).collect();
    let mut shared = Scene::of(&world, &reads).await;
    let mut wrong = Vec::new();
    for row in rows() {
        wrong.extend(match (row.spec().effect, database) {
            (Effect::Write, Database::Sqlite) => {
                // All at once: they share their commits, each of which waits for the disk.
                let [one, two, three, four] = COLUMNS.map(|it| once(&world, row, it));
                let found = tokio::join!(one, two, three, four);
                [found.0, found.1, found.2, found.3].concat()
            }
            (Effect::Write, Database::Postgres) => {
                let mut found = Vec::new();
                for column in COLUMNS {
                    found.extend(once(&world, row, column).await);
                }
                found
            }
            _ => {
                let mut found = Vec::new();
                for column in COLUMNS {
                    found.extend(cell(&world, &mut shared, row, column).await);
                }
                found
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// A call that changes something, in an account of its own.
async fn once(world: &World, row: &Row, column: &str) -> Vec<String> {
    let mut scene = Scene::of(world, &[row]).await;
    cell(world, &mut scene, row, column).await
}

/// What is not as the row has it.
async fn cell(world: &World, scene: &mut Scene, row: &Row, column: &str) -> Vec<String> {
    let (by, principal, session) = caller(world, scene, row, column).await;
    let caller = principal.split('/').next_back().unwrap().to_owned();
    if column == "user" {
        scene.make_for(world, row, &caller).await;
    }
    let permissions = scene.permissions(row, row.needs, &caller);
    let who = (&*principal, session.as_deref());
    let told = simulated(world, &scene.root, who, &permissions).await;
    let answer = send(world, &by, row.spec(), &scene.example(row), true).await;
    let but = row.but.iter().find(|it| it.0 == column).map(|it| it.1);
    let mut wrong = Vec::new();
    if !is(&answer, but.unwrap_or(row.served)) {
        wrong.push(format!("{} by {column}: {answer:?}", row.name));
    }
    if !told {
        wrong.push(format!("{} by {column}: not by the simulator", row.name));
    }
    wrong
}

/// Who calls, as the simulator names it, and what its session is narrowed to.
async fn caller(
    world: &World,
    scene: &Scene,
    row: &Row,
    column: &str,
) -> (Party, String, Option<String>) {
    let root = &scene.root;
    let name = format!("by{}", World::unique());
    match column {
        "root" => (root.clone(), "root".to_owned(), None),
        "user" => {
            let policy = exactly(&scene.permissions(row, row.needs, &name));
            let policies = if row.needs.is_empty() { vec![] } else { vec![&*policy] };
            (world.user(root, &name, &policies).await, format!("user/{name}"), None)
        }
        "role session" => {
            let by = world.session(root, &name, &[ALLOW_ALL], None).await;
            (by, format!("role/{name}"), None)
        }
        _ => {
            let needs = if row.or.is_empty() { row.needs } else { row.or };
            let policy = Some(exactly(&scene.permissions(row, needs, &name)));
            let policy = policy.filter(|_| !needs.is_empty());
            let by = world.session(root, &name, &[ALLOW_ALL], policy.as_deref()).await;
            (by, format!("role/{name}"), policy)
        }
    }
}
