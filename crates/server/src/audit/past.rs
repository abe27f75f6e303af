//! What is in a journal when it is opened: read back, verified, and mended where a write was cut.

use std::{collections::BTreeSet, path::Path};

use yaoku_model::time::Timestamp;

use super::{
    chain::{Chain, Fault, Said, before},
    closed::{self, Closed, Seen, Table},
    gap::{self, Gap, Step, steps},
    head::{Head, PublicKey},
    journal::AuditError,
    record::Hash,
    segment::{Lines, Next, segments},
};

/// The end of a journal that is in order.
pub(super) struct Past {
    /// The last segment's number.
    pub(super) segment: u32,
    /// Whether the last segment is compressed, so that nothing can be added to it.
    pub(super) packed: bool,
    /// The last record before that segment.
    pub(super) before: Head,
    /// The last whole record.
    pub(super) last: Head,
    /// Where it ends in the last segment, in bytes: what follows was not written whole.
    pub(super) length: u64,
    /// The number of the last signature.
    pub(super) signed: u64,
    /// When the last segment was begun, in milliseconds since 1970.
    pub(super) begun: i64,
    /// The latest time in what was read, in milliseconds since 1970.
    pub(super) latest: i64,
    /// The row ids in what was read, and the highest before it.
    pub(super) rows: BTreeSet<i64>,
    /// What is missing, and why.
    pub(super) gaps: Vec<Gap>,
    /// All segments but the last.
    pub(super) closed: Table,
}

impl Past {
    /// Reads the last two segments, all from the one on that holds `known`, and those that do not
    /// look as they did when they were last proved. `None` if the journal is new.
    pub(super) fn read(
        home: &Path,
        node: &str,
        key: &PublicKey,
        known: Option<Head>,
    ) -> Result<Option<Self>, AuditError> {
        let numbers = segments(home)?;
        let Some(&newest) = numbers.last() else {
            return match known {
                Some(known) => Err(tampered(0, known.sequence, Fault::Cut)),
                None => Ok(None),
            };
        };
        let gaps = gap::read(home, &numbers, node, key)?;
        let table = closed::read(home, node, key)?;
        let start = from(home, &numbers, known)?;
        let mut reader = Reader::new(node, key, known);
        for step in steps(&numbers, &gaps) {
            match step {
                Step::Missing(it) => return Err(tampered(it, 0, Fault::SegmentMissing)),
                Step::Gap(gap) => reader.jump(gap)?,
                Step::Segment(it) => match table.get(&it) {
                    Some(closed) if it < start && looks_the_same(home, it, closed) => {
                        reader.pass(it, *closed)?;
                    }
                    _ => reader.segment(home, it, it == newest)?,
                },
            }
        }
        reader.finish(newest, gaps).map(Some)
    }
}

/// The first segment that is read in any case.
fn from(home: &Path, numbers: &[u32], known: Option<Head>) -> Result<u32, AuditError> {
    let mut start = numbers.len().saturating_sub(2);
    while let Some(known) = known
        && start > 0
        && opens_at(home, numbers[start])? > known.sequence
    {
        start -= 1;
    }
    Ok(numbers[start])
}

/// The number of a segment's first record.
fn opens_at(home: &Path, number: u32) -> Result<u64, AuditError> {
    match Lines::open(home, number, 0)?.next()? {
        Next::Line(line) => before(line).map(|it| it.sequence.saturating_add(1)),
        Next::Torn | Next::End => None,
    }
    .ok_or_else(|| tampered(number, 0, Fault::NotItsBeginning))
}

fn looks_the_same(home: &Path, number: u32, closed: &Closed) -> bool {
    Seen::of(home, number).is_ok_and(|it| closed.seen == Some(it))
}

/// Follows the chain and keeps what the writer needs to go on.
pub(super) struct Reader<'a> {
    key: &'a PublicKey,
    known: Option<Head>,
    /// Where the chain is.
    pub(super) chain: Chain<'a>,
    /// The last record that was in order.
    pub(super) end: Option<Head>,
    /// The last record before the segment that was read last.
    pub(super) before: Head,
    /// The row ids in what was read, and the highest before it.
    pub(super) rows: BTreeSet<i64>,
    /// Where the last whole line of the segment that was read last ends, in bytes.
    pub(super) length: u64,
    packed: bool,
    signed: u64,
    begun: i64,
    latest: i64,
    closed: Table,
}

impl<'a> Reader<'a> {
    /// At a journal's beginning.
    pub(super) fn new(node: &'a str, key: &'a PublicKey, known: Option<Head>) -> Self {
        let start = Head { sequence: 0, hash: Hash::NONE };
        Self {
            key,
            known,
            chain: Chain { node, last: Some(start) },
            end: None,
            before: start,
            rows: BTreeSet::new(),
            length: 0,
            packed: false,
            signed: 0,
            begun: 0,
            latest: 0,
            closed: Table::new(),
        }
    }

    /// Goes on after a gap.
    fn jump(&mut self, gap: &Gap) -> Result<(), AuditError> {
        if self.chain.last != Some(gap.before) {
            return Err(self.fault(gap.first, Fault::Missing));
        }
        if gap.is_too_wide(self.known) {
            return Err(self.fault(gap.first, Fault::GapTooWide));
        }
        self.chain.last = Some(gap.after);
        Ok(())
    }

    /// Goes on after a segment that need not be read.
    fn pass(&mut self, number: u32, closed: Closed) -> Result<(), AuditError> {
        if self.chain.last != Some(closed.before) {
            return Err(self.fault(number, Fault::Missing));
        }
        self.chain.last = Some(closed.end);
        self.closed.insert(number, closed);
        Ok(())
    }

    /// Reads one segment; only the newest may end within a line.
    pub(super) fn segment(
        &mut self,
        home: &Path,
        number: u32,
        newest: bool,
    ) -> Result<(), AuditError> {
        // Looked at first: what is changed while it is read looks different afterwards.
        let seen = Seen::of(home, number)?;
        self.before = self.chain.last.unwrap_or(self.before);
        let mut lines = Lines::open(home, number, 0)?;
        let mut signature = None;
        let (mut first, packed) = (true, lines.packed);
        loop {
            let line = match lines.next()? {
                Next::Line(line) => line,
                Next::Torn if !newest || packed => {
                    return Err(self.fault(number, Fault::Unreadable));
                }
                Next::Torn | Next::End => break,
            };
            // Blocks that never reached the medium read as zeros, which no record holds.
            if newest && !first && line.contains(&0) {
                break;
            }
            signature = self.line(line, number, first)?.or(signature);
            first = false;
        }
        if first {
            return Err(self.fault(number, Fault::NotItsBeginning));
        }
        (self.length, self.packed) = (lines.offset, packed);
        if !newest && let Some(end) = self.end {
            let it = Closed { before: self.before, end, at: self.latest, seen: Some(seen) };
            self.closed.insert(number, it);
        }
        // One signature stands for all before it: checking each would make starting slow.
        match signature {
            Some((head, at, text)) if !self.key.proves(self.chain.node, head, at, &text) => {
                Err(tampered(number, head.sequence + 1, Fault::BadSignature))
            }
            _ => Ok(()),
        }
    }

    fn line(
        &mut self,
        line: &[u8],
        segment: u32,
        first: bool,
    ) -> Result<Option<(Head, Timestamp, String)>, AuditError> {
        let (said, fault) = self.chain.follow(line, segment, first);
        if let Some(fault) = fault.or_else(|| self.chain.differs(self.known)) {
            return Err(self.fault(segment, fault));
        }
        self.end = self.chain.last;
        match said {
            Some(Said::Opening(at, row, _)) => {
                self.begun = at;
                self.rows.extend(row);
            }
            Some(Said::Signature(head, at, text)) => {
                self.signed = head.sequence + 1;
                self.latest = self.latest.max(at.unix_ms());
                return Ok(Some((head, at, text)));
            }
            Some(Said::Event(row, at)) => {
                self.rows.extend(row);
                self.latest = self.latest.max(at.unix_ms());
            }
            None => {}
        }
        Ok(None)
    }

    fn finish(self, segment: u32, gaps: Vec<Gap>) -> Result<Past, AuditError> {
        let sequence = self.chain.last.map_or(0, |it| it.sequence);
        if self.known.is_some_and(|it| it.sequence > sequence) {
            return Err(self.fault(segment, Fault::Cut));
        }
        let Some(last) = self.chain.last else {
            return Err(self.fault(segment, Fault::NotItsBeginning));
        };
        Ok(Past {
            segment,
            packed: self.packed,
            before: self.before,
            last,
            length: self.length,
            signed: self.signed,
            begun: self.begun,
            latest: self.latest,
            rows: self.rows,
            gaps,
            closed: self.closed,
        })
    }

    fn fault(&self, segment: u32, what: Fault) -> AuditError {
        tampered(segment, self.chain.last.map_or(0, |it| it.sequence), what)
    }
}

pub(super) const fn tampered(segment: u32, sequence: u64, what: Fault) -> AuditError {
    AuditError::Tampered { segment, sequence, what }
}
