//! How segments are compressed and pruned, and what a power cut leaves of them.

use std::{fs, time::Duration};

use super::{World, actions, append, ids, tampered, told};
use crate::{
    audit::{Fault, Options, segment::packed_path, segment::segments, writer::Watch},
    disk::testing::Trouble,
};

#[test]
fn closed_segments_are_compressed_and_prove_and_tell_the_same() {
    let (world, head) = World::three_segments();
    let (before, plain) = (world.verify(Some(head)), fs::metadata(world.segment(1)).unwrap().len());
    let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
    for _ in 0..4 {
        journal.look(&mut watch);
    }
    assert!(!world.segment(1).exists());
    assert!(fs::metadata(packed_path(&world.home(), 1)).unwrap().len() < plain);
    assert_eq!(world.verify(Some(head)), before);
    assert_eq!(told(&world), ids(0..15));
    drop(journal);
    assert!(world.open(Some(head)).is_ok());
}

#[test]
fn compressing_waits_while_much_is_written() {
    let world = World::new();
    let (journal, mut watch) = (world.open(None).unwrap(), Watch::default());
    for n in 0..2_000 {
        append(&journal, n).unwrap();
    }
    world.clock.advance_seconds(86_400);
    world.tick(&journal);
    journal.look(&mut watch);
    assert!(world.segment(1).exists() && !packed_path(&world.home(), 1).exists());
    journal.look(&mut watch);
    assert!(!world.segment(1).exists() && journal.noticed().is_none());
}

#[test]
fn a_kill_while_compressing_leaves_a_journal_in_order() {
    let (world, head) = World::three_segments();
    let plain = fs::read(world.segment(1)).unwrap();
    let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
    journal.look(&mut watch);
    drop(journal);
    // Both are there, and the compressed one may be anything.
    fs::write(world.segment(1), plain).unwrap();
    fs::write(packed_path(&world.home(), 1), "half").unwrap();
    assert_eq!(world.verify(Some(head)).problems, []);
    let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
    for _ in 0..4 {
        journal.look(&mut watch);
    }
    assert!(journal.noticed().is_none() && !world.segment(1).exists());
    assert_eq!(told(&world), ids(0..15));
}

#[test]
fn without_room_nothing_is_compressed_and_nothing_is_lost() {
    let (world, head) = World::three_segments();
    let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
    world.disk.set_free(Some(world.options.reserve_bytes - 1));
    journal.look(&mut watch);
    assert!(world.segment(1).exists());
    world.disk.set_free(None);
    world.clock.advance_seconds(60);
    world.disk.set(Some(Trouble::Full));
    journal.look(&mut watch);
    assert!(world.segment(1).exists());
    world.disk.set(None);
    world.clock.advance_seconds(60);
    journal.look(&mut watch);
    assert!(!world.segment(1).exists() && journal.noticed().is_none());
    assert_eq!(told(&world), ids(0..15));
}

/// The same journal, by another policy.
fn keep(world: &World, options: Options) -> World {
    let (disk, clock) = (world.disk.clone(), world.clock.clone());
    let data = tempfile::TempDir::new().unwrap();
    fs::create_dir(data.path().join("audit")).unwrap();
    fs::rename(world.home(), data.path().join("audit/node-1")).unwrap();
    World { data, disk, clock, node: world.node.clone(), options }
}

/// Goes on until three more segments are begun, watched.
fn go_on(world: &World, days: i64, store_knows: bool) {
    let (journal, mut watch) = (world.open(None).unwrap(), Watch::default());
    for n in 15..30 {
        append(&journal, n).unwrap();
        if n % 5 == 4 {
            world.clock.advance_seconds(days * 86_400);
            world.tick(&journal);
            for _ in 0..4 {
                journal.look(&mut watch);
            }
            if store_knows {
                journal.store_knows(journal.head());
            }
        }
    }
    journal.finish();
    assert_eq!(journal.noticed(), None);
}

#[test]
fn what_is_old_or_too_much_is_pruned_and_the_rest_still_proves() {
    let (days, bytes) = (
        Options { segment_bytes: 2000, keep_days: Some(2), ..Options::default() },
        Options { segment_bytes: 2000, keep_bytes: Some(1500), ..Options::default() },
    );
    for (what, options) in [("days", days), ("bytes", bytes)] {
        let world = keep(&World::three_segments().0, options);
        go_on(&world, 1, true);
        let report = world.verify(None);
        assert_eq!(report.problems, [], "{what}");
        let gap = &report.gaps[0];
        assert!(gap.first == 1 && gap.last > 1 && gap.accepted.is_none(), "{what}: {gap:?}");
        let kept = segments(&world.home()).unwrap();
        assert_eq!(kept[0], gap.last + 1, "{what}: gone are those, and no others");
        assert!(world.open(None).is_ok(), "{what}");
        // By hand is another thing.
        fs::remove_file(packed_path(&world.home(), kept[0])).unwrap();
        assert_eq!(world.verify(None).problems[0].what, Fault::SegmentMissing, "{what}");
        assert_eq!(tampered(&world.open(None)), Some(Fault::SegmentMissing), "{what}");
    }
}

#[test]
fn nothing_is_pruned_that_the_store_does_not_know() {
    let options = Options {
        segment_bytes: 2000,
        keep_days: Some(2),
        keep_bytes: Some(1),
        ..Options::default()
    };
    let world = keep(&World::three_segments().0, options);
    go_on(&world, 1, false);
    assert_eq!((world.verify(None).gaps, told(&world).len()), (vec![], 30));
}

#[test]
fn nothing_is_pruned_by_itself() {
    let options = Options { segment_bytes: 2000, ..Options::default() };
    let world = keep(&World::three_segments().0, options);
    go_on(&world, 1000, true);
    assert_eq!((world.verify(None).gaps, told(&world).len()), (vec![], 30));
}

#[test]
fn a_segment_is_followed_by_the_next_after_a_day_if_it_holds_an_event() {
    let options = Options { segment_age: Duration::from_hours(24), ..Options::default() };
    let world = World { options, ..World::new() };
    let journal = world.open(None).unwrap();
    let day = || {
        world.clock.advance_seconds(86_400);
        journal.tick();
    };
    day();
    assert_eq!(segments(&world.home()).unwrap(), [1], "no event, no new segment");
    append(&journal, 1).unwrap();
    day();
    day();
    assert_eq!(segments(&world.home()).unwrap(), [1, 2]);
}

#[test]
fn a_table_that_is_gone_or_forged_only_costs_time() {
    for forged in [None, Some("yaoku closed segments 1\n2 x\nsignature\n"), Some("")] {
        let (world, head) = World::three_segments();
        let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
        for _ in 0..4 {
            journal.look(&mut watch);
        }
        drop(journal);
        let table = world.home().join("closed");
        fs::remove_file(&table).unwrap();
        if let Some(text) = forged {
            fs::write(&table, text).unwrap();
        }
        assert!(world.open(Some(head)).is_ok(), "{forged:?}");
        fs::remove_file(packed_path(&world.home(), 1)).unwrap();
        assert!(tampered(&world.open(Some(head))).is_some(), "{forged:?}");
    }
}

#[test]
fn after_a_power_cut_what_was_synced_is_there_and_the_journal_is_in_order() {
    for seed in 0..60 {
        let options = Options {
            segment_bytes: 2000,
            keep_bytes: (seed % 2 == 0).then_some(1500),
            ..Options::default()
        };
        let world = World { options, ..World::new() };
        let mut known = None;
        for round in 0..3 {
            let (journal, mut watch) = (world.open(known).unwrap(), Watch::default());
            for n in 0..4 + seed % 7 {
                append(&journal, round * 100 + n).unwrap();
                if n % 3 == 0 {
                    world.tick(&journal);
                    journal.look(&mut watch);
                }
            }
            known = Some(journal.head());
            world.disk.cut_power();
            drop(journal);
            world.disk.power_on(seed).unwrap();
        }
        let journal = world.open(known).unwrap();
        journal.finish();
        assert_eq!(world.verify(known).problems, [], "{seed}");
        assert!(!actions(&world).is_empty(), "{seed}");
    }
}
