//! Events of calls that were refused for being too many. The first of a caller and class in a second
//! has its own; the others are counted, and each second leaves one event with their number: a flood
//! fills no disk, and no refusal of a known caller goes unrecorded.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::audit::{Event, Source, UserAgent};

/// So many callers and classes are told apart in a second; those past it are counted together.
/// Some 400 bytes each. Our choice.
const ROWS: usize = 4096;

/// Under which those are counted.
const OTHERS: u64 = 0;

/// What was refused since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<HashMap<u64, Option<Event>>>);

impl Refused {
    /// Notes one refusal to `whose`, a keyed hash. Answers whether it is the first, which must be
    /// written down by itself. The first that is not gives, by `event`, what the others count under.
    pub(super) fn note(&self, whose: u64, event: impl FnOnce() -> Option<Event>) -> bool {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let crowded = rows.len() >= ROWS && !rows.contains_key(&whose);
        let row = rows.entry(if crowded { OTHERS } else { whose });
        match row {
            std::collections::hash_map::Entry::Vacant(row) if !crowded => {
                row.insert(None);
                return true;
            }
            row => match row.or_default() {
                Some(counted) => counted.count = counted.count.saturating_add(1),
                counted => *counted = event().map(|it| if crowded { of_others(it) } else { it }),
            },
        }
        false
    }

    /// Takes the counts, as events. Call it each second.
    pub(super) fn take(&self) -> Vec<Event> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rows).into_values().flatten().collect()
    }
}

/// Names nobody: several callers stand behind it.
fn of_others(event: Event) -> Event {
    Event {
        request_id: String::new(),
        account: None,
        principal: "others".to_owned(),
        access_key: None,
        source_identity: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: "".into(),
        ..event
    }
}

#[cfg(test)]
mod tests {
    use yaoku_model::time::Timestamp;

    use super::{Event, ROWS, Refused, Source, UserAgent};

    #[expect(clippy::unnecessary_wraps, reason = "what is asked for may fail to be made")]
    fn event(principal: &str) -> Option<Event> {
        Some(Event {
            at: Timestamp::from_unix_seconds(0),
            request_id: "id".to_owned(),
            account: None,
            principal: principal.to_owned(),
            access_key: None,
            source_identity: None,
            source: Source::Anywhere,
            user_agent: UserAgent::default(),
            action: "kms:Encrypt".into(),
            resources: Vec::new(),
            code: Some("Rejected.Throttling".into()),
            status: 429,
            tls: false,
            count: 1,
        })
    }

    #[test]
    fn the_first_stands_alone_and_the_others_are_one_event_with_their_number() {
        let refused = Refused::default();
        let firsts = (0..1000).filter(|_| refused.note(7, || event("user/a"))).count();
        assert_eq!(firsts, 1);
        assert!(refused.note(8, || event("user/b")));
        let events = refused.take();
        assert_eq!(events.len(), 1);
        assert_eq!((&*events[0].principal, events[0].count), ("user/a", 999));
        assert!(refused.note(7, || event("user/a")), "another second");
        assert_eq!(refused.take(), []);
    }

    #[test]
    fn more_callers_than_are_told_apart_are_counted_all_the_same() {
        let refused = Refused::default();
        let all = ROWS as u64 + 500;
        let mut alone = 0;
        for _ in 0..3 {
            let notes = (1..=all).map(|it| refused.note(it, || event("user/x")));
            alone += notes.filter(|it| *it).count() as u64;
        }
        let events = refused.take();
        assert_eq!(events.len(), ROWS + 1);
        let others: Vec<_> = events.iter().filter(|it| it.principal == "others").collect();
        assert_eq!(others.iter().map(|it| it.count).collect::<Vec<_>>(), [1500]);
        assert_eq!(alone + events.iter().map(|it| it.count).sum::<u64>(), 3 * all);
    }
}
