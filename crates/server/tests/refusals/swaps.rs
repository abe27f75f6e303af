//! What is sealed opens in its own place only: swapped with another, neither opens.

use std::sync::Arc;

use yaoku_store::testing;

use super::shredding::copy_all;
use crate::support::{
    Database, Party, Stopped, World, start,
    things::{CONTEXT, SECRET, Things},
};

/// Something that can be read as long as nothing was swapped.
struct Probe {
    name: &'static str,
    by: Party,
    action: &'static str,
    params: Vec<(&'static str, String)>,
}

impl Probe {
    async fn status(&self, world: &World) -> (u16, String) {
        let params: Vec<_> = self.params.iter().map(|it| (it.0, it.1.as_str())).collect();
        let answer = world.call(&self.by, self.action, &params).await;
        (answer.status, answer.code())
    }

    fn secret(name: &'static str, by: &Party, secret: &str, version: &str) -> Self {
        let params = vec![("SecretName", secret.to_owned()), ("VersionId", version.to_owned())];
        Self { name, by: by.clone(), action: "GetSecretValue", params }
    }

    fn blob(name: &'static str, by: &Party, blob: String) -> Self {
        let params = vec![("CiphertextBlob", blob), ("EncryptionContext", CONTEXT.to_owned())];
        Self { name, by: by.clone(), action: "Decrypt", params }
    }

    fn key(name: &'static str, by: &Party) -> Self {
        Self { name, by: by.clone(), action: "DescribeRegions", params: Vec::new() }
    }
}

/// Two accounts with things, and in the first a second key, a second secret and a user.
struct Fixture {
    stopped: Stopped,
    probes: Vec<Probe>,
    swaps: Vec<Swap>,
}

/// Table, columns, a row, another, and the probes that must not open.
type Swap = (&'static str, &'static [&'static str], String, String, &'static [&'static str]);

const VALUES: &str = "secret_versions";
const WHOLE: &[&str] = &["sealed_value", "sealed_data_key", "key_version"];

async fn fixture() -> Fixture {
    let world = World::new(Database::Sqlite).await;
    let (one, two) = (world.account().await, world.account().await);
    let user = world.user(&one, "user", &[]).await;
    let (things, others) = (Things::of(&world, &one).await, Things::of(&world, &two).await);
    let second = world.done(&one, "CreateKey", &[("DKMSInstanceId", &things.instance)]).await;
    let second = second.text("/KeyMetadata/KeyId");
    let text = [("KeyId", second.as_str()), ("Plaintext", "x"), ("EncryptionContext", CONTEXT)];
    let second_blob = world.done(&one, "Encrypt", &text).await.text("/CiphertextBlob");
    let plain = [("SecretName", "plain"), ("VersionId", "v1"), ("SecretData", "x")];
    world.done(&one, "CreateSecret", &plain).await;
    let swaps = swaps([&one, &two, &user], &things, &others, &second);
    let probes = vec![
        Probe::secret("v1", &one, SECRET, "v1"),
        Probe::secret("v2", &one, SECRET, "v2"),
        Probe::secret("plain", &one, "plain", "v1"),
        Probe::secret("far v1", &two, SECRET, "v1"),
        Probe::blob("blob", &one, things.blob),
        Probe::blob("second", &one, second_blob),
        Probe::blob("far blob", &two, others.blob),
        Probe::key("root", &one),
        Probe::key("user", &user),
        Probe::key("far root", &two),
    ];
    Fixture { stopped: world.stop().await, probes, swaps }
}

/// Within a secret, between secrets, instances and accounts, and between kinds of wrapping keys.
fn swaps(parties: [&Party; 3], things: &Things, others: &Things, second: &str) -> Vec<Swap> {
    let [one, two, user] = parties;
    let version = |party: &Party, secret: &str, version: &str| {
        let account = &party.account;
        format!("account = '{account}' AND secret = '{secret}' AND id = '{version}'")
    };
    let key = |id: &str| format!("key = '{id}'");
    let access = |it: &Party| format!("id = '{}'", it.key.id);
    let home = |it: &Party| format!("account = '{}' AND instance = ''", it.account);
    let instance = |it: &Things| format!("instance = '{}'", it.instance);
    let (v1, v2) = (version(one, SECRET, "v1"), version(one, SECRET, "v2"));
    let (plain, far) = (version(one, "plain", "v1"), version(two, SECRET, "v1"));
    vec![
        (VALUES, &["sealed_value"][..], v1.clone(), v2.clone(), &["v1", "v2"][..]),
        (VALUES, &["sealed_data_key"], v1.clone(), v2.clone(), &["v1", "v2"]),
        (VALUES, WHOLE, v1.clone(), v2, &["v1", "v2"]),
        (VALUES, &["sealed_value"], v1.clone(), plain.clone(), &["v1", "plain"]),
        (VALUES, &["sealed_data_key"], v1.clone(), plain.clone(), &["v1", "plain"]),
        (VALUES, WHOLE, v1.clone(), plain, &["v1", "plain"]),
        (VALUES, &["sealed_value"], v1.clone(), far.clone(), &["v1", "far v1"]),
        (VALUES, &["sealed_data_key"], v1.clone(), far.clone(), &["v1", "far v1"]),
        (VALUES, WHOLE, v1, far, &["v1", "far v1"]),
        ("key_versions", &["sealed"], key(&things.key), key(second), &["blob", "second", "v1"]),
        ("key_versions", &["sealed"], key(&things.key), key(&others.key), &["blob", "far blob"]),
        ("access_keys", &["sealed"], access(one), access(user), &["root", "user"]),
        ("access_keys", &["sealed"], access(one), access(two), &["root", "far root"]),
        ("wrapping_keys", &["sealed"], home(one), home(two), &[]),
        ("wrapping_keys", &["sealed"], home(one), instance(things), &[]),
        ("wrapping_keys", &["sealed"], instance(others), instance(things), &[]),
    ]
}

#[tokio::test]
async fn what_is_swapped_does_not_open() {
    let Fixture { stopped, probes, swaps } = fixture().await;
    for (table, columns, one, other, closed) in swaps {
        let what = format!("{table} {columns:?}: {one} / {other}");
        let copy = Arc::new(tempfile::tempdir().unwrap());
        copy_all(stopped.data.path(), copy.path());
        let url = format!("sqlite:{}", copy.path().join("yaoku.db").display());
        testing::execute(&url, &swap(table, columns, &one, &other)).await;
        if table == "wrapping_keys" {
            let started = start(copy.path().to_owned(), &url, &stopped.clock).await;
            assert!(started.is_err(), "a node starts with swapped {what}");
            continue;
        }
        let world = World::open(copy, url, stopped.clock.clone()).await;
        for probe in &probes {
            let (status, code) = probe.status(&world).await;
            if closed.contains(&probe.name) {
                assert!(status >= 400 && !code.is_empty(), "{} opens: {what}", probe.name);
            } else if table == "secret_versions" {
                assert_eq!((status, &*code), (200, ""), "{}: {what}", probe.name);
            }
        }
        world.stop().await;
    }
}

fn swap(table: &str, columns: &[&str], one: &str, other: &str) -> String {
    let sets = |from: &str| {
        let sets = columns.iter().map(|it| format!("{it} = (SELECT {it} FROM {from})"));
        sets.collect::<Vec<_>>().join(", ")
    };
    format!(
        "CREATE TEMP TABLE one AS SELECT * FROM {table} WHERE {one};
         CREATE TEMP TABLE other AS SELECT * FROM {table} WHERE {other};
         UPDATE {table} SET {} WHERE {one};
         UPDATE {table} SET {} WHERE {other};",
        sets("temp.other"),
        sets("temp.one")
    )
}
