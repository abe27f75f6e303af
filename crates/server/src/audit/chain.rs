//! Following the chain through segments.

use std::io;

use serde::Deserialize;
use yaoku_model::time::Timestamp;

use super::{
    gap::Gap,
    head::Head,
    record::{Fields, Hash, hashes},
    segment::{Lines, Next},
};

/// After so many lines, a tenth of a millisecond's work, others are let first who want the processor: a
/// segment takes longer than a call may wait. Our choice.
const MOMENT: u32 = 32;

/// What is wrong with a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A segment is gone.
    #[error("a segment is missing")]
    SegmentMissing,
    /// A segment does not begin with its own opening line.
    #[error("the segment does not begin as it should")]
    NotItsBeginning,
    /// The line is not a record.
    #[error("not a record")]
    Unreadable,
    /// Records before this one are gone.
    #[error("records before this one are missing")]
    Missing,
    /// The record stands after later ones, or twice.
    #[error("out of order, or repeated")]
    OutOfOrder,
    /// The record, or the hash of the one before it, is not what was written.
    #[error("changed after it was written")]
    Changed,
    /// The signature does not fit the records before it.
    #[error("the signature does not fit what stands before it")]
    BadSignature,
    /// There is less than the store knows of.
    #[error("the end is missing: the store knows of later records")]
    Cut,
    /// A gap leaves out the record that the store knows of.
    #[error("the gap leaves out what the store knows of")]
    GapTooWide,
    /// The record is not the one that the store knows of.
    #[error("not the record that the store knows of")]
    NotAsStored,
}

/// What a record says, as far as following the chain needs it.
pub(super) enum Said {
    /// The beginning of a segment: when (in milliseconds since 1970), the highest row before it,
    /// and the gaps before it.
    Opening(i64, Option<i64>, Vec<Gap>),
    /// An event: its row in the store, and its time.
    Event(Option<i64>, Timestamp),
    /// A signature (in Base64) over the head before it, made at a time.
    Signature(Head, Timestamp, String),
}

/// Follows the records of one node, in order.
pub(super) struct Chain<'a> {
    /// Whose records they are.
    pub(super) node: &'a str,
    /// The last record; `None` before the first.
    pub(super) last: Option<Head>,
}

/// As much of an event as is needed here.
#[derive(Deserialize)]
struct At {
    at: i64,
}

impl<'a> Chain<'a> {
    /// A chain that begins with whatever segment comes first.
    pub(super) const fn of(node: &'a str) -> Self {
        Self { node, last: None }
    }

    /// Takes the next line (without its end) of `segment`, and moves on whether or not it fits.
    ///
    /// What the record says is given even if it does not fit, unless it cannot be read.
    pub(super) fn follow(
        &mut self,
        line: &[u8],
        segment: u32,
        first: bool,
    ) -> (Option<Said>, Option<Fault>) {
        let Ok(it) = serde_json::from_slice::<Fields<'_, At>>(line) else {
            return (None, Some(Fault::Unreadable));
        };
        let mut fault = None;
        if let Some(open) = &it.open {
            fault =
                (!first || open.segment != segment || open.node != self.node || open.version != 1)
                    .then_some(Fault::NotItsBeginning);
            let previous = open.previous.parse().unwrap_or(Hash::NONE);
            let before = Head { sequence: it.seq.saturating_sub(1), hash: previous };
            self.last.get_or_insert(before);
        } else if first {
            fault = Some(Fault::NotItsBeginning);
        }
        let before =
            self.last.unwrap_or(Head { sequence: it.seq.saturating_sub(1), hash: Hash::NONE });
        let Ok((stated, right)) = hashes(line, before.hash) else {
            return (None, Some(Fault::Unreadable));
        };
        self.last = Some(Head { sequence: it.seq, hash: stated });
        let expected = before.sequence.saturating_add(1);
        let fault = if it.seq > expected {
            Some(Fault::Missing)
        } else if it.seq < expected {
            Some(Fault::OutOfOrder)
        } else if stated != right {
            Some(Fault::Changed)
        } else {
            fault
        };
        (said(it, before), fault)
    }

    /// Whether the last record is the one that the store knows, and yet another.
    pub(super) fn differs(&self, known: Option<Head>) -> Option<Fault> {
        let (last, known) = (self.last?, known?);
        let differs = last.sequence == known.sequence && last.hash != known.hash;
        differs.then_some(Fault::NotAsStored)
    }
}

fn said(it: Fields<'_, At>, before: Head) -> Option<Said> {
    match it {
        Fields { open: Some(it), .. } => Some(Said::Opening(it.at, it.row, it.gaps)),
        Fields { head: Some(head), .. } => Some(Said::Signature(
            before,
            Timestamp::from_unix_ms(head.at),
            head.signature.into_owned(),
        )),
        Fields { event: Some(event), row, .. } => {
            Some(Said::Event(row, Timestamp::from_unix_ms(event.at)))
        }
        _ => None,
    }
}

/// The last record before a segment, as its first line says; `None` if it is no opening.
pub(super) fn before(line: &[u8]) -> Option<Head> {
    let it = serde_json::from_slice::<Fields<'_, At>>(line).ok()?;
    Some(Head { sequence: it.seq.saturating_sub(1), hash: it.open?.previous.parse().ok()? })
}

/// Whether the lines up to `length` (all of them, without it) lead from one record to another.
/// Quick: it looks at hashes alone. `each` gets every line, without its end.
pub(super) fn leads(
    lines: &mut Lines,
    (before, end): (Head, Head),
    length: Option<u64>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let (mut last, mut read) = (before.hash, 0_u32);
    while length.is_none_or(|it| lines.next < it) {
        let line = match lines.next()? {
            Next::Line(line) => line,
            Next::Torn => return Ok(false),
            Next::End => break,
        };
        match hashes(line, last) {
            Ok((stated, right)) if stated == right => last = right,
            _ => return Ok(false),
        }
        each(line)?;
        read = read.wrapping_add(1);
        if read.is_multiple_of(MOMENT) {
            std::thread::yield_now();
        }
    }
    Ok(last == end.hash && length.is_none_or(|it| lines.next == it))
}
