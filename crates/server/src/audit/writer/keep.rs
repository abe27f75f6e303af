//! Keeping house: closed segments are compressed, old ones pruned by policy.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    sync::atomic::Ordering::Relaxed,
};

use flate2::{Compression, write::GzEncoder};
use yaoku_model::time::Timestamp;

use super::{Shared, Watch};
use crate::{
    audit::{
        Fault, Head,
        chain::leads,
        closed::{self, Closed},
        gap::Gap,
        record::Hash,
        segment::{Lines, packed_path, segment_path, segments},
    },
    disk::Disk,
};

/// So long, in milliseconds, compressing rests when it did not work. Our choice.
const PAUSE_MS: i64 = 60_000;

/// With so many records in one round compressing waits for a quieter one: calls need the processor.
/// Our choice.
const BUSY: u64 = 2_000;

/// At most so many closed segments wait to be compressed: 256 MiB by default. Our choice.
const MAX_WAITING: usize = 32;

const DAY_MS: i64 = 86_400_000;

impl Shared {
    /// Does what is due: at most one segment is compressed at a time.
    pub(super) fn keep(&self, watch: &mut Watch) {
        self.remove_pruned(watch);
        self.pack_one(watch);
        if watch.unwritten && self.lock().failure.is_none() {
            let table = self.closed().clone();
            let it = &self.place;
            // It only saves time at the next start.
            match closed::write(&it.home, &it.node, &it.signer, &table, it.disk()) {
                Ok(()) => watch.unwritten = false,
                Err(error) => tracing::debug!(%error, "audit: the table is not written"),
            }
        }
    }

    /// What is missing once the policy was applied. The last closed segment always stays.
    pub(super) fn gaps_after_pruning(&self, gaps: &[Gap], now: Timestamp) -> Vec<Gap> {
        let mut gaps = gaps.to_vec();
        if let Some((last, after)) = self.to_prune(now) {
            gaps.retain(|it| it.accepted.is_some());
            let before = Head { sequence: 0, hash: Hash::NONE };
            gaps.insert(0, Gap { first: 1, last, before, after, accepted: None });
        }
        gaps
    }

    /// The newest segment that the policy lets go, and its last record. What the store knows of stays.
    fn to_prune(&self, now: Timestamp) -> Option<(u32, Head)> {
        let closed = self.closed();
        let size = |it: &Closed| it.seen.map_or(0, |it| it.size);
        let mut bytes: u64 = closed.values().map(size).sum();
        let oldest = self.options.keep_days.map(|it| now.unix_ms() - i64::from(it) * DAY_MS);
        let known = self.known.load(Relaxed);
        let mut pruned = None;
        for (number, it) in closed.iter().take(closed.len().saturating_sub(1)) {
            let too_old = oldest.is_some_and(|oldest| it.at < oldest);
            let too_much = self.options.keep_bytes.is_some_and(|kept| bytes > kept);
            if !(too_old || too_much) || it.end.sequence >= known {
                break;
            }
            bytes -= size(it);
            pruned = Some((*number, it.end));
        }
        pruned
    }

    /// Removes the files of pruned segments. The opening that says so is on the medium, signed.
    fn remove_pruned(&self, watch: &mut Watch) {
        let writer = self.lock();
        let pruned = writer.gaps.iter().find(|it| it.accepted.is_none()).map(|it| it.last);
        drop(writer);
        let Some(pruned) = pruned.filter(|it| *it != watch.pruned) else { return };
        match self.remove_up_to(pruned) {
            Ok(()) => (watch.pruned, watch.unwritten) = (pruned, true),
            Err(error) => tracing::warn!(%error, "audit: a pruned segment is still there"),
        }
    }

    fn remove_up_to(&self, last: u32) -> io::Result<()> {
        let home = &self.place.home;
        self.closed().retain(|number, _| *number > last);
        for number in segments(home)?.into_iter().filter(|it| *it <= last) {
            for path in [segment_path(home, number), packed_path(home, number)] {
                match self.place.disk.remove(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        self.place.disk.sync_directory(home)
    }

    fn pack_one(&self, watch: &mut Watch) {
        let (now, busy) = (self.steady_now(), self.is_busy(watch));
        if watch.pause.is_some_and(|it| now < it) || self.lock().failure.is_some() {
            return;
        }
        let plain = |(number, it): (&u32, &Closed)| {
            let fit = it.seen.is_some_and(|it| !it.packed) && !watch.damaged.contains(number);
            fit.then_some((*number, *it))
        };
        let waiting: Vec<_> = self.closed().iter().filter_map(plain).take(MAX_WAITING).collect();
        let Some(&(number, closed)) = waiting.first() else { return };
        // Where there is a bound in bytes, what is not compressed would push out older segments.
        if busy && waiting.len() < MAX_WAITING && self.options.keep_bytes.is_none() {
            return;
        }
        match self.pack(number, closed) {
            Ok(true) => {}
            Ok(false) => {
                watch.damaged.insert(number);
                self.notice(number, Fault::Changed);
            }
            Err(error) => {
                watch.pause = Some(now.plus_seconds(PAUSE_MS / 1000));
                tracing::warn!(%error, number, "audit: a segment is not compressed");
            }
        }
    }

    /// Whether much was written since the last round.
    fn is_busy(&self, watch: &mut Watch) -> bool {
        let written = self.lock().last.sequence;
        written - std::mem::replace(&mut watch.written, written) >= BUSY
    }

    /// Compresses a segment, if it is what was written.
    fn pack(&self, number: u32, closed: Closed) -> io::Result<bool> {
        let (home, disk) = (&self.place.home, self.place.disk());
        if disk.free(home)? < self.options.reserve_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let draft = home.join("packed.new");
        let file = disk.open_append(&draft)?;
        disk.truncate(&file, 0)?;
        if !self.pack_into(&file, number, closed)? {
            disk.remove(&draft)?;
            return Ok(false);
        }
        disk.sync(&file)?;
        disk.rename(&draft, &packed_path(home, number))?;
        disk.sync_directory(home)?;
        disk.remove(&segment_path(home, number))?;
        disk.sync_directory(home)?;
        // Whatever lies there now is proved in the next round.
        if let Some(it) = self.closed().get_mut(&number) {
            it.seen = None;
        }
        Ok(true)
    }

    fn pack_into(&self, file: &File, number: u32, closed: Closed) -> io::Result<bool> {
        let to = Appended { disk: self.place.disk(), file };
        let to = BufWriter::with_capacity(1 << 16, to);
        // At the default level it took more than a quarter of a busy server's processor time.
        let mut packed = GzEncoder::new(to, Compression::fast());
        let mut lines = Lines::open(&self.place.home, number, 0)?;
        let whole = leads(&mut lines, (closed.before, closed.end), None, |line| {
            packed.write_all(line)?;
            packed.write_all(b"\n")
        })?;
        packed.finish()?.flush()?;
        Ok(whole)
    }
}

/// A file that is written through a disk.
struct Appended<'a> {
    disk: &'a dyn Disk,
    file: &'a File,
}

impl io::Write for Appended<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.append(self.file, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
