//! Journals of earlier versions: they verify, and go on. What they hold is in `vectors/audit`.

use std::{fs, path::Path};

use super::{Event, Head, Tail, World, event};

/// What a store would know of the fixture.
const HEAD: &str = "10:Yz2V8lZfQZ7I3JinYYIJb82Dlwgm0wsbVtBCzzmYvek";

/// A data directory with a journal of before events said who is behind a session.
fn world() -> (World, Head) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/audit/format-1/node-1");
    let world = World::new();
    fs::create_dir_all(world.home()).unwrap();
    for file in fs::read_dir(fixture).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), world.home().join(file.file_name())).unwrap();
    }
    (world, HEAD.parse().unwrap())
}

#[test]
fn a_journal_from_before_events_named_source_identities_verifies_and_goes_on() {
    let (world, head) = world();
    let report = world.verify(Some(head));
    assert_eq!((&report.problems[..], report.events, report.head), (&[][..], 6, Some(head)));
    let journal = world.open(Some(head)).unwrap();
    let named = Event { source_identity: Some("alice@corp".to_owned()), ..event(9) };
    journal.append(&named.to_row(), None).unwrap();
    journal.finish();
    let report = world.verify(Some(journal.head()));
    assert_eq!((&report.problems[..], report.events), (&[][..], 7));
    let (entries, _) = Tail::last(&world.home(), usize::MAX).unwrap();
    let who = entries.iter().map(|it| it.event.source_identity.as_deref());
    assert_eq!(who.collect::<Vec<_>>(), [None, None, None, None, None, None, Some("alice@corp")]);
    assert_eq!(entries[4].event.principal, "assumed-role/deploy/ci-run");
}

#[test]
fn a_name_put_into_an_old_record_is_noticed() {
    let (world, head) = world();
    let old = fs::read_to_string(world.segment(2)).unwrap();
    let forged = old.replace(r#"ci-run","key""#, r#"ci-run","behind":"mallory","key""#);
    assert_ne!(old, forged);
    fs::write(world.segment(2), forged).unwrap();
    assert_eq!(world.verify(Some(head)).problems[0].what, super::Fault::Changed);
}
