//! Looking after the files: are they still what was written?
//!
//! Several times a second every file is looked at (inode, size, time of change) and the open one is
//! read through its hashes; besides, one closed segment after the other is read again, so that also
//! a change that left no such trace is found.

use std::{collections::BTreeSet, io, os::unix::fs::MetadataExt as _, sync::PoisonError};

use yaoku_model::time::Timestamp;

use super::{Shared, Writer};
use crate::audit::{
    Fault, Head,
    chain::leads,
    closed::{Closed, Seen, Table},
    note,
    segment::{Lines, segment_path},
};

/// One closed segment is read again so often, in milliseconds: all of them within so much times
/// their number. Our choice.
const AGAIN_MS: i64 = 10_000;

/// At most so many files are looked at in one round; the others follow in the next ones.
const MAX_LOOKS: usize = 10_000;

/// What the rounds remember.
#[derive(Debug, Default)]
pub(in crate::audit) struct Watch {
    /// Segments that were found damaged: said once.
    pub(super) damaged: BTreeSet<u32>,
    /// The open segment, and its length, when it was found in order.
    open: (u32, u64, i64),
    /// The closed segment that was looked at last.
    looked: u32,
    /// The one that was read again last, and when by the steady clock.
    again: (u32, Option<Timestamp>),
    /// The last segment whose file was removed by policy.
    pub(super) pruned: u32,
    /// Whether the table of closed segments is to be written.
    pub(super) unwritten: bool,
    /// The number of the last record at the last round.
    pub(super) written: u64,
    /// No file is compressed before this, by the steady clock: there was no room.
    pub(super) pause: Option<Timestamp>,
}

/// The open segment at one moment.
struct Open {
    segment: u32,
    before: Head,
    last: Head,
    length: u64,
    changed: i64,
}

impl Shared {
    /// One round: it notices what was changed, and keeps house.
    pub(in crate::audit) fn look(&self, watch: &mut Watch) {
        self.look_at_open(watch);
        self.look_at_closed(watch);
        self.read_again(watch);
        self.keep(watch);
    }

    fn look_at_open(&self, watch: &mut Watch) {
        if self.judge_open(watch).is_none() {
            return;
        }
        // A sync that mends the file may have been under way.
        let fault = {
            let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
            self.judge_open(watch)
        };
        let Some((segment, fault)) = fault else { return };
        watch.damaged.insert(segment);
        let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.lock();
        if writer.segment == segment && writer.failure.is_none() {
            _ = self.place.disk.sync(&writer.file);
            // What was changed stays as it is, for whoever looks into it.
            if let Err(error) = self.next_segment(&mut writer) {
                tracing::error!(?error, "audit: no new segment");
            }
        }
        drop(writer);
        self.notice(segment, fault);
    }

    /// What is wrong with the open segment.
    fn judge_open(&self, watch: &mut Watch) -> Option<(u32, Fault)> {
        let open = match Open::now(&self.lock(), &self.place.home)? {
            Ok(open) => open,
            Err(wrong) => return Some(wrong),
        };
        let mark = (open.segment, open.length, open.changed);
        if watch.open == mark {
            return None;
        }
        let proved = Lines::open(&self.place.home, open.segment, 0).and_then(|mut lines| {
            leads(&mut lines, (open.before, open.last), Some(open.length), |_| Ok(()))
        });
        match proved {
            Ok(true) => watch.open = mark,
            Ok(false) => return Some((open.segment, Fault::Changed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some((open.segment, Fault::SegmentMissing));
            }
            Err(error) => tracing::warn!(%error, "audit: the open segment cannot be read"),
        }
        None
    }

    fn look_at_closed(&self, watch: &mut Watch) {
        let mut all = self.closed_after(watch.looked, MAX_LOOKS);
        watch.looked = match all.last_key_value() {
            Some((last, _)) if all.len() == MAX_LOOKS => *last,
            _ => 0,
        };
        all.retain(|it, _| !watch.damaged.contains(it));
        for (number, closed) in all {
            match Seen::of(&self.place.home, number) {
                Ok(seen) if closed.seen == Some(seen) => {}
                _ => self.prove(watch, number, closed),
            }
        }
    }

    fn read_again(&self, watch: &mut Watch) {
        let now = self.steady_now();
        let (last, at) = watch.again;
        if at.is_some_and(|it| now.unix_ms() - it.unix_ms() < AGAIN_MS) {
            return;
        }
        let next = self.closed_after(last, 1).pop_first();
        watch.again = (next.map_or(0, |it| it.0), Some(now));
        if let Some((number, closed)) = next.filter(|it| !watch.damaged.contains(&it.0)) {
            self.prove(watch, number, closed);
        }
    }

    /// Reads a closed segment, and notices it if it is not what was written.
    fn prove(&self, watch: &mut Watch, number: u32, closed: Closed) {
        let home = &self.place.home;
        let read = Seen::of(home, number).and_then(|seen| {
            let mut lines = Lines::open(home, number, 0)?;
            Ok((leads(&mut lines, (closed.before, closed.end), None, |_| Ok(()))?, seen))
        });
        let fault = match read {
            Ok((true, seen)) => {
                watch.unwritten |= closed.seen != Some(seen);
                self.saw(number, seen);
                return;
            }
            Ok((false, _)) => Fault::Changed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Fault::SegmentMissing,
            Err(error) => {
                tracing::warn!(%error, number, "audit: a segment cannot be read");
                return;
            }
        };
        watch.damaged.insert(number);
        self.notice(number, fault);
    }

    /// Says that a segment was changed: in the log, in the journal, and to who asks. Calls go on
    /// being served: else whoever may write one file could stop the service.
    pub(super) fn notice(&self, segment: u32, fault: Fault) {
        tracing::error!(segment, %fault, "audit: the journal was changed from outside");
        let event = note::noticed(self.clock.now(), segment, fault);
        let mut writer = self.lock();
        writer.noticed = Some(fault);
        drop(writer);
        if let Err(error) = self.append(&event.to_row(), None) {
            tracing::error!(?error, "audit: what was noticed is not written");
        }
    }

    /// Up to `count` closed segments after one.
    fn closed_after(&self, number: u32, count: usize) -> Table {
        let after = number.saturating_add(1)..;
        self.closed().range(after).take(count).map(|(number, it)| (*number, *it)).collect()
    }

    /// Notes how the file of a closed segment looks.
    pub(in crate::audit) fn saw(&self, number: u32, seen: Seen) {
        if let Some(it) = self.closed().get_mut(&number) {
            it.seen = Some(seen);
        }
    }
}

impl Open {
    /// What the writer has written, if the file is there and as long; `None` while nothing can be
    /// written, for then the file may hold a part of a line.
    fn now(writer: &Writer, home: &std::path::Path) -> Option<Result<Self, (u32, Fault)>> {
        if writer.failure.is_some() {
            return None;
        }
        let segment = writer.segment;
        let ours = writer.file.metadata();
        let there = std::fs::metadata(segment_path(home, segment));
        let changed = match (ours, there) {
            (Ok(ours), Ok(there)) if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) => {
                return Some(Err((segment, Fault::SegmentMissing)));
            }
            (Ok(_), Ok(there)) if there.len() != writer.length => {
                return Some(Err((segment, Fault::Changed)));
            }
            (Ok(_), Ok(there)) => there.ctime_nsec() ^ there.ctime().rotate_left(32),
            (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Some(Err((segment, Fault::SegmentMissing)));
            }
            // It cannot be looked at: that says nothing about it.
            _ => return None,
        };
        let (before, last, length) = (writer.before, writer.last, writer.length);
        Some(Ok(Self { segment, before, last, length, changed }))
    }
}
