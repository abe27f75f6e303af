//! What is promised of journals. The thread is not needed for any of it: tests call what it calls.

use std::{fs, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use yaoku_model::time::{ManualClock, Timestamp};

use super::{
    AuditError, Event, Fault, Fsync, Head, HeadSigner, Journal, NodeName, Options, Problem, Report,
    Setup, Tail, UserAgent, Written, directory, event::testing::event, head::testing::signer,
    record::Content, record::Hash, record::line, segment::segment_path, verify, writer::Shared,
    writer::Watch,
};
use crate::disk::testing::{FaultyDisk, Trouble};

mod accepting;
mod attacks;
mod keeping;
mod older;

/// A data directory, and who opens the journal in it.
struct World {
    data: TempDir,
    disk: Arc<FaultyDisk>,
    clock: Arc<ManualClock>,
    node: NodeName,
    options: Options,
}

impl World {
    fn new() -> Self {
        let now = Timestamp::from_unix_ms(1_795_295_000_000);
        Self {
            data: TempDir::new().unwrap(),
            disk: Arc::default(),
            clock: Arc::new(ManualClock::at(now)),
            node: "node-1".parse().unwrap(),
            options: Options::default(),
        }
    }

    fn setup(&self, known: Option<Head>) -> Setup<'_> {
        Setup {
            data: self.data.path(),
            node: self.node.clone(),
            signer: signer(),
            clock: self.clock.clone(),
            steady: self.clock.clone(),
            disk: self.disk.clone(),
            known,
            options: self.options,
        }
    }

    fn open(&self, known: Option<Head>) -> Result<Shared, AuditError> {
        Shared::open(self.setup(known))
    }

    fn home(&self) -> PathBuf {
        directory(self.data.path(), &self.node)
    }

    fn verify(&self, known: Option<Head>) -> Report {
        verify(&self.home(), &self.node, &signer().public_key(), known).unwrap()
    }

    fn segment(&self, number: u32) -> PathBuf {
        segment_path(&self.home(), number)
    }

    fn lines(&self, number: u32) -> Vec<String> {
        let text = fs::read_to_string(self.segment(number)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put_lines(&self, number: u32, lines: &[String]) {
        fs::write(self.segment(number), lines.join("\n") + "\n").unwrap();
    }

    /// A second passes, and the thread would wake.
    fn tick(&self, journal: &Shared) {
        self.clock.advance_seconds(1);
        journal.tick();
    }

    /// A day passes, and the next segment is begun if this one holds an event.
    fn rotate(&self, journal: &Shared) {
        self.clock.advance_seconds(86_400);
        journal.tick();
    }

    /// Three segments, five events in each; gives the head that the store would know.
    fn three_segments() -> (Self, Head) {
        let options = Options { segment_bytes: 2000, ..Options::default() };
        let world = Self { options, ..Self::new() };
        let journal = world.open(None).unwrap();
        for n in 0..15 {
            append(&journal, n).unwrap();
            if n % 5 == 4 {
                world.tick(&journal);
            }
        }
        journal.finish();
        (world, journal.head())
    }
}

fn append(to: &Shared, n: u64) -> Result<u64, AuditError> {
    to.append(&event(n).to_row(), None)
}

/// The ids of the events, in order.
fn told(world: &World) -> Vec<String> {
    let (entries, _) = Tail::last(&world.home(), 1_000_000).unwrap();
    entries.into_iter().map(|it| it.event.request_id).collect()
}

/// What the events say was done, in order.
fn actions(world: &World) -> Vec<String> {
    let (entries, _) = Tail::last(&world.home(), 1_000_000).unwrap();
    entries.into_iter().map(|it| it.event.action.into_owned()).collect()
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|n| event(n).request_id).collect()
}

fn tampered(result: &Result<Shared, AuditError>) -> Option<Fault> {
    match result {
        Err(AuditError::Tampered { what, .. }) => Some(*what),
        _ => None,
    }
}

#[test]
fn a_journal_verifies_and_tells_what_it_holds() {
    let (world, head) = World::three_segments();
    let report = world.verify(Some(head));
    assert_eq!(report.problems, []);
    assert_eq!((report.segments, report.events, report.unsigned), (4, 15, 0));
    assert_eq!((report.first, report.last), (Some(event(0).at), Some(event(14).at)));
    assert_eq!((report.head, report.torn), (Some(head), false));
    assert_eq!(told(&world), ids(0..15));
}

#[test]
fn every_change_is_noticed_and_located() {
    type Damage = fn(&World);
    let damages: [(&str, Damage, Problem); 9] = [
        ("delete a segment", |it| delete(it, 2), problem(2, 7, Fault::SegmentMissing)),
        ("delete the first", |it| delete(it, 1), problem(1, 0, Fault::SegmentMissing)),
        ("delete the last", |it| delete(it, 4), problem(3, 21, Fault::Cut)),
        ("delete a record", |it| edit(it, |all| _ = all.remove(3)), problem(3, 19, Fault::Missing)),
        ("cut", |it| edit(it, |all| all.truncate(3)), problem(4, 22, Fault::Missing)),
        ("rewrite", |it| edit(it, |all| rewrite(all)), problem(3, 18, Fault::Changed)),
        ("reorder", |it| edit(it, |all| all.swap(3, 4)), problem(3, 19, Fault::Missing)),
        ("repeat", |it| edit(it, |all| all[3] = all[2].clone()), problem(3, 17, Fault::OutOfOrder)),
        (
            "insert",
            |it| edit(it, |all| all.insert(3, String::new())),
            problem(3, 17, Fault::Unreadable),
        ),
    ];
    for (what, damage, expected) in damages {
        let (world, head) = World::three_segments();
        damage(&world);
        assert_eq!(world.verify(Some(head)).problems.first(), Some(&expected), "{what}");
        assert_eq!(tampered(&world.open(Some(head))), Some(expected.what), "{what}: at start");
    }
}

fn problem(segment: u32, sequence: u64, what: Fault) -> Problem {
    Problem { segment, sequence, what }
}

fn delete(world: &World, segment: u32) {
    fs::remove_file(world.segment(segment)).unwrap();
}

fn rewrite(lines: &mut [String]) {
    rewrite_at(lines, 3);
}

fn rewrite_at(lines: &mut [String], number: usize) {
    lines[number] = lines[number].replace("alice", "carol");
}

/// Changes the third segment.
fn edit(world: &World, change: fn(&mut Vec<String>)) {
    let mut lines = world.lines(3);
    change(&mut lines);
    world.put_lines(3, &lines);
}

#[test]
fn a_chain_that_was_made_anew_does_not_fit_its_signature() {
    let world = World::new();
    let journal = world.open(None).unwrap();
    append(&journal, 1).unwrap();
    let before = journal.sync().unwrap();
    append(&journal, 2).unwrap();
    journal.finish();
    let head = journal.head();
    let mut lines = world.lines(1);
    let (changed, forged) = line(before, Content::Event(&event(9).to_row(), None));
    lines[2] = String::from_utf8(forged).unwrap().trim_end().to_owned();
    let signature =
        lines[3].split_once(r#""head":"#).unwrap().1.trim_end_matches('}').to_owned() + "}";
    let signed = serde_json::from_str(&signature).unwrap();
    let (_, resigned) = line(changed, Content::Head(&signed));
    lines[3] = String::from_utf8(resigned).unwrap().trim_end().to_owned();
    world.put_lines(1, &lines);
    assert_eq!(world.verify(None).problems, [problem(1, 4, Fault::BadSignature)]);
    assert_eq!(tampered(&world.open(None)), Some(Fault::BadSignature));
    assert_eq!(tampered(&world.open(Some(head))), Some(Fault::NotAsStored));
}

#[test]
fn an_end_that_was_cut_is_noticed_by_the_head_in_the_store() {
    let (world, head) = World::three_segments();
    let mut lines = world.lines(4);
    lines.pop();
    world.put_lines(4, &lines);
    assert_eq!(world.verify(None).problems, [], "the rest is in order");
    assert_eq!(world.verify(Some(head)).problems[0].what, Fault::Cut);
    assert_eq!(tampered(&world.open(Some(head))), Some(Fault::Cut));
    fs::remove_dir_all(world.home()).unwrap();
    assert_eq!(tampered(&world.open(Some(head))), Some(Fault::Cut), "nor is all of it");
}

#[test]
fn the_store_may_know_an_older_head() {
    let (world, head) = World::three_segments();
    let older: Head = {
        let lines = world.lines(2);
        let hash = &lines[1]["{\"hash\":\"".len()..][..43];
        let sequence = lines[1].split_once("\"seq\":").unwrap().1.split_once(',').unwrap().0;
        format!("{sequence}:{hash}").parse().unwrap()
    };
    assert_eq!(world.open(Some(older)).unwrap().head(), head);
    let (hash, sequence) = (head.to_string(), older.sequence);
    let wrong = format!("{sequence}:{}", hash.split_once(':').unwrap().1).parse().unwrap();
    assert_eq!(tampered(&world.open(Some(wrong))), Some(Fault::NotAsStored));
}

#[test]
fn a_restart_goes_on_with_the_chain() {
    let world = World::new();
    let mut known = None;
    for n in 0..5 {
        let journal = world.open(known).unwrap();
        append(&journal, n).unwrap();
        // Killed in every second run: nothing is signed or synced at the end.
        if n % 2 == 0 {
            journal.finish();
            known = Some(journal.head());
        }
    }
    assert_eq!(world.verify(known).problems, []);
    assert_eq!(told(&world), ids(0..5));
    let other = HeadSigner::generate(&Other).unwrap().0;
    let result = Shared::open(Setup { signer: other, ..world.setup(known) });
    assert!(matches!(result, Err(AuditError::OtherKey)));
}

/// Other randomness than the usual signer's.
struct Other;

impl yaoku_model::random::Random for Other {
    fn fill(&self, to: &mut [u8]) -> Result<(), yaoku_model::random::NoRandomness> {
        to.fill(7);
        Ok(())
    }
}

#[test]
fn a_last_line_that_was_not_written_whole_is_removed() {
    for rest in ["{\"hash\":\"abc", "\0\0\0\0", "\0\0\n\0", "{\"hash\":\"a\0\0\nxyz\n"] {
        let world = World::new();
        let journal = world.open(None).unwrap();
        append(&journal, 1).unwrap();
        let head = journal.sync().unwrap();
        let whole = fs::read(world.segment(1)).unwrap();
        fs::write(world.segment(1), [whole.as_slice(), rest.as_bytes()].concat()).unwrap();
        let journal = world.open(Some(head)).unwrap();
        assert_eq!(fs::read(world.segment(1)).unwrap(), whole, "{rest:?}");
        append(&journal, 2).unwrap();
        journal.finish();
        assert_eq!(world.verify(None).problems, []);
        assert_eq!(told(&world), ids(1..3));
    }
}

#[test]
fn a_full_disk_refuses_and_recovers_without_hands() {
    let world = World::new();
    let journal = world.open(None).unwrap();
    append(&journal, 1).unwrap();
    world.disk.set(Some(Trouble::Full));
    for n in 2..5 {
        assert!(matches!(append(&journal, n), Err(AuditError::Refusing(_))));
    }
    world.tick(&journal);
    assert_eq!(journal.refusing().unwrap().kind(), std::io::ErrorKind::StorageFull);
    assert!(append(&journal, 5).is_err(), "as long as nothing can be written");
    world.disk.set(None);
    assert!(append(&journal, 6).is_err(), "until it was tried");
    world.tick(&journal);
    assert!(journal.refusing().is_none());
    append(&journal, 7).unwrap();
    journal.finish();
    assert_eq!(world.verify(Some(journal.head())).problems, []);
    assert_eq!(told(&world), ids([1, 7]), "what was refused is not there, what was taken is");
}

#[test]
fn a_failed_sync_refuses_and_writes_again_what_it_may_have_lost() {
    let world = World::new();
    let journal = world.open(None).unwrap();
    append(&journal, 1).unwrap();
    let synced = journal.sync().unwrap();
    append(&journal, 2).unwrap();
    world.disk.fail_syncs(true);
    assert!(journal.sync().is_err());
    assert_eq!(journal.head(), synced, "the store is not told more than is safe");
    assert!(append(&journal, 3).is_err());
    assert!(journal.sync().is_err());
    world.disk.fail_syncs(false);
    world.disk.set(Some(Trouble::Full));
    assert!(journal.sync().is_err());
    world.disk.set(None);
    journal.sync().unwrap();
    append(&journal, 4).unwrap();
    journal.finish();
    assert_eq!(world.verify(Some(journal.head())).problems, []);
    assert_eq!(told(&world), ids([1, 2, 4]));
}

#[test]
fn a_segment_that_is_deleted_or_cut_while_running_is_noticed_within_a_second() {
    for (fault, cut) in [(Fault::SegmentMissing, false), (Fault::Changed, true)] {
        let (world, mut watch) = (World::new(), Watch::default());
        let journal = world.open(None).unwrap();
        append(&journal, 1).unwrap();
        world.tick(&journal);
        journal.look(&mut watch);
        assert_eq!(journal.noticed(), None);
        if cut {
            fs::write(world.segment(1), "").unwrap();
        } else {
            fs::remove_file(world.segment(1)).unwrap();
        }
        journal.look(&mut watch);
        assert_eq!(journal.noticed(), Some(fault));
        append(&journal, 2).unwrap();
        world.tick(&journal);
        let said = ["audit:Noticed", "kms:Encrypt"];
        assert_eq!(actions(&world), said, "events go on in a new segment");
        assert!(!world.verify(None).problems.is_empty(), "and the proof says so");
    }
}

#[test]
fn a_row_is_copied_once() {
    let world =
        World { options: Options { segment_bytes: 300, ..Options::default() }, ..World::new() };
    for run in 0..3 {
        let journal = world.open(None).unwrap();
        for id in 1..=3_i64 {
            let expected = if run == 0 { Written::Now } else { Written::Before };
            let row = event(id.cast_unsigned()).to_row();
            assert_eq!(journal.append_row(id, &row).unwrap(), expected, "{run}: {id}");
        }
        assert_eq!((journal.highest_row(), journal.has_row(2)), (Some(3), true));
    }
    assert_eq!(told(&world), ids(1..4));
}

#[test]
fn a_row_is_copied_once_however_many_segments_followed_it() {
    let world = World::new();
    let copy_beyond = |journal: &Shared| {
        // As a node copies: from the highest row on; the last one stays in the store.
        if journal.highest_row().unwrap_or(0) < 7 {
            journal.append_row(7, &event(7).to_row()).unwrap();
        }
    };
    let journal = world.open(None).unwrap();
    copy_beyond(&journal);
    for n in [1, 2] {
        world.rotate(&journal);
        append(&journal, n).unwrap();
    }
    world.rotate(&journal);
    journal.finish();
    drop(journal);
    for n in [3, 4] {
        let journal = world.open(None).unwrap();
        assert_eq!((journal.highest_row(), journal.synced_row()), (Some(7), Some(7)));
        copy_beyond(&journal);
        append(&journal, n).unwrap();
        world.rotate(&journal);
        journal.finish();
    }
    assert_eq!(told(&world), ids([7, 1, 2, 3, 4]));
}

#[test]
fn what_is_accepted_forgets_no_row_that_stays() {
    let world = World::new();
    let journal = world.open(None).unwrap();
    journal.append_row(7, &event(7).to_row()).unwrap();
    world.rotate(&journal);
    journal.append_row(8, &event(8).to_row()).unwrap();
    journal.finish();
    let head = journal.head();
    drop(journal);
    let mut lines = world.lines(2);
    rewrite_at(&mut lines, 1);
    world.put_lines(2, &lines);
    super::accept(world.setup(Some(head)), "a disk broke").unwrap();
    let journal = world.open(Some(head)).unwrap();
    assert_eq!(journal.highest_row(), Some(7), "the other one may be copied again");
}

#[test]
fn counts_of_unknown_callers_do_not_touch_the_reserve() {
    let world = World::new();
    let journal = world.open(None).unwrap();
    let counts: Vec<_> = (0..100).map(event).collect();
    world.disk.set_free(Some(world.options.reserve_bytes - 1));
    assert_eq!(journal.append_counts(&counts).unwrap(), 100);
    append(&journal, 7).unwrap();
    world.disk.set_free(None);
    assert_eq!(journal.append_counts(&counts).unwrap(), 0);
    assert_eq!(told(&world).len(), 101);
}

#[test]
fn a_tail_shows_the_last_events_and_follows_over_segments() {
    let (world, head) = World::three_segments();
    let (entries, mut tail) = Tail::last(&world.home(), 7).unwrap();
    assert_eq!(entries.len(), 7);
    assert_eq!(entries[0].event, event(8));
    assert_eq!(tail.more().unwrap(), []);
    let journal = world.open(Some(head)).unwrap();
    for n in 15..30 {
        append(&journal, n).unwrap();
        world.tick(&journal);
    }
    let more: Vec<Event> = tail.more().unwrap().into_iter().map(|it| it.event).collect();
    assert_eq!(more, (15..30).map(event).collect::<Vec<_>>());
    assert_eq!(tail.more().unwrap(), []);
}

#[test]
fn a_usual_record_takes_at_most_500_bytes_whatever_the_client_calls_itself() {
    let usual = Event { user_agent: UserAgent::new(&"x".repeat(999)), ..event(1) };
    let secret = "acs:kms:cn-hangzhou:1540355698848459:secret/production/database".to_owned();
    let refused = Some("Forbidden.NoPermission".into());
    let from = "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap();
    let last = Head { sequence: 9_999_999_999, hash: Hash::NONE };
    for it in [
        event(1),
        Event { source: from, ..usual.clone() },
        Event { code: refused, status: 403, ..usual.clone() },
        Event { action: "kms:UpdateSecretVersionStage".into(), resources: vec![secret], ..usual },
    ] {
        let (_, line) = line(last, Content::Event(&it.to_row(), Some(9_999_999)));
        assert!(line.len() <= 500, "{}: {}", line.len(), String::from_utf8_lossy(&line));
    }
}

#[test]
fn many_threads_append_and_every_event_is_there_once() {
    let world =
        World { options: Options { segment_bytes: 1 << 20, ..Options::default() }, ..World::new() };
    let journal = Journal::open(world.setup(None)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..12_500 {
                    journal.append(&event(thread * 12_500 + n).to_row()).unwrap();
                }
            });
        }
    });
    drop(journal);
    let report = world.verify(None);
    assert_eq!((report.problems, report.events, report.unsigned), (vec![], 100_000, 0));
    let mut told = told(&world);
    told.sort();
    assert_eq!(told, ids(0..100_000));
}

#[tokio::test]
async fn always_answers_once_the_medium_has_it() {
    let options = Options { fsync: Fsync::Always, ..Options::default() };
    let world = World { options, ..World::new() };
    let journal = Journal::open(world.setup(None)).unwrap();
    let before = world.disk.syncs();
    let sequence = journal.record(event(1).to_row(), || Ok(())).await.unwrap();
    assert!(journal.head().sequence >= sequence && world.disk.syncs() > before);
    world.disk.fail_syncs(true);
    assert!(matches!(
        journal.record(event(2).to_row(), || Ok(())).await,
        Err(AuditError::Refusing(_))
    ));
}

#[tokio::test]
async fn what_must_come_before_is_done_once_for_calls_of_one_moment_or_refuses_them_all() {
    let world = World::new();
    let journal = Journal::open(world.setup(None)).unwrap();
    let count = std::cell::Cell::new(0);
    let before = || {
        count.set(count.get() + 1);
        Ok(())
    };
    let record = |number| journal.record(event(number).to_row(), before);
    let (one, two) = tokio::join!(record(1), record(2));
    assert_eq!((one.unwrap(), two.unwrap(), count.get()), (3, 3, 1));
    let refused = || Err(std::io::ErrorKind::StorageFull.into());
    let record = |number| journal.record(event(number).to_row(), refused);
    let (one, two) = tokio::join!(record(3), record(4));
    for it in [one, two] {
        assert!(matches!(it, Err(AuditError::Before(_))), "{it:?}");
    }
    assert_eq!(journal.sync().unwrap().sequence, 3, "no event was written");
}
