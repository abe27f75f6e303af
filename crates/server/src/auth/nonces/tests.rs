//! What is promised of nonces.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tempfile::TempDir;
use yaoku_model::{identity::Identity, random::testing::Counting, time::Timestamp};

use super::{Doubt, Holder, Nonces, Refused, Setup};
use crate::disk::testing::{FaultyDisk, Trouble};

const BOOT: &str = "5f0c7a52-6d5f-4a5c-8d3c-0e3b6c1f2a90\n";

/// A data directory, and who opens it.
struct World {
    data: TempDir,
    disk: Arc<FaultyDisk>,
    max: usize,
}

impl World {
    fn new() -> Self {
        Self { data: TempDir::new().unwrap(), disk: Arc::default(), max: 1000 }
    }

    fn open(&self, new: bool, boot_id: &str, now: i64) -> (Nonces, Doubt) {
        let setup = Setup {
            data: self.data.path(),
            new,
            now: at(now),
            boot_id,
            random: &Counting::default(),
            disk: self.disk.clone(),
            max_entries: self.max,
        };
        Nonces::open(&setup).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.home())
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter(|it| it.ends_with(".nonces"))
            .collect();
        names.sort();
        names
    }

    fn home(&self) -> std::path::PathBuf {
        self.data.path().join("nonces")
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_795_295_000 + second)
}

/// Uses a nonce; says what came of it.
fn use_nonce(to: &Nonces, key: &str, nonce: &str, timestamp: i64, now: i64) -> &'static str {
    // The keys `a-1` and `a-2` are of the user `a`, and `2.a` is of another account's.
    let (account, key) = key.split_once('.').unwrap_or(("1", key));
    let account = account.parse().unwrap();
    let user = Identity::User(key.split('-').next().unwrap().parse().unwrap());
    let (holder, key) = (Holder(&account, &user), key.parse().unwrap());
    let taken = to.check_and_remember(&holder, &key, nonce, at(timestamp), at(now));
    match taken.and_then(|()| Ok(to.write_down(at(now))?)) {
        Ok(()) => "taken",
        Err(Refused::Seen) => "seen",
        Err(Refused::TooEarly) => "too early",
        Err(Refused::Full) => "full",
        Err(Refused::Io(_)) => "io",
    }
}

#[test]
fn a_nonce_is_good_once_for_an_access_key() {
    let world = World::new();
    let (nonces, doubt) = world.open(true, BOOT, 0);
    assert_eq!(doubt, Doubt::None);
    for (key, nonce, timestamp, expected) in [
        ("a", "n", 0, "taken"),
        ("a", "n", 0, "seen"),
        ("a", "n", 5, "seen"),
        ("a", "N", 0, "taken"),
        ("b", "n", 0, "taken"),
        ("an", "", 0, "taken"),
        ("a", "", 0, "taken"),
    ] {
        assert_eq!(use_nonce(&nonces, key, nonce, timestamp, 1), expected, "{key} {nonce}");
    }
}

#[test]
fn nothing_is_forgotten_while_its_timestamp_is_good() {
    let world = World::new();
    let (nonces, _) = world.open(true, BOOT, 0);
    // The earliest and the latest timestamp that the window lets in.
    assert_eq!(use_nonce(&nonces, "a", "old", -900, 0), "taken");
    assert_eq!(use_nonce(&nonces, "a", "new", 900, 0), "taken");
    assert_eq!(use_nonce(&nonces, "a", "old", -900, 0), "seen");
    for now in [1, 899, 900, 1799, 1800] {
        assert_eq!(use_nonce(&nonces, "a", "new", 900, now), "seen", "{now}");
    }
    assert_eq!(nonces.len(), 1, "what is over is dropped");
    assert_eq!(use_nonce(&nonces, "a", "other", 1802, 1802), "taken");
    assert_eq!(nonces.len(), 1);
    // The clock goes back: what was dropped is not let in again.
    assert_eq!(use_nonce(&nonces, "a", "new", 900, 900), "too early");
}

#[test]
fn a_replay_is_refused_after_a_kill_too() {
    let world = World::new();
    for (start, new) in [(0, true), (1, false), (2, false)] {
        let (nonces, doubt) = world.open(new, BOOT, start);
        assert_eq!((doubt, nonces.refuse_before()), (Doubt::None, None));
        assert_eq!(use_nonce(&nonces, "a", &format!("n{start}"), start - 60, start), "taken");
        for seen in 0..=start {
            assert_eq!(use_nonce(&nonces, "a", &format!("n{seen}"), seen - 60, start), "seen");
        }
    }
}

#[test]
fn a_closed_journal_is_good_over_a_boot() {
    let world = World::new();
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_nonce(&nonces, "a", "n", 0, 0), "taken");
    nonces.close(at(0)).unwrap();
    assert_eq!(use_nonce(&nonces, "a", "late", 0, 0), "io", "closed is closed");
    let (nonces, doubt) = world.open(false, "another-boot", 10);
    assert_eq!((doubt, nonces.refuse_before()), (Doubt::None, None));
    assert_eq!(use_nonce(&nonces, "a", "n", 0, 10), "seen");
}

#[test]
fn after_the_machine_went_down_old_timestamps_are_refused_until_they_expire() {
    let world = World::new();
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_nonce(&nonces, "a", "n", 9, 9), "taken");
    let (nonces, doubt) = world.open(false, "another-boot", 10);
    assert_eq!((doubt, nonces.refuse_before()), (Doubt::MachineWentDown, Some(at(9))));
    assert_eq!(use_nonce(&nonces, "a", "lost", 8, 10), "too early");
    assert_eq!(use_nonce(&nonces, "a", "n", 9, 10), "seen", "what is there still counts");
    assert_eq!(use_nonce(&nonces, "a", "fresh", 9, 10), "taken");
    // Another start does not make the lost ones known.
    let (nonces, doubt) = world.open(false, "another-boot", 20);
    assert_eq!((doubt, nonces.refuse_before()), (Doubt::None, Some(at(9))));
    assert_eq!(use_nonce(&nonces, "a", "lost", 8, 20), "too early");
}

#[test]
fn a_journal_that_is_not_whole_refuses_old_timestamps() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("all of it", |home| fs::remove_dir_all(home).unwrap()),
        ("the key", |home| fs::remove_file(home.join("key")).unwrap()),
        ("the note", |home| fs::remove_file(home.join("state")).unwrap()),
        ("the note's text", |home| fs::write(home.join("state"), "2 x").unwrap()),
        ("a file", |home| fs::remove_file(home.join("00000001.nonces")).unwrap()),
    ];
    for (what, damage) in damages {
        let world = World::new();
        let (nonces, _) = world.open(true, BOOT, 0);
        assert_eq!(use_nonce(&nonces, "a", "n", 0, 0), "taken");
        nonces.close(at(0)).unwrap();
        damage(&world.home());
        let (nonces, doubt) = world.open(false, BOOT, 10);
        assert_eq!((doubt, nonces.refuse_before()), (Doubt::Missing, Some(at(9))), "{what}");
        assert_eq!(use_nonce(&nonces, "a", "n", 0, 10), "too early", "{what}");
        assert_eq!(use_nonce(&nonces, "a", "m", 9, 10), "taken", "{what}");
    }
}

#[test]
fn a_record_that_was_cut_is_passed_over() {
    let world = World::new();
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_nonce(&nonces, "a", "n", 0, 0), "taken");
    world.disk.set(Some(Trouble::Full));
    assert_eq!(use_nonce(&nonces, "a", "cut", 0, 0), "io");
    world.disk.set(None);
    assert_eq!(use_nonce(&nonces, "a", "m", 0, 0), "taken", "it recovers by itself");
    let (nonces, _) = world.open(false, BOOT, 1);
    for nonce in ["n", "m"] {
        assert_eq!(use_nonce(&nonces, "a", nonce, 0, 1), "seen", "{nonce}");
    }
    assert_eq!(nonces.len(), 3, "the one whose call was refused is written with the next");
}

/// Uses nonces until one is refused for want of room; says how many were taken.
fn use_all(to: &Nonces, key: &str, now: i64) -> usize {
    let taken = |n: &usize| use_nonce(to, key, &format!("all{n}"), now, now) == "taken";
    (0..10_000).take_while(taken).count()
}

#[test]
fn the_busiest_is_throttled_and_nothing_forgotten() {
    let world = World { max: 200, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_all(&nonces, "busy", 0), 100, "half of the bound");
    assert_eq!(use_all(&nonces, "quiet", 0), 50, "half of what the busiest has");
    for key in ["busy", "quiet"] {
        assert_eq!(use_nonce(&nonces, key, "more", 0, 0), "full");
        assert_eq!(use_nonce(&nonces, key, "all49", 0, 900), "seen");
    }
    assert_eq!(nonces.len(), 150);
    assert_eq!(use_nonce(&nonces, "busy", "more", 902, 902), "taken", "there is room again");
}

#[test]
fn a_second_access_key_of_a_user_has_no_part_of_its_own() {
    let world = World { max: 200, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_all(&nonces, "busy-1", 0), 100);
    assert_eq!(use_all(&nonces, "busy-2", 0), 0);
    assert_eq!(use_all(&nonces, "quiet-1", 0), 50);
}

#[test]
fn one_that_takes_all_it_can_costs_others_nothing() {
    let world = World { max: 240, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    assert_eq!(use_all(&nonces, "busy", 0), 120);
    for n in 0..30 {
        assert_eq!(use_nonce(&nonces, &format!("quiet{n}"), "n", 0, 0), "taken", "{n}");
    }
    assert_eq!(use_all(&nonces, "honest", 0), 60, "far more than an equal part");
}

#[test]
fn nobody_with_less_than_an_equal_part_is_refused_whatever_others_do() {
    let world = World { max: 240, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    let mut most = 240;
    for n in 1..=12 {
        // Each takes all it can: the first three have the bound.
        let taken = use_all(&nonces, &format!("k{n}"), 0);
        assert_eq!(taken, if n == 3 { 60 } else { 120 / n }, "{n}");
        most += 120 / n;
    }
    assert!(nonces.len() <= most, "what is promised of memory");
    assert_eq!(use_all(&nonces, "honest", 0), 120 / 13);
}

#[test]
fn an_account_with_many_users_costs_another_account_nothing() {
    let world = World { max: 240, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    for n in 0..200 {
        use_all(&nonces, &format!("1.user{n}"), 0);
    }
    assert!(nonces.len() >= 240, "the bound is reached: {}", nonces.len());
    assert_eq!(use_all(&nonces, "2.first", 0), 60, "half of the half, as one of two accounts");
    assert_eq!(use_nonce(&nonces, "2.second", "n", 0, 0), "taken", "a part of its account's");
    assert_eq!(use_nonce(&nonces, "1.user0", "more", 0, 0), "full");
}

#[test]
fn files_are_removed_when_all_in_them_is_over() {
    let world = World::new();
    let (nonces, _) = world.open(true, BOOT, 0);
    for now in (0..9000).step_by(100) {
        assert_eq!(use_nonce(&nonces, "a", &now.to_string(), now, now), "taken");
    }
    assert!(world.files().len() <= 3, "{:?}", world.files());
    let (nonces, _) = world.open(false, BOOT, 9000);
    assert_eq!(nonces.len(), 9, "those of the last 15 minutes");
    for now in [20_000, 20_001, 20_002] {
        drop(world.open(false, BOOT, now));
    }
    assert_eq!(world.files().len(), 1, "restarts leave nothing behind");
}

#[test]
fn of_many_threads_with_the_same_nonce_one_wins() {
    let world = World { max: 100_000, ..World::new() };
    let (nonces, _) = world.open(true, BOOT, 0);
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..1000 {
                    let nonce = n.to_string();
                    if use_nonce(&nonces, "a", &nonce, n % 7, n / 100) == "taken" {
                        taken.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!((taken.into_inner(), nonces.len()), (1000, 1000));
    let (nonces, _) = world.open(false, BOOT, 1);
    assert_eq!(nonces.len(), 1000);
}
