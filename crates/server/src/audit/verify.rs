//! The proof of a whole journal.

use std::{io, path::Path};

use yaoku_model::time::Timestamp;

use super::{
    chain::{Chain, Fault, Said},
    gap::{self, Gap, Step, steps},
    head::{Head, NodeName, PublicKey},
    record::Hash,
    segment::{Lines, Next, segments},
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
    /// Segments that are not there, pruned by policy or lost and accepted: said in the journal
    /// itself, and signed.
    pub gaps: Vec<Gap>,
    /// What is wrong, in order; at most 1000.
    pub problems: Vec<Problem>,
}

/// Reads the journal of `node` in `segments` (see [`super::directory`]) from end to end.
///
/// `known` is the head that the store has: without it, records cut off the end, and changes after
/// the last signature, go unnoticed.
pub fn verify(
    home: &Path,
    node: &NodeName,
    key: &PublicKey,
    known: Option<Head>,
) -> io::Result<Report> {
    let mut tries = 3;
    loop {
        match prove(home, node, key, known) {
            // A server that runs has compressed or pruned the file meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries > 0 => tries -= 1,
            done => return done,
        }
    }
}

fn prove(home: &Path, node: &NodeName, key: &PublicKey, known: Option<Head>) -> io::Result<Report> {
    let start = Head { sequence: 0, hash: Hash::NONE };
    let chain = Chain { node: node.as_str(), last: Some(start) };
    let numbers = segments(home)?;
    let newest = numbers.last().copied().unwrap_or_default();
    let gaps = gap::read(home, &numbers, node.as_str(), key)?;
    let report = Report { gaps: gaps.clone(), ..Report::default() };
    let mut proof = Proof { key, known, chain, report };
    for step in steps(&numbers, &gaps) {
        match step {
            Step::Missing(it) => proof.problem(it, Fault::SegmentMissing),
            Step::Gap(gap) => proof.jump(gap),
            Step::Segment(it) => proof.segment(home, it, it == newest)?,
        }
    }
    Ok(proof.finish(newest))
}

/// A proof under way.
struct Proof<'a> {
    key: &'a PublicKey,
    known: Option<Head>,
    chain: Chain<'a>,
    report: Report,
}

impl Proof<'_> {
    /// Goes on after a gap.
    fn jump(&mut self, gap: &Gap) {
        if self.chain.last != Some(gap.before) {
            self.problem(gap.first, Fault::Missing);
        }
        if gap.is_too_wide(self.known) {
            self.problem(gap.first, Fault::GapTooWide);
        }
        self.chain.last = Some(gap.after);
    }

    fn segment(&mut self, home: &Path, number: u32, newest: bool) -> io::Result<()> {
        self.report.segments += 1;
        let mut lines = Lines::open(home, number, 0)?;
        let (mut first, packed) = (true, lines.packed);
        loop {
            match lines.next()? {
                Next::Line(line) => self.line(line, number, first),
                Next::Torn if newest && !first && !packed => self.report.torn = true,
                Next::Torn => {
                    self.problem(number, Fault::Unreadable);
                    if packed {
                        break;
                    }
                }
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
            Some(Said::Opening(..)) | None => {}
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
        self.report.head = self.chain.last.filter(|it| it.sequence > 0);
        self.report
    }
}
