//! What somebody may do to the files, while they are watched and while they are not; and how an
//! operator goes on.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::FileExt as _,
    path::Path,
    time::Duration,
};

use yaoku_model::time::Clock as _;

use super::{Hash, World, actions, append, delete, signer, tampered};
use crate::audit::{
    Accepted, AuditError, Fault, Gap, Head, HeadSigner, Report, Setup, accept,
    segment::packed_path,
    verify,
    writer::{Beginning, Place, Shared, Started, Watch},
};

/// Puts `with` into the middle of a file. Its size and its time of writing stay as they were.
fn rewrite_quietly(path: &Path, with: &[u8]) {
    let file = File::options().write(true).open(path).unwrap();
    let it = file.metadata().unwrap();
    file.write_all_at(with, it.len() / 2).unwrap();
    file.set_modified(it.modified().unwrap()).unwrap();
}

fn swap(one: &Path, other: &Path) {
    let aside = one.with_extension("aside");
    fs::rename(one, &aside).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(aside, other).unwrap();
}

/// Four segments, watched: the first three are closed and compressed.
fn watched() -> (World, Shared, Watch, Head) {
    let (world, head) = World::three_segments();
    let (journal, mut watch) = (world.open(Some(head)).unwrap(), Watch::default());
    for _ in 0..5 {
        journal.look(&mut watch);
    }
    assert_eq!(journal.noticed(), None);
    assert!(packed_path(&world.home(), 3).exists(), "compressed");
    (world, journal, watch, head)
}

/// The same, stopped and then attacked; with the last head that the store was told.
pub(super) fn attacked(attack: Attack) -> (World, Head) {
    let (world, journal, _, _) = watched();
    journal.finish();
    let head = journal.head();
    drop(journal);
    attack(&world);
    (world, head)
}

pub(super) type Attack = fn(&World);

/// What is done to old segments.
pub(super) const ATTACKS: [(&str, Attack); 6] = [
    ("deleted", |it| fs::remove_file(packed_path(&it.home(), 2)).unwrap()),
    ("cut", |it| {
        let file = File::options().write(true).open(packed_path(&it.home(), 1)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    }),
    ("rewritten", |it| rewrite_quietly(&packed_path(&it.home(), 3), b"x")),
    ("lengthened", |it| {
        let mut file = File::options().append(true).open(packed_path(&it.home(), 2)).unwrap();
        file.write_all(b"more").unwrap();
    }),
    ("swapped", |it| swap(&packed_path(&it.home(), 1), &packed_path(&it.home(), 2))),
    ("put in its place", |it| {
        fs::copy(packed_path(&it.home(), 1), packed_path(&it.home(), 2)).unwrap();
    }),
];

#[test]
fn an_attack_on_old_segments_is_noticed_in_the_next_round_and_at_the_next_start() {
    for (what, attack) in ATTACKS {
        let (world, journal, mut watch, _) = watched();
        attack(&world);
        journal.look(&mut watch);
        assert!(journal.noticed().is_some(), "{what}");
        assert!(actions(&world).contains(&"audit:Noticed".to_owned()), "{what}: it says so itself");
        append(&journal, 99).unwrap();
        journal.finish();
        let head = journal.head();
        assert!(!world.verify(Some(head)).problems.is_empty(), "{what}: the proof");
        assert!(tampered(&world.open(Some(head))).is_some(), "{what}: at the next start");
    }
}

#[test]
fn an_attack_on_old_segments_while_nothing_runs_is_noticed_at_start() {
    for (what, attack) in ATTACKS {
        let (world, head) = attacked(attack);
        assert!(tampered(&world.open(Some(head))).is_some(), "{what}");
    }
}

#[test]
fn a_quiet_rewrite_of_the_open_segment_is_noticed_in_the_next_round() {
    let (world, mut watch) = (World::new(), Watch::default());
    let journal = world.open(None).unwrap();
    for n in 0..9 {
        append(&journal, n).unwrap();
    }
    journal.look(&mut watch);
    assert_eq!(journal.noticed(), None);
    rewrite_quietly(&world.segment(1), b"x");
    append(&journal, 9).unwrap();
    journal.look(&mut watch);
    assert_eq!(journal.noticed(), Some(Fault::Changed));
}

#[test]
fn what_leaves_no_trace_is_found_when_the_segment_is_read_again() {
    let (world, journal, mut watch, _) = watched();
    // As if the kernel's clock had been set: the file looks as it did.
    rewrite_quietly(&packed_path(&world.home(), 2), b"x");
    let seen = crate::audit::closed::Seen::of(&world.home(), 2).unwrap();
    journal.saw(2, seen);
    for _ in 0..4 {
        world.clock.advance_seconds(10);
        journal.look(&mut watch);
    }
    assert_eq!(journal.noticed(), Some(Fault::Changed));
}

#[test]
fn a_touched_file_whose_content_is_right_is_no_damage() {
    let (world, journal, mut watch, head) = watched();
    let path = packed_path(&world.home(), 2);
    let copy = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, copy).unwrap();
    journal.look(&mut watch);
    assert_eq!(journal.noticed(), None);
    drop(journal);
    assert!(world.open(Some(head)).is_ok());
}

fn report(world: &World, head: Head) -> Report {
    world.verify(Some(head))
}

#[test]
fn damage_can_be_accepted_and_the_journal_says_so_for_ever() {
    for (what, attack) in ATTACKS {
        let (world, head) = attacked(attack);
        let (gaps, _) = accept(world.setup(Some(head)), "a disk broke").unwrap();
        let journal = world.open(Some(head)).unwrap();
        append(&journal, 99).unwrap();
        journal.finish();
        let head = journal.head();
        drop(journal);
        let found = report(&world, head);
        assert_eq!((found.problems, &found.gaps), (vec![], &gaps), "{what}");
        assert_eq!(gaps[0].accepted.as_ref().unwrap().reason, "a disk broke");
        assert!(world.open(Some(head)).is_ok(), "{what}: and again");
        assert!(matches!(accept(world.setup(Some(head)), "x"), Err(AuditError::Whole)), "{what}");
    }
}

#[test]
fn a_cut_end_and_a_journal_that_is_gone_can_be_accepted() {
    let cut: Attack = |it| {
        let mut lines = it.lines(4);
        lines.pop();
        it.put_lines(4, &lines);
    };
    let last: Attack = |it| delete(it, 4);
    let all: Attack = |it| fs::remove_dir_all(it.home()).unwrap();
    for (what, attack) in [("cut", cut), ("the last segment", last), ("all", all)] {
        let (world, head) = World::three_segments();
        attack(&world);
        assert_eq!(tampered(&world.open(Some(head))), Some(Fault::Cut), "{what}");
        let (gaps, _) = accept(world.setup(Some(head)), "restored from a backup").unwrap();
        assert_eq!((gaps.len(), gaps[0].after), (1, head), "{what}: what was expected is named");
        let journal = world.open(Some(head)).unwrap();
        assert!(journal.head().sequence > head.sequence, "{what}");
        assert_eq!(report(&world, journal.head()).problems, [], "{what}");
    }
}

#[test]
fn damaged_files_are_kept_as_they_are() {
    let (world, head) = World::three_segments();
    rewrite_quietly(&world.segment(2), b"x");
    let damaged = fs::read(world.segment(2)).unwrap();
    let (gaps, _) = accept(world.setup(Some(head)), "why not").unwrap();
    let aside = &gaps[0].accepted.as_ref().unwrap().aside;
    assert_eq!(fs::read(world.home().join(aside).join("00000002.log")).unwrap(), damaged);
    assert_eq!((gaps[0].first, gaps[0].last), (2, 2), "the others stay");
}

#[test]
fn nothing_is_accepted_without_damage_or_without_a_reason() {
    let (world, head) = World::three_segments();
    let refused = |reason: &str| accept(world.setup(Some(head)), reason).unwrap_err();
    assert!(matches!(refused("a reason"), AuditError::Whole));
    for reason in ["", " ", &"x".repeat(1001)] {
        assert!(matches!(refused(reason), AuditError::NotAcceptable(_)), "{reason:?}");
    }
}

#[test]
fn a_gap_cannot_be_forged() {
    let (world, head) = World::three_segments();
    delete(&world, 2);
    let mut lines = world.lines(4);
    let forged =
        format!(r#","gaps":[{{"first":2,"last":2,"before":"{head}","after":"{head}"}}]}}}}"#);
    lines[0] = lines[0].strip_suffix("}}").unwrap().to_owned() + &forged;
    world.put_lines(4, &lines);
    assert_eq!(tampered(&world.open(Some(head))), Some(Fault::SegmentMissing));
    assert_eq!(world.verify(Some(head)).problems[0].what, Fault::SegmentMissing);
}

/// What is left of the journal is one new segment, signed: all before it was pruned, it says, or
/// was accepted.
fn erase(world: &World, signer: HeadSigner, after: Head, accepted: bool) {
    fs::remove_dir_all(world.home()).unwrap();
    let at = world.clock.now();
    let accepted = accepted.then(|| Accepted {
        at: at.unix_ms(),
        reason: "a disk broke".to_owned(),
        aside: "damaged".to_owned(),
    });
    let before = Head { sequence: 0, hash: Hash::NONE };
    let gaps = [Gap { first: 1, last: 4, before, after, accepted }];
    let place = Place::open(Setup { signer, ..world.setup(None) }).unwrap();
    Started::make(&place, Beginning { segment: 5, after, at, row: None, gaps: &gaps }).unwrap();
}

#[test]
fn all_is_erased_with_another_key_and_it_is_noticed_by_the_key_in_the_store() {
    let (world, head) = World::three_segments();
    let mine = || HeadSigner::generate(&super::Other).unwrap().0;
    erase(&world, mine(), Head { sequence: 999, ..head }, false);
    // Without the store's key nothing would tell it from a journal.
    let own = verify(&world.home(), &world.node, &mine().public_key(), None).unwrap();
    assert_eq!(own.problems, []);
    assert_eq!(world.verify(Some(head)).problems[0].what, Fault::SegmentMissing);
    assert!(matches!(world.open(Some(head)), Err(AuditError::OtherKey)));
    assert!(matches!(accept(world.setup(Some(head)), "x"), Err(AuditError::OtherKey)));
}

#[test]
fn all_is_erased_with_the_right_key_and_it_is_noticed_by_the_head_in_the_store() {
    type Claim = fn(Head) -> Head;
    let later = |it: Head| Head { sequence: it.sequence + 5, ..it };
    let other = |it: Head| Head { hash: Hash::NONE, ..it };
    let cases: [(&str, Claim, bool); 5] = [
        ("pruned beyond it", later, false),
        ("pruned up to it", |it| it, false),
        ("pruned up to another", other, false),
        ("accepted beyond it", later, true),
        ("accepted up to another", other, true),
    ];
    for (what, after, accepted) in cases {
        let (world, head) = World::three_segments();
        erase(&world, signer(), after(head), accepted);
        assert_eq!(world.verify(Some(head)).problems[0].what, Fault::GapTooWide, "{what}");
        assert_eq!(tampered(&world.open(Some(head))), Some(Fault::GapTooWide), "{what}");
        let (gaps, head) = accept(world.setup(Some(head)), "we were robbed").unwrap();
        assert_eq!((gaps[0].first, gaps[0].last), (1, 4), "{what}");
        assert_eq!(
            world.verify(Some(head)).problems,
            [],
            "{what}: the store knows where it goes on"
        );
        let journal = world.open(Some(head)).unwrap();
        journal.finish();
        let head = journal.head();
        drop(journal);
        assert!(matches!(accept(world.setup(Some(head)), "x"), Err(AuditError::Whole)), "{what}");
        fs::remove_file(world.segment(5)).unwrap();
        let (_, head) = accept(world.setup(Some(head)), "once more").unwrap();
        assert_eq!(world.verify(Some(head)).problems, [], "{what}: damaged again");
    }
}

#[test]
fn the_clock_may_jump_and_it_is_written_down() {
    let world = World::new();
    let steady = std::sync::Arc::new(yaoku_model::time::ManualClock::at(world.clock.now()));
    let journal =
        Shared::open(crate::audit::Setup { steady: steady.clone(), ..world.setup(None) }).unwrap();
    let pass = |wall: i64| {
        steady.advance_seconds(1);
        world.clock.advance_seconds(wall);
        journal.tick();
    };
    for _ in 0..3 {
        pass(1);
    }
    assert_eq!(actions(&world), Vec::<String>::new());
    pass(-3600);
    append(&journal, 1).unwrap();
    pass(1);
    pass(7200);
    assert_eq!(actions(&world), ["audit:ClockJumped", "kms:Encrypt", "audit:ClockJumped"]);
    journal.finish();
    drop(journal);
    world.clock.advance_seconds(-86_400);
    let journal = world.open(None).unwrap();
    journal.tick();
    assert_eq!(actions(&world).len(), 4, "also over a restart");
    assert_eq!(world.verify(None).problems, []);
}

#[test]
fn the_threads_notice_within_a_second() {
    let world = World::new();
    let journal = crate::audit::Journal::open(world.setup(None)).unwrap();
    delete(&world, 1);
    let noticed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        journal.noticed().is_some()
    });
    assert!(noticed);
}
