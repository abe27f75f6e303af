//! What is in a journal when it is opened: read back, verified, and mended where a write was cut.

use std::{collections::BTreeSet, path::Path};

use yaoku_model::time::Timestamp;

use super::{
    chain::{Chain, Fault, Lines, Next, Said, segment_path, segments},
    head::{Head, PublicKey},
    journal::AuditError,
};

/// The end of a journal that is in order.
pub(super) struct Past {
    /// The last segment's number.
    pub(super) segment: u32,
    /// The last whole record.
    pub(super) last: Head,
    /// Where it ends in the last segment, in bytes: what follows was not written whole.
    pub(super) length: u64,
    /// The number of the last signature.
    pub(super) signed: u64,
    /// The row ids in what was read.
    pub(super) rows: BTreeSet<i64>,
}

impl Past {
    /// Reads the last two segments, and all from the one on that holds `known`. `None` if the
    /// journal is new.
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
        if let Some((missing, _)) = (1..).zip(&numbers).find(|(expected, it)| expected != *it) {
            return Err(tampered(missing, 0, Fault::SegmentMissing));
        }
        let chain = Chain::of(node);
        let mut reader = Reader { key, known, chain, rows: BTreeSet::new(), length: 0, signed: 0 };
        for number in from(home, &numbers, known)? {
            reader.segment(home, number, number == newest)?;
        }
        reader.finish(newest).map(Some)
    }
}

/// Which segments are read.
fn from(home: &Path, numbers: &[u32], known: Option<Head>) -> Result<Vec<u32>, AuditError> {
    let mut start = numbers.len().saturating_sub(2);
    while let Some(known) = known
        && start > 0
        && opens_at(home, numbers[start])? > known.sequence
    {
        start -= 1;
    }
    Ok(numbers[start..].to_vec())
}

/// The number of a segment's first record.
fn opens_at(home: &Path, number: u32) -> Result<u64, AuditError> {
    let mut lines = Lines::open(&segment_path(home, number), 0)?;
    let mut chain = Chain::of("");
    if let Next::Line(line) = lines.next()? {
        chain.follow(line, number, true);
    }
    let head = chain.last.ok_or_else(|| tampered(number, 0, Fault::NotItsBeginning))?;
    Ok(head.sequence)
}

/// Follows the chain and keeps what the writer needs to go on.
struct Reader<'a> {
    key: &'a PublicKey,
    known: Option<Head>,
    chain: Chain<'a>,
    rows: BTreeSet<i64>,
    length: u64,
    signed: u64,
}

impl Reader<'_> {
    /// Reads one segment; only the newest may end within a line.
    fn segment(&mut self, home: &Path, number: u32, newest: bool) -> Result<(), AuditError> {
        let mut lines = Lines::open(&segment_path(home, number), 0)?;
        let mut signature = None;
        let mut first = true;
        loop {
            let line = match lines.next()? {
                Next::Line(line) => line,
                Next::Torn if !newest => return Err(self.fault(number, Fault::Unreadable)),
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
        self.length = lines.offset;
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
        match said {
            Some(Said::Signature(head, at, text)) => {
                self.signed = head.sequence + 1;
                return Ok(Some((head, at, text)));
            }
            Some(Said::Event(Some(row), _)) => {
                self.rows.insert(row);
            }
            _ => {}
        }
        Ok(None)
    }

    fn finish(self, segment: u32) -> Result<Past, AuditError> {
        let sequence = self.chain.last.map_or(0, |it| it.sequence);
        if self.known.is_some_and(|it| it.sequence > sequence) {
            return Err(self.fault(segment, Fault::Cut));
        }
        let Some(last) = self.chain.last else {
            return Err(self.fault(segment, Fault::NotItsBeginning));
        };
        Ok(Past { segment, last, length: self.length, signed: self.signed, rows: self.rows })
    }

    fn fault(&self, segment: u32, what: Fault) -> AuditError {
        tampered(segment, self.chain.last.map_or(0, |it| it.sequence), what)
    }
}

const fn tampered(segment: u32, sequence: u64, what: Fault) -> AuditError {
    AuditError::Tampered { segment, sequence, what }
}
