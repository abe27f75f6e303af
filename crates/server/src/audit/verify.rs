//! The proof of a whole journal.

use std::{io, path::Path};

use yaoku_model::time::Timestamp;

use super::{
    chain::{self, Chain, Fault, Lines, Next, Said, segment_path},
    head::{Head, NodeName, PublicKey},
};

/// At most so many problems are listed.
const MAX_PROBLEMS: usize = 1000;

/// Something that is wrong in a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The segment's number.
    pub segment: u32,
    /// The record's number, or the last before it if it has none.
    pub sequence: u64,
    /// What is wrong.
    pub what: Fault,
}

/// What a journal holds, and what is wrong with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The segments that are there.
    pub segments: usize,
    /// All records, openings and signatures too.
    pub records: u64,
    /// The events among them.
    pub events: u64,
    /// Records after the last signature that fits. They are chained, but not yet signed.
    pub unsigned: u64,
    /// The time of the earliest event.
    pub first: Option<Timestamp>,
    /// The time of the latest event.
    pub last: Option<Timestamp>,
    /// The last record.
    pub head: Option<Head>,
    /// Whether the last line is not whole: a write under way, or cut by a crash. No problem.
    pub torn: bool,
    /// What is wrong, in order; at most 1000.
    pub problems: Vec<Problem>,
}

/// Reads the journal of `node` in `segments` (see [`super::directory`]) from end to end.
///
/// `known` is the head that the store has: without it, records cut off the end, and changes after
/// the last signature, go unnoticed.
pub fn verify(
    segments: &Path,
    node: &NodeName,
    key: &PublicKey,
    known: Option<Head>,
) -> io::Result<Report> {
    let mut proof =
        Proof { key, known, chain: Chain::of(node.as_str()), report: Report::default() };
    let numbers = chain::segments(segments)?;
    let mut expected = 1;
    for &number in &numbers {
        if number != expected {
            proof.problem(expected, Fault::SegmentMissing);
        }
        proof.segment(segments, number, Some(&number) == numbers.last())?;
        expected = number.saturating_add(1);
    }
    Ok(proof.finish(expected.saturating_sub(1)))
}

/// A proof under way.
struct Proof<'a> {
    key: &'a PublicKey,
    known: Option<Head>,
    chain: Chain<'a>,
    report: Report,
}

impl Proof<'_> {
    fn segment(&mut self, home: &Path, number: u32, newest: bool) -> io::Result<()> {
        self.report.segments += 1;
        let mut lines = Lines::open(&segment_path(home, number), 0)?;
        let mut first = true;
        loop {
            match lines.next()? {
                Next::Line(line) => self.line(line, number, first),
                Next::Torn if newest && !first => self.report.torn = true,
                Next::Torn => self.problem(number, Fault::Unreadable),
                Next::End => break,
            }
            first = false;
        }
        if first {
            self.problem(number, Fault::NotItsBeginning);
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], segment: u32, first: bool) {
        let (said, fault) = self.chain.follow(line, segment, first);
        let moved = said.is_some();
        if let Some(fault) = fault.or_else(|| self.chain.differs(self.known).filter(|_| moved)) {
            self.problem(segment, fault);
        }
        self.report.records += 1;
        self.report.unsigned += 1;
        match said {
            Some(Said::Event(_, at)) => {
                self.report.events += 1;
                self.report.first = Some(self.report.first.map_or(at, |it| it.min(at)));
                self.report.last = Some(self.report.last.map_or(at, |it| it.max(at)));
            }
            Some(Said::Signature(head, at, text)) => {
                if self.key.proves(self.chain.node, head, at, &text) {
                    self.report.unsigned = 0;
                } else {
                    self.problem(segment, Fault::BadSignature);
                }
            }
            Some(Said::Opening) | None => {}
        }
    }

    fn problem(&mut self, segment: u32, what: Fault) {
        if self.report.problems.len() < MAX_PROBLEMS {
            let sequence = self.chain.last.map_or(0, |it| it.sequence);
            self.report.problems.push(Problem { segment, sequence, what });
        }
    }

    fn finish(mut self, newest: u32) -> Report {
        let end = self.chain.last.map_or(0, |it| it.sequence);
        if self.known.is_some_and(|it| it.sequence > end) {
            self.problem(newest, Fault::Cut);
        }
        self.report.head = self.chain.last;
        self.report
    }
}
