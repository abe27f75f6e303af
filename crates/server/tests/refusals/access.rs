//! The access-management quota: other accounts that the policies in an instance let in, and for five
//! minutes those whom they no longer do. Source: identity.md §4.7.

use std::collections::BTreeMap;

use yaoku_model::time::Clock as _;
use yaoku_store::Release;

use crate::support::{Database, Party, World, client::Answer};

on_both!(
    an_account_let_in_no_longer_counts_for_five_minutes_also_after_a_restart,
    what_is_deleted_counts_for_five_minutes_after_its_date,
    a_secret_counts_as_a_key_does,
);

const FIVE_MINUTES: i64 = 5 * 60;
const DAY: i64 = 86_400;

/// An account whose instance has room for one other, and a key there.
struct Place {
    root: Party,
    instance: String,
    key: String,
}

impl Place {
    async fn of(world: &World) -> Self {
        let root = world.account().await;
        let instance = world.instance(&root).await;
        let mut tx = world.node.store.write().await.unwrap();
        let mut home = tx.instance(&instance.parse().unwrap()).await.unwrap().unwrap();
        home.access_quota = 1;
        tx.update_instance(&home).await.unwrap();
        world.node.caches.apply(&tx.commit().await.unwrap().changes);
        let key = Self::another_key(world, &root, &instance).await;
        Self { root, instance, key }
    }

    async fn another_key(world: &World, root: &Party, instance: &str) -> String {
        let made = world.done(root, "CreateKey", &[("DKMSInstanceId", instance)]).await;
        made.text("/KeyMetadata/KeyId")
    }

    /// A policy that lets the account itself and these in.
    fn letting(&self, others: &[&str]) -> String {
        let own = self.root.account.as_str();
        let all = others.iter().chain([&own]).map(|it| format!(r#""acs:ram::{it}:root""#));
        let all = all.collect::<Vec<_>>().join(",");
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":[{all}]}},"Action":["kms:Decrypt","kms:GetSecretValue"],"Resource":["*"]}}]}}"#
        )
    }

    async fn set(&self, world: &World, key: &str, others: &[&str]) -> Answer {
        let policy = self.letting(others);
        world.call(&self.root, "SetKeyPolicy", &[("KeyId", key), ("Policy", &policy)]).await
    }

    async fn create_secret(&self, world: &World, name: &str, others: &[&str]) -> Answer {
        let policy = self.letting(others);
        let params = [
            ("SecretName", name),
            ("VersionId", "v1"),
            ("SecretData", "a value"),
            ("EncryptionKeyId", &*self.key),
            ("Policy", &*policy),
        ];
        world.call(&self.root, "CreateSecret", &params).await
    }

    /// Nobody else is let in, whoever asks, and what is there stays as it is.
    async fn is_full(&self, world: &World, key: &str) {
        let before = kept(world, &self.instance).await;
        let policy = self.letting(&["3000"]);
        let create = [("DKMSInstanceId", &*self.instance), ("Policy", &*policy)];
        for refused in [
            self.set(world, key, &["3000"]).await,
            self.create_secret(world, "new", &["3000"]).await,
            world.call(&self.root, "CreateKey", &create).await,
        ] {
            let told = (refused.status, refused.code());
            assert_eq!(told, (400, "Rejected.LimitExceeded".to_owned()), "{refused:?}");
        }
        assert_eq!(kept(world, &self.instance).await, before);
    }
}

async fn an_account_let_in_no_longer_counts_for_five_minutes_also_after_a_restart(
    database: Database,
) {
    let world = World::new(database).await;
    let place = Place::of(&world).await;
    let other = Place::another_key(&world, &place.root, &place.instance).await;
    assert_eq!(place.set(&world, &place.key, &["2000"]).await.status, 200);
    place.is_full(&world, &other).await;
    // To let fewer in, and those who count still, is never refused.
    for others in [&[][..], &["2000"], &[]] {
        assert_eq!(place.set(&world, &place.key, others).await.status, 200, "{others:?}");
    }
    pass(&world, FIVE_MINUTES - 1).await;
    place.is_full(&world, &other).await;
    let world = world.stop().await.again().await;
    place.is_full(&world, &other).await;
    pass(&world, 1).await;
    assert_eq!(place.set(&world, &other, &["3000"]).await.status, 200);
    place.is_full(&world, &place.key).await;
    world.stop().await;
}

async fn what_is_deleted_counts_for_five_minutes_after_its_date(database: Database) {
    let world = World::new(database).await;
    let place = Place::of(&world).await;
    let dying = Place::another_key(&world, &place.root, &place.instance).await;
    assert_eq!(place.set(&world, &dying, &["2000"]).await.status, 200);
    let window = [("KeyId", &*dying), ("PendingWindowInDays", "7")];
    world.done(&place.root, "ScheduleKeyDeletion", &window).await;
    pass(&world, 7 * DAY + FIVE_MINUTES - 1).await;
    // Whether or not a task has removed it by now.
    let refused = place.set(&world, &place.key, &["3000"]).await;
    assert_eq!(refused.code(), "Rejected.LimitExceeded");
    removed(&world, "keys", &dying).await;
    place.is_full(&world, &place.key).await;
    pass(&world, 1).await;
    assert_eq!(place.set(&world, &place.key, &["3000"]).await.status, 200);
    world.stop().await;
}

async fn a_secret_counts_as_a_key_does(database: Database) {
    let world = World::new(database).await;
    let place = Place::of(&world).await;
    for (nth, how) in
        [("ForceDeleteWithoutRecovery", "true", 0), ("RecoveryWindowInDays", "7", 7 * DAY)]
            .into_iter()
            .enumerate()
    {
        let (name, (param, value, wait)) = (format!("secret-{nth}"), how);
        let made = place.create_secret(&world, &name, &["2000"]).await;
        assert_eq!(made.status, 200, "{made:?}");
        place.is_full(&world, &place.key).await;
        let delete = [("SecretName", &*name), (param, value)];
        world.done(&place.root, "DeleteSecret", &delete).await;
        pass(&world, wait + FIVE_MINUTES - 1).await;
        removed(&world, "secrets", &name).await;
        place.is_full(&world, &place.key).await;
        pass(&world, 1).await;
    }
    // One of the same name takes over what its forerunner held.
    for _ in 0..2 {
        assert_eq!(place.create_secret(&world, "again", &["2000"]).await.status, 200);
        let delete = [("SecretName", "again"), ("ForceDeleteWithoutRecovery", "true")];
        world.done(&place.root, "DeleteSecret", &delete).await;
    }
    world.stop().await;
}

/// Waits until the task that tidies up has removed a row.
async fn removed(world: &World, table: &str, name: &str) {
    while world.state().await[table].iter().any(|it| it.contains(name)) {
        tokio::task::yield_now().await;
    }
}

/// What a refusal must leave as it is: whatever seals may reserve seals all the same, and releases
/// that count no longer are pruned meanwhile.
async fn kept(world: &World, instance: &str) -> (BTreeMap<String, Vec<String>>, Vec<Release>) {
    let mut state = world.state().await;
    for free in ["key_versions", "access_releases"] {
        assert!(state.remove(free).is_some(), "no table {free}");
    }
    let since = world.clock.now().plus_seconds(-FIVE_MINUTES);
    let mut tx = world.node.store.read().await.unwrap();
    let mut releases = tx.releases_in(&instance.parse().unwrap(), since).await.unwrap();
    releases.sort_by(|a, b| a.name.cmp(&b.name));
    (state, releases)
}

/// Lets time pass, on all clocks. A shared store's lease is renewed by polls.
async fn pass(world: &World, seconds: i64) {
    world.clock.advance_seconds(seconds);
    while !world.node.lease.holds() {
        tokio::task::yield_now().await;
    }
}
