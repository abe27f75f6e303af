//! Making, opening and rotating the root key, on both engines; what is killed is done again.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use secrecy::SecretString;
use tempfile::TempDir;
use yaoku_crypto::{
    keyring::{CredentialPlace, Keyring, generation_of},
    random::SystemRandom,
    rootkey::{Generation, RootKey, WrappingPlace},
};
use yaoku_model::{
    ids::{AccountId, Region, WrapName},
    time::Timestamp,
};
use yaoku_store::{Store, WrappingKeyRow, testing::TestPostgres};
use yaoku_wire::error::Code;

use super::{
    NamedOpener, NewWrap, NewWrapHow, OpenedRoot, Opener, RootError, Share, WrapShares, create,
    open, open_or_create,
    rotation::{self, Progress, Step},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
const PASSPHRASE: &str = "correct horse battery staple";

/// A store that can be opened again, and a place for key files.
struct Place {
    url: String,
    dir: TempDir,
}

impl Place {
    fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite:{}", dir.path().join("store.db").display()), dir }
    }

    async fn postgres() -> Self {
        let url = TestPostgres::shared().new_database().await;
        Self { url, dir: tempfile::tempdir().unwrap() }
    }

    async fn store(&self) -> Arc<dyn Store> {
        yaoku_store::open(&self.url).await.unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Opens by key files of the same names as their wraps.
    async fn open(&self, names: &[&str]) -> Result<OpenedRoot, RootError> {
        let openers: Vec<_> =
            names.iter().map(|it| opener(it, Opener::KeyFile(self.file(it)))).collect();
        open(&*self.store().await, &region(), &openers).await
    }

    async fn create(&self, wraps: &[NewWrap]) -> Result<Vec<(WrapName, Vec<Share>)>, RootError> {
        create(&*self.store().await, &region(), wraps, &SystemRandom, NOW, &mut |_| Ok(())).await
    }

    fn key_file(&self, name: &str) -> NewWrap {
        NewWrap { name: wrap(name), how: NewWrapHow::KeyFile(self.file(name)) }
    }
}

fn region() -> Region {
    "cn-hangzhou".parse().unwrap()
}

fn wrap(name: &str) -> WrapName {
    name.parse().unwrap()
}

fn opener(name: &str, by: Opener) -> NamedOpener {
    NamedOpener { wrap: wrap(name), by }
}

fn passphrase(text: &str) -> SecretString {
    SecretString::from(text)
}

fn check(opened: &OpenedRoot) -> String {
    opened.roots.iter().map(|it| it.check().to_string()).collect()
}

fn sealed_because(opened: Result<OpenedRoot, RootError>) -> String {
    let error = opened.unwrap_err();
    assert!(matches!(error, RootError::Sealed(_)), "{error}");
    error.to_string()
}

/// Each as a test on SQLite and as one on PostgreSQL.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(super::Place::sqlite()).await })+
        }
        mod postgres {
            $(#[tokio::test] async fn $test() { super::$test(super::Place::postgres().await).await })+
        }
    };
}

on_both!(
    any_wrap_opens_the_same_root_key,
    killed_between_any_two_steps_a_rotation_is_finished,
    two_nodes_may_rotate_at_once,
);

async fn any_wrap_opens_the_same_root_key(place: Place) {
    assert!(matches!(place.open(&["file"]).await, Err(RootError::NotInitialised)));
    let words = NewWrapHow::Passphrase(passphrase(PASSPHRASE));
    let wraps = [
        place.key_file("file"),
        NewWrap { name: wrap("words"), how: words },
        NewWrap { name: wrap("split"), how: NewWrapHow::Shares { needed: 2, of: 3 } },
    ];
    let shares = place.create(&wraps).await.unwrap();
    let [(name, shares)] = &shares[..] else { panic!("{shares:?}") };
    assert_eq!((name.as_str(), shares.len()), ("split", 3));
    let first = check(&place.open(&["file"]).await.unwrap());

    // The file is lost, and the passphrase wrong: the shares open it still.
    fs::remove_file(place.file("file")).unwrap();
    let given = |words: &str, count: usize| {
        [
            opener("file", Opener::KeyFile(place.file("file"))),
            opener("words", Opener::Passphrase(passphrase(words))),
            opener("split", Opener::Shares(shares[3 - count..].to_vec())),
        ]
    };
    let store = place.store().await;
    let opened = open(&*store, &region(), &given("a wrong passphrase", 2)).await.unwrap();
    assert_eq!(check(&opened), first);
    let opened = open(&*store, &region(), &given(PASSPHRASE, 1)).await.unwrap();
    assert_eq!(check(&opened), first);
    let why = sealed_because(open(&*store, &region(), &given("a wrong passphrase", 1)).await);
    for part in [
        "file: there is no such file",
        "words: it does not open the root key",
        "split: 1 of 2 shares that are needed were given",
    ] {
        assert!(why.contains(part), "{why}");
    }
    assert!(!why.contains("a wrong passphrase"), "{why}");
}

#[tokio::test]
async fn a_root_key_is_made_once_and_needs_a_wrap() {
    let place = Place::sqlite();
    assert!(matches!(place.create(&[]).await, Err(RootError::NoWraps)));
    let twice = [place.key_file("a"), place.key_file("a")];
    assert!(matches!(place.create(&twice).await, Err(RootError::NameTaken(_))));
    let weak = NewWrapHow::Passphrase(passphrase("short"));
    let weak = [place.key_file("a"), NewWrap { name: wrap("b"), how: weak }];
    assert!(matches!(place.create(&weak).await, Err(RootError::Wrap(..))));
    // What was interrupted so, after its file was written, is done again with that file.
    let file = fs::read(place.file("a")).unwrap();
    assert!(matches!(place.open(&["a"]).await, Err(RootError::NotInitialised)));
    place.create(&[place.key_file("a")]).await.unwrap();
    assert_eq!(fs::read(place.file("a")).unwrap(), file);
    let first = check(&place.open(&["a"]).await.unwrap());
    assert!(matches!(
        place.create(&[place.key_file("b")]).await,
        Err(RootError::AlreadyInitialised)
    ));
    assert!(!place.file("b").exists(), "a file was written in vain");
    assert_eq!(check(&place.open(&["a"]).await.unwrap()), first);
}

#[tokio::test]
async fn shares_that_cannot_be_shown_open_nothing() {
    let place = Place::sqlite();
    let store = place.store().await;
    let split = NewWrap { name: wrap("s"), how: NewWrapHow::Shares { needed: 2, of: 3 } };
    let wraps = [place.key_file("a"), split];
    let mut fail = |shares: &[WrapShares]| {
        assert_eq!(shares[0].1.len(), 3);
        Err(std::io::ErrorKind::StorageFull.into())
    };
    let failed = create(&*store, &region(), &wraps, &SystemRandom, NOW, &mut fail).await;
    assert!(matches!(failed, Err(RootError::NotShown(_))));
    assert!(matches!(place.open(&["a"]).await, Err(RootError::NotInitialised)));
    place.create(&wraps).await.unwrap();
    place.open(&["a"]).await.unwrap();
}

#[tokio::test]
async fn what_is_unsafe_or_of_another_store_does_not_open() {
    let (place, other) = (Place::sqlite(), Place::sqlite());
    place.create(&[place.key_file("a")]).await.unwrap();
    other.create(&[other.key_file("a")]).await.unwrap();
    let elsewhere = [opener("a", Opener::KeyFile(other.file("a")))];
    let store = place.store().await;
    let why = sealed_because(open(&*store, &region(), &elsewhere).await);
    assert!(why.contains("does not open the root key"), "{why}");
    assert!(sealed_because(place.open(&["b"]).await).contains("no wrap of that name"));
    assert!(sealed_because(place.open(&[]).await).contains("nothing to open it with"));
    let kind = [opener("a", Opener::Passphrase(passphrase(PASSPHRASE)))];
    let why = sealed_because(open(&*store, &region(), &kind).await);
    assert!(why.contains("of kind key-file"), "{why}");
    fs::set_permissions(place.file("a"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(sealed_because(place.open(&["a"]).await).contains("0600"));
    let beijing = "cn-beijing".parse().unwrap();
    let opened = open(&*store, &beijing, &elsewhere).await;
    assert!(matches!(opened, Err(RootError::OtherRegion(it)) if it == "cn-hangzhou"));
}

/// What version 0.1.0 kept: the root key in a file, its check value in the store, and no wraps.
fn of_old(place: &Place, byte: &str, root: &str) {
    let text =
        format!("yaoku root key 1\ngeneration: 1\ncheck: {root}\nkey: {}\n", byte.repeat(32));
    fs::write(place.file("root.key"), text).unwrap();
    fs::set_permissions(place.file("root.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_store_from_before_wraps_is_adopted() {
    // HKDF-Expand, by another implementation (Python).
    const CHECK_AB: &str = "86dd71ecf7547fe30637f2f54f871b063841706d23f6623904a6a8565bcf650b";
    let place = Place::sqlite();
    let store = place.store().await;
    let mut tx = store.write().await.unwrap();
    tx.put_setting("region", "cn-hangzhou").await.unwrap();
    tx.put_setting("root-key-check", CHECK_AB).await.unwrap();
    tx.commit().await.unwrap();
    let region = region();
    let again = || open_or_create(&*store, &region, place.file("root.key"), &SystemRandom, NOW);
    assert!(sealed_because(again().await).contains("no such file"));
    of_old(&place, "ab", CHECK_AB);
    for _ in 0..2 {
        let opened = again().await.unwrap();
        assert_eq!(check(&opened), CHECK_AB);
        let wraps = store.read().await.unwrap().wraps().await.unwrap();
        assert_eq!((wraps.len(), wraps[0].name.as_str()), (1, "key-file"));
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_wrap(&wrap("key-file")).await.unwrap();
    tx.put_setting("root-key-check", &"0".repeat(64)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(again().await, Err(RootError::WrongRootKey(_))));
}

/// As many wrapping keys as take three batches, and something sealed by each.
const KEYS: usize = 130;

/// A node's part in this, without the rest of it.
struct Ring {
    store: Arc<dyn Store>,
    keyring: Keyring,
    opened: OpenedRoot,
}

impl Ring {
    /// As at a start.
    async fn load(place: &Place, names: &[&str]) -> Self {
        let mut opened = place.open(names).await.unwrap();
        let keyring = Keyring::new(std::mem::take(&mut opened.roots));
        Self { store: place.store().await, keyring, opened }
    }

    async fn begin(&self) -> Result<Generation, crate::error::ApiError> {
        let mut tx = self.store.write().await.unwrap();
        let begun = rotation::begin(tx.tx(), &self.opened.held, &[], &SystemRandom).await?;
        tx.commit().await.unwrap();
        Ok(begun)
    }

    async fn step(&self) -> Result<Step, RootError> {
        rotation::step(&*self.store, &self.keyring, &self.opened.held, &SystemRandom).await
    }

    async fn finish(&self) {
        while self.step().await.unwrap() != Step::Idle {}
    }

    async fn progress(&self) -> Progress {
        let mut tx = self.store.read().await.unwrap();
        rotation::progress(tx.tx()).await.unwrap()
    }

    /// Makes an account's wrapping key under a generation.
    async fn add(&self, account: &AccountId, generation: Generation) {
        let owner = WrappingPlace { account, instance: None };
        let sealed = self.keyring.create(&owner, generation, &SystemRandom).unwrap();
        self.keyring.load(&owner, &sealed).unwrap();
        let row = WrappingKeyRow { account: account.clone(), instance: None, sealed };
        let mut tx = self.store.write().await.unwrap();
        tx.insert_wrapping_key(&row).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn rows(&self) -> Vec<WrappingKeyRow> {
        self.store.read().await.unwrap().wrapping_keys().await.unwrap()
    }
}

fn account(number: usize) -> AccountId {
    format!("{:016}", number + 1).parse().unwrap()
}

const CREDENTIAL: CredentialPlace<'static> = CredentialPlace { kind: "test", id: "one" };

/// A deployment with two wraps, and a secret of each account.
async fn deployment(place: &Place) -> Vec<Vec<u8>> {
    place.create(&[place.key_file("a"), place.key_file("b")]).await.unwrap();
    let ring = Ring::load(place, &["a", "b"]).await;
    let mut tx = ring.store.write().await.unwrap();
    let mut secrets = Vec::new();
    for account in (0..KEYS).map(account) {
        let owner = WrappingPlace { account: &account, instance: None };
        let sealed = ring.keyring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
        ring.keyring.load(&owner, &sealed).unwrap();
        let secret = account.as_str().as_bytes();
        let secret = ring.keyring.seal_credential(&owner, &CREDENTIAL, secret, &SystemRandom);
        secrets.push(secret.unwrap());
        let row = WrappingKeyRow { account, instance: None, sealed };
        tx.insert_wrapping_key(&row).await.unwrap();
    }
    tx.commit().await.unwrap();
    secrets
}

/// What was sealed before all this opens.
fn all_opens(ring: &Ring, secrets: &[Vec<u8>]) {
    for (number, sealed) in secrets.iter().enumerate() {
        let account = account(number);
        let owner = WrappingPlace { account: &account, instance: None };
        let opened = ring.keyring.open_credential(&owner, &CREDENTIAL, sealed).unwrap();
        assert_eq!(*opened, account.as_str().as_bytes());
    }
}

async fn killed_between_any_two_steps_a_rotation_is_finished(place: Place) {
    let secrets = deployment(&place).await;
    let mut generation = Generation::FIRST;
    // Three batches, the end, and (with 5) not killed at all.
    for steps in 0..=5 {
        let ring = Ring::load(&place, &["a", "b"]).await;
        let next = ring.begin().await.unwrap();
        assert_eq!(Some(next), generation.next());
        for _ in 0..steps {
            ring.step().await.unwrap();
        }
        drop(ring);
        // Killed. Either wrap is enough for the next start, and that finishes it.
        let ring = Ring::load(&place, &[["a", "b"][steps % 2]]).await;
        let progress = ring.progress().await;
        assert_eq!(progress.done, KEYS.min(steps * 64), "{steps}");
        assert_eq!((progress.total, progress.rotating), (KEYS, steps < 4), "{steps}");
        ring.finish().await;
        all_opens(&ring, &secrets);
        assert_eq!(ring.keyring.generations(), [next], "the old one is forgotten");
        assert!(ring.rows().await.iter().all(|it| generation_of(&it.sealed) == Ok(next)));
        let wraps = ring.store.read().await.unwrap().wraps().await.unwrap();
        assert!(wraps.len() == 2 && wraps.iter().all(|it| it.generation == next.0));
        for name in ["a", "b"] {
            let again = Ring::load(&place, &[name]).await;
            again.step().await.unwrap();
            all_opens(&again, &secrets);
        }
        generation = next;
    }
}

async fn two_nodes_may_rotate_at_once(place: Place) {
    let secrets = deployment(&place).await;
    let one = Ring::load(&place, &["a", "b"]).await;
    // It has one wrap alone: enough to follow, too little to begin.
    let two = Ring::load(&place, &["b"]).await;
    let refused = two.begin().await.unwrap_err();
    assert_eq!(refused.code(), Code::StateModifiedFailed);
    assert!(refused.refusal().to_string().contains("Not open here: a."), "{refused}");
    let new = one.begin().await.unwrap();
    assert_eq!(one.begin().await.unwrap_err().code(), Code::StateModifiedFailed);
    // Neither has heard of the other's account yet; the old generation still has one coming in.
    two.add(&account(KEYS), Generation::FIRST).await;
    one.step().await.unwrap();
    one.add(&account(KEYS + 1), new).await;
    loop {
        // On PostgreSQL one of two may lose, and tries again.
        let (first, second) = tokio::join!(one.step(), two.step());
        if matches!((&first, &second), (Ok(Step::Idle), Ok(Step::Idle))) {
            break;
        }
        for step in [first, second] {
            assert!(matches!(step, Ok(_) | Err(RootError::Store(_))), "{step:?}");
        }
    }
    for ring in [&one, &two] {
        all_opens(ring, &secrets);
        assert_eq!(ring.keyring.generations(), [new]);
        for number in [KEYS, KEYS + 1] {
            let account = account(number);
            assert!(ring.keyring.has(&WrappingPlace { account: &account, instance: None }));
        }
    }
    assert_eq!(
        one.progress().await,
        Progress { newest: new, rotating: false, done: KEYS + 2, total: KEYS + 2 }
    );
}

#[tokio::test]
async fn many_wrapping_keys_fit_in_the_arena() {
    let owners = (0..10_000).map(account).collect::<Vec<_>>();
    let keyring = Keyring::new([RootKey::generate(Generation::FIRST, &SystemRandom).unwrap()]);
    for account in &owners {
        let owner = WrappingPlace { account, instance: None };
        let sealed = keyring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
        keyring.load(&owner, &sealed).unwrap();
    }
}
