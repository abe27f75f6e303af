//! Accepting damage, and a power cut between any two of its steps.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use super::{
    World, append,
    attacks::{ATTACKS, Attack, attacked},
    delete,
};
use crate::audit::{AuditError, accept};

/// What is in the segments of a journal, and in what was put aside.
fn contents(home: &Path) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if !path.ends_with("closed") {
            all.insert(fs::read(&path).unwrap());
        }
    }
    all
}

/// Accepts with power for so many changes, and again after it. `true`: the first time went well.
fn accept_in_two(attack: Attack, changes: usize, seed: u64) -> bool {
    let (world, head) = attacked(attack);
    // What the attack did is on the medium.
    let world = World { disk: Arc::default(), ..world };
    let before = contents(&world.home());
    world.disk.cut_power_after(changes);
    let first = accept(world.setup(Some(head)), "a disk broke");
    world.disk.cut_power();
    world.disk.power_on(seed).unwrap();
    // When it is done again, it is later.
    world.clock.advance_seconds(1);
    match (&first, accept(world.setup(Some(head)), "a disk broke")) {
        (_, Err(AuditError::Whole)) | (Err(_), Ok(_)) => {}
        (first, again) => panic!("{changes} {seed}: {first:?}, then {again:?}"),
    }
    let journal = world.open(Some(head)).unwrap();
    append(&journal, 99).unwrap();
    journal.finish();
    let report = world.verify(Some(journal.head()));
    assert_eq!(report.problems, [], "{changes} {seed}");
    assert_eq!(report.gaps.len(), 1, "{changes} {seed}: {:?}", report.gaps);
    let after = contents(&world.home());
    let kept = |it: &Vec<u8>| after.iter().any(|other| other.starts_with(it));
    assert!(before.iter().all(kept), "{changes} {seed}: something is gone");
    first.is_ok()
}

#[test]
fn cut_off_between_any_two_steps_it_is_done_again_and_nothing_is_gone() {
    let last: Attack = |it| delete(it, 4);
    for attack in [ATTACKS[2].1, last] {
        for seed in 0..3 {
            let whole = (0..100).find(|changes| accept_in_two(attack, *changes, seed));
            assert!(whole.is_some_and(|it| it > 5), "{whole:?}");
        }
    }
}
