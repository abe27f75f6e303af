//! Which faults the log is told of: of many with one cause, the first, and then a line with their
//! number every ten seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a cause is not told again. Our choice.
const PAUSE: Duration = Duration::from_secs(10);

/// Causes that are remembered; another one takes the place of the one told longest ago.
const CAUSES: usize = 8;

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    told: Mutex<Vec<Told>>,
}

#[derive(Debug)]
struct Told {
    cause: String,
    at: Instant,
    /// Since then, and not told.
    more: u64,
}

impl Faults {
    /// Notes one. `Some`: it is to be told, with how many before it were not.
    pub(crate) fn note(&self, cause: &str, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(it) = told.iter_mut().find(|it| it.cause == cause) else {
            if told.len() == CAUSES {
                let oldest = (0..CAUSES).min_by_key(|nth| told[*nth].at).unwrap_or_default();
                told.swap_remove(oldest);
            }
            told.push(Told { cause: cause.to_owned(), at: now, more: 0 });
            return Some(0);
        };
        if now.saturating_duration_since(it.at) < PAUSE {
            it.more += 1;
            return None;
        }
        it.at = now;
        Some(std::mem::take(&mut it.more))
    }
}

#[cfg(test)]
mod tests {
    use super::{CAUSES, Duration, Faults, Instant};

    #[test]
    fn a_cause_is_told_at_once_and_then_with_a_number_every_ten_seconds() {
        let (faults, start) = (Faults::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(faults.note("full", at(0)), Some(0));
        for second in 1..10 {
            assert_eq!(faults.note("full", at(second)), None);
        }
        assert_eq!(faults.note("broken", at(5)), Some(0), "another cause is told at once");
        assert_eq!(faults.note("full", at(10)), Some(9));
        assert_eq!(faults.note("full", at(11)), None);
        assert_eq!(faults.note("full", at(60)), Some(1));
    }

    #[test]
    fn few_causes_are_remembered() {
        let (faults, start) = (Faults::default(), Instant::now());
        for nth in 0..=CAUSES {
            let at = start + Duration::from_millis(nth as u64);
            assert_eq!(faults.note(&nth.to_string(), at), Some(0));
        }
        assert_eq!(faults.told.lock().unwrap().len(), CAUSES);
        assert_eq!(faults.note("0", start), Some(0), "the oldest was forgotten");
        assert_eq!(faults.note("8", start), None);
    }
}
