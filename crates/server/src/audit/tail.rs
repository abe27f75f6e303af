//! The last events of a journal, and those that follow.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use super::{
    event::{Event, Line},
    record::Fields,
    segment::{self, Lines, Next},
};

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
    segments: PathBuf,
    segment: u32,
    offset: u64,
}

impl Tail {
    /// The last `count` events in `segments` (see [`super::directory`]), oldest first, and the
    /// place after them. Proves nothing: [`super::verify`] does.
    pub fn last(segments: &Path, count: usize) -> io::Result<(Vec<Entry>, Self)> {
        let numbers = segment::segments(segments)?;
        let newest = numbers.last().copied().unwrap_or(1);
        let mut tail = Self { segments: segments.to_owned(), segment: newest, offset: 0 };
        let mut kept = VecDeque::new();
        for &number in numbers.iter().rev() {
            let mut part = Self { segment: number, offset: 0, ..tail.clone() };
            let mut last = VecDeque::new();
            let wanted = count - kept.len();
            part.read(|entry| {
                last.push_back(entry);
                if last.len() > wanted {
                    last.pop_front();
                }
            })?;
            last.append(&mut kept);
            kept = last;
            if number == newest {
                tail.offset = part.offset;
            }
            if kept.len() >= count {
                break;
            }
        }
        Ok((kept.into(), tail))
    }

    /// The events since the last look, oldest first. Call it as often as you like.
    pub fn more(&mut self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        loop {
            // Looked up first: once there is a next segment, this one does not grow any more.
            let next = segment::segments(&self.segments)?.into_iter().find(|it| *it > self.segment);
            self.read(|entry| entries.push(entry))?;
            let Some(next) = next else { return Ok(entries) };
            (self.segment, self.offset) = (next, 0);
        }
    }

    /// Reads what the segment holds after the place, and moves the place behind it.
    fn read(&mut self, mut to: impl FnMut(Entry)) -> io::Result<()> {
        let mut lines = match Lines::open(&self.segments, self.segment, self.offset) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            lines => lines?,
        };
        while let Next::Line(line) = lines.next()? {
            entry(line).into_iter().for_each(&mut to);
        }
        self.offset = lines.offset;
        Ok(())
    }
}

/// The event in a line. What cannot be read is passed over: saying so is for the proof.
fn entry(line: &[u8]) -> Option<Entry> {
    let it: Fields<'_, Line<'_>> = serde_json::from_slice(line).ok()?;
    Some(Entry { sequence: it.seq, row: it.row, event: it.event?.try_into().ok()? })
}
