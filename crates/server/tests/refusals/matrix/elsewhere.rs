//! Users of another account: on their own, and where the owner's policy lets them.

use super::{NOTHING_BUT_REGIONS, is, no_permission, row::Row, rows, scene::Scene, send};
use crate::{
    separation::of_owner,
    support::{ALLOW_ALL, Database, World, client::Param, things::SECRET},
    with,
};

on_both!(
    another_accounts_user_is_answered_as_its_own_account_has_it,
    another_accounts_user_needs_both_policies,
);

async fn another_accounts_user_is_answered_as_its_own_account_has_it(database: Database) {
    let world = World::new(database).await;
    let all: Vec<_> = rows().collect();
    let scene = Scene::of(&world, &all).await;
    let mut wrong = Vec::new();
    let before = of_owner(&world, &scene.root).await;
    for row in rows() {
        let other = world.account().await;
        let example = scene.example(row);
        let nothing = if row.needs.is_empty() { "" } else { no_permission(row.spec().product) };
        let columns = [
            ("nothing", world.user(&other, "nothing", &[]).await, nothing),
            ("everything", world.user(&other, "everything", &[ALLOW_ALL]).await, row.elsewhere),
        ];
        for (may, by, expected) in columns {
            let answer = send(&world, &by, row.spec(), &example, true).await;
            if !is(&answer, expected) {
                wrong.push(format!("{} by another's who may {may}: {answer:?}", row.name));
            }
        }
        if of_owner(&world, &scene.root).await != before {
            wrong.push(format!("{} has changed what is the owner's", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// Who calls from elsewhere, when the owner's policies let its account do everything that they can.
const COLUMNS: [(&str, bool); 4] = [
    ("user with everything", true),
    ("session with everything", true),
    ("user with nothing", false),
    ("session narrowed to something else", false),
];

async fn another_accounts_user_needs_both_policies(database: Database) {
    let world = World::new(database).await;
    let all: Vec<_> = rows().collect();
    let scene = Scene::of(&world, &all).await;
    let (owner, other) = (&scene.root, world.account().await);
    let parties = [
        world.user(&other, "user", &[ALLOW_ALL]).await,
        world.session(&other, "role", &[ALLOW_ALL], None).await,
        world.user(&other, "nobody", &[]).await,
        world.session(&other, "narrowed", &[ALLOW_ALL], Some(NOTHING_BUT_REGIONS)).await,
    ];
    let mut wrong = Vec::new();
    for shared in [false, true] {
        if shared {
            world.share(owner, scene.things(), &other).await;
        }
        for (row, sent) in
            rows().flat_map(|row| named(row, &scene).into_iter().map(move |it| (row, it)))
        {
            let by_blob = row.name != "kms:ReEncrypt"
                && sent.iter().any(|it| it.0 == "CiphertextBlob")
                && !named_by_key(&sent);
            for (by, (column, may)) in parties.iter().zip(COLUMNS) {
                let expected = match (shared, row.shared) {
                    (true, Some(code)) if may => code,
                    // A blob that the caller may not open stands for no key. Source: keys.md §9.3.
                    _ if may && by_blob => "Forbidden.KeyNotFound",
                    _ => "Forbidden.NoPermission",
                };
                let answer = send(&world, by, row.spec(), &sent, true).await;
                if !is(&answer, expected) {
                    wrong.push(format!("{} by {column}, shared {shared}: {answer:?}", row.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

fn named_by_key(sent: &[Param]) -> bool {
    sent.iter().any(|it| it.0 == "KeyId")
}

/// A row's call, once for each parameter that can name another account's thing, which then does; and
/// as it is if it has a blob, which names its key by itself.
fn named(row: &Row, scene: &Scene) -> Vec<Vec<Param>> {
    let home = format!("acs:kms:cn-hangzhou:{}", scene.root.account);
    let (key, secret) =
        (format!("{home}:key/{}", scene.things().key), format!("{home}:secret/{SECRET}"));
    let example = scene.example(row);
    let mut calls = Vec::new();
    for (name, value) in example.iter().filter(|it| !it.1.is_empty()) {
        match name.as_str() {
            "KeyId" | "ResourceId.1" => calls.push(with(&example, name, &key)),
            // The operator's operations take names alone.
            "SecretName" if row.name.starts_with("kms:") && row.name != "kms:CreateSecret" => {
                calls.push(with(&example, name, &secret));
            }
            "SecretsList" => calls.push(with(&example, name, &value.replace(SECRET, &secret))),
            "CiphertextBlob" if !named_by_key(&example) => {
                calls.push(with(&example, "DestinationKeyId", &key));
            }
            _ => {}
        }
    }
    calls
}
