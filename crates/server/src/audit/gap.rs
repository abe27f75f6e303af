//! Segments that are not there, and why that is in order: pruned by policy, or lost and accepted.
//!
//! The opening of every segment names all gaps of the journal so far, and a signature follows it at
//! once: a segment that somebody deleted is no gap.

use std::{cmp::Ordering, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    chain::{Chain, Said},
    head::{Head, PublicKey},
    segment::{Lines, Next},
};

/// As many accepted gaps as one journal can have: all must fit one line.
pub(super) const MAX_ACCEPTED: usize = 64;

/// Segments that are not there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Gap {
    /// The first of them.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// The last record before them that is in order: what was found.
    pub before: Head,
    /// The record that what follows goes on from: what was expected.
    pub after: Head,
    /// Who took it upon them, if it was damage; `None`: pruned by policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// An operator's word on damage.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Accepted {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Why, in the operator's words.
    pub reason: String,
    /// The directory, beside the segments, in which the damaged files were kept.
    pub aside: String,
}

impl Gap {
    /// Whether a segment falls into it.
    pub(super) const fn covers(&self, segment: u32) -> bool {
        self.first <= segment && segment <= self.last
    }

    /// Whether it leaves out the record that the store knows of.
    ///
    /// Pruning never reaches that record, and the store is told where a journal goes on that was
    /// accepted. So the record lies behind every gap; only a loss that ends with it may end there.
    pub(super) fn is_too_wide(&self, known: Option<Head>) -> bool {
        let Some(known) = known.filter(|it| it.sequence > self.before.sequence) else {
            return false;
        };
        match known.sequence.cmp(&self.after.sequence) {
            Ordering::Less => true,
            Ordering::Equal => self.accepted.is_none() || known != self.after,
            Ordering::Greater => false,
        }
    }
}

/// The gaps that the newest readable opening names, if its signature fits.
pub(super) fn read(
    home: &Path,
    numbers: &[u32],
    node: &str,
    key: &PublicKey,
) -> io::Result<Vec<Gap>> {
    for &number in numbers.iter().rev() {
        if let Some(gaps) = signed(&mut Lines::open(home, number, 0)?, number, node, key)? {
            return Ok(gaps);
        }
    }
    Ok(Vec::new())
}

/// `None`: the opening cannot be read, or names gaps that nobody has signed.
fn signed(
    lines: &mut Lines,
    number: u32,
    node: &str,
    key: &PublicKey,
) -> io::Result<Option<Vec<Gap>>> {
    let mut chain = Chain::of(node);
    let Next::Line(line) = lines.next()? else { return Ok(None) };
    let (Some(Said::Opening(_, _, gaps)), None) = chain.follow(line, number, true) else {
        return Ok(None);
    };
    if gaps.is_empty() {
        return Ok(Some(gaps));
    }
    let Next::Line(line) = lines.next()? else { return Ok(None) };
    let (Some(Said::Signature(head, at, text)), None) = chain.follow(line, number, false) else {
        return Ok(None);
    };
    Ok(key.proves(node, head, at, &text).then_some(gaps))
}

/// What comes next in a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step<'a> {
    /// A segment.
    Segment(u32),
    /// A gap that is in order.
    Gap(&'a Gap),
    /// Segments from this one on are missing.
    Missing(u32),
}

/// The way through a journal from its first segment to its last.
pub(super) fn steps<'a>(numbers: &[u32], gaps: &'a [Gap]) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let mut expected = 1;
    for &number in numbers {
        while let Some(gap) = gaps.iter().filter(|it| it.covers(expected)).max_by_key(|it| it.last)
        {
            steps.push(Step::Gap(gap));
            expected = gap.last.saturating_add(1);
        }
        // Within a gap: pruned, and not removed yet.
        if number < expected {
            continue;
        }
        if number > expected {
            steps.push(Step::Missing(expected));
            let later = gaps.iter().filter(|it| it.first > expected && it.last < number);
            if let Some(gap) = later.max_by_key(|it| it.last) {
                steps.push(Step::Gap(gap));
            }
        }
        steps.push(Step::Segment(number));
        expected = number.saturating_add(1);
    }
    steps
}
