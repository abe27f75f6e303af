//! The state behind a journal: what is written, what is on the medium, and how it recovers.

mod clock;
mod keep;
mod started;
mod watch;

pub(super) use self::{
    started::{Beginning, Place, Started},
    watch::Watch,
};

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::watch::Sender;
use yaoku_model::time::{Clock, Timestamp};

use self::clock::Clocks;
use super::{
    chain::Fault,
    closed::{Closed, Table},
    event::Event,
    gap::Gap,
    head::{Head, PublicKey},
    journal::{AuditError, Options, Setup, Vitals, Written},
    past::Past,
    record::{Content, Hash, SignedHead, write_line},
    segment::segment_path,
};
use crate::disk::Disk;

/// As many row ids as are remembered.
const MAX_ROWS: usize = 65_536;

/// What a journal's callers and its thread share.
pub(super) struct Shared {
    place: Place,
    clock: Arc<dyn Clock>,
    clocks: Mutex<Clocks>,
    options: Options,
    /// The closed segments. Taken after `writer`, if both are.
    closed: Mutex<Table>,
    /// Held over a sync, so that there is one at a time. Taken before `writer`.
    one_sync: Mutex<()>,
    writer: Mutex<Writer>,
    progress: Sender<Progress>,
    /// Whether the log knows that the journal refuses.
    complained: AtomicBool,
    /// The number of the last record that the store knows.
    known: AtomicU64,
}

/// How far the medium is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    synced: u64,
    /// How often a sync has failed.
    failures: u64,
}

/// The open segment.
struct Writer {
    file: Arc<File>,
    segment: u32,
    /// The last record before the segment.
    before: Head,
    /// When it was begun, in milliseconds since 1970.
    begun: i64,
    /// Whether it holds an event.
    used: bool,
    /// What is missing in the journal, and why.
    gaps: Vec<Gap>,
    /// The last record that was written whole.
    last: Head,
    /// The length of the segment up to there, in bytes.
    length: u64,
    /// The last record on the medium.
    synced: Head,
    /// What was written after it: kept, because a failed sync may have lost it.
    unsynced: Vec<u8>,
    /// The part of it that a sync under way is for.
    syncing: Vec<u8>,
    /// The last record that a signature covers.
    signed: u64,
    /// The second of the last signature.
    signed_at: i64,
    failure: Option<Failure>,
    noticed: Option<Fault>,
    rows: BTreeSet<i64>,
    /// The highest row that is on the medium.
    synced_row: Option<i64>,
}

/// Why nothing can be written.
struct Failure {
    cause: Arc<io::Error>,
    /// Whether what was written since the last sync may be lost.
    lost: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("home", &self.place.home).finish_non_exhaustive()
    }
}

impl Shared {
    /// Opens the journal: see [`super::Journal::open`]. Starts no thread.
    pub(super) fn open(setup: Setup<'_>) -> Result<Self, AuditError> {
        let (clock, steady) = (Arc::clone(&setup.clock), Arc::clone(&setup.steady));
        let (known, options) = (setup.known, setup.options);
        let place = Place::open(setup)?;
        let past = Past::read(&place.home, &place.node, &place.signer.public_key(), known)?;
        let clocks = Clocks::new(steady, past.as_ref().map(|it| it.latest));
        let (writer, closed) = match past {
            Some(past) => Writer::after(past, &place, clock.now())?,
            None => (Writer::first(&place, clock.now())?, Table::new()),
        };
        let progress = Sender::new(Progress { synced: writer.last.sequence, failures: 0 });
        Ok(Self {
            place,
            clock,
            clocks: Mutex::new(clocks),
            options,
            closed: Mutex::new(closed),
            one_sync: Mutex::default(),
            writer: Mutex::new(writer),
            progress,
            complained: AtomicBool::new(false),
            known: AtomicU64::new(known.map_or(0, |it| it.sequence)),
        })
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn head(&self) -> Head {
        self.lock().synced
    }

    pub(super) fn store_knows(&self, head: Head) {
        self.known.fetch_max(head.sequence, Relaxed);
    }

    pub(super) fn public_key(&self) -> PublicKey {
        self.place.signer.public_key()
    }

    pub(super) fn refusing(&self) -> Option<Arc<io::Error>> {
        self.lock().failure.as_ref().map(|it| Arc::clone(&it.cause))
    }

    pub(super) fn vitals(&self) -> Vitals {
        let writer = self.lock();
        Vitals {
            segment: writer.segment,
            written: writer.last.sequence,
            synced: writer.synced.sequence,
            refusing: writer.failure.is_some(),
        }
    }

    pub(super) fn noticed(&self) -> Option<Fault> {
        self.lock().noticed
    }

    pub(super) fn has_row(&self, id: i64) -> bool {
        self.lock().rows.contains(&id)
    }

    pub(super) fn highest_row(&self) -> Option<i64> {
        self.lock().rows.last().copied()
    }

    pub(super) fn synced_row(&self) -> Option<i64> {
        self.lock().synced_row
    }

    pub(super) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until a record is on the medium, or a sync fails.
    pub(super) async fn wait(&self, since: Progress, sequence: u64) -> Result<(), AuditError> {
        let mut progress = self.progress.subscribe();
        let done = |it: &Progress| it.synced >= sequence || it.failures > since.failures;
        // The sender lives as long as `self`: this cannot fail.
        let synced = progress.wait_for(done).await.is_ok_and(|it| it.synced >= sequence);
        if synced {
            return Ok(());
        }
        let lost = || Arc::new(io::Error::other("a sync failed"));
        Err(AuditError::Refusing(self.refusing().unwrap_or_else(lost)))
    }

    /// Writes an event.
    pub(super) fn append(&self, event: &[u8], row: Option<i64>) -> Result<u64, AuditError> {
        let mut writer = self.lock();
        writer.put(self.place.disk(), Content::Event(event, row))?;
        Ok(writer.last.sequence)
    }

    /// Writes events with one write, all of them or none. Gives the last one's number.
    pub(super) fn append_all(&self, events: &[Vec<u8>]) -> Result<u64, AuditError> {
        let mut writer = self.lock();
        let contents = events.iter().map(|it| Content::Event(it, None));
        writer.put_all(self.place.disk.as_ref(), contents)?;
        Ok(writer.last.sequence)
    }

    /// Writes a row's event, unless it is here already.
    pub(super) fn append_row(&self, id: i64, event: &[u8]) -> Result<Written, AuditError> {
        let mut writer = self.lock();
        if writer.rows.contains(&id) {
            return Ok(Written::Before);
        }
        writer.put(self.place.disk(), Content::Event(event, Some(id)))?;
        writer.remember(id);
        Ok(Written::Now)
    }

    /// Writes counts while there is room beyond the reserve; gives how many were dropped.
    pub(super) fn append_counts(&self, counts: &[Event]) -> Result<usize, AuditError> {
        for (done, count) in counts.iter().enumerate() {
            // Asked every so often only: 64 counts are some 15 KB.
            let room = done % 64 != 0
                || self
                    .place
                    .disk
                    .free(&self.place.home)
                    .is_ok_and(|it| it >= self.options.reserve_bytes);
            if !room {
                return Ok(counts.len() - done);
            }
            self.append(&count.to_row(), None)?;
        }
        Ok(0)
    }

    /// What is done several times a second: recover, sync, sign, begin a new segment.
    pub(super) fn tick(&self) {
        let now = self.clock.now();
        self.watch_clock(now);
        {
            let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
            let mut writer = self.lock();
            if writer.signed_at != now.unix_seconds() {
                writer.signed_at = now.unix_seconds();
                self.sign(&mut writer);
            }
        }
        // Said once, not at each try.
        match self.sync() {
            Ok(_) if self.complained.swap(false, Relaxed) => tracing::warn!("audit: writing again"),
            Ok(_) => {}
            Err(error) => {
                if !self.complained.swap(true, Relaxed) {
                    tracing::error!(?error, "audit: refusing");
                }
                return;
            }
        }
        if self.is_full(now)
            && let Err(error) = self.begin_segment()
        {
            tracing::error!(?error, "audit: no new segment");
        }
    }

    /// Signs what is not signed, and syncs: at the end.
    pub(super) fn finish(&self) {
        self.sign(&mut self.lock());
        if let Err(error) = self.sync() {
            tracing::error!(?error, "audit: the end is not on the medium");
        }
    }

    /// Brings all that is written to the medium. Other threads go on writing meanwhile.
    pub(super) fn sync(&self) -> Result<Head, AuditError> {
        let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, last, row) = {
            let mut writer = self.lock();
            if writer.failure.is_some() {
                return self.recover(&mut writer);
            }
            if writer.last == writer.synced {
                return Ok(writer.last);
            }
            let Writer { unsynced, syncing, .. } = &mut *writer;
            std::mem::swap(unsynced, syncing);
            (Arc::clone(&writer.file), writer.last, writer.highest_row())
        };
        let result = self.place.disk.sync(&file);
        let mut writer = self.lock();
        match result {
            Ok(()) => {
                writer.syncing.clear();
                self.synced(&mut writer, last, row);
                Ok(last)
            }
            Err(error) => {
                let Writer { unsynced, syncing, .. } = &mut *writer;
                syncing.append(unsynced);
                std::mem::swap(unsynced, syncing);
                Err(self.failed(&mut writer, error))
            }
        }
    }

    fn closed(&self) -> MutexGuard<'_, Table> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn synced(&self, writer: &mut Writer, head: Head, row: Option<i64>) {
        (writer.synced, writer.synced_row) = (head, row);
        self.progress.send_modify(|it| it.synced = head.sequence);
    }

    /// Notes that a sync failed: what was written since the last good one may be lost.
    fn failed(&self, writer: &mut Writer, error: io::Error) -> AuditError {
        let cause = Arc::new(error);
        writer.failure = Some(Failure { cause: Arc::clone(&cause), lost: true });
        self.progress.send_modify(|it| it.failures += 1);
        AuditError::Refusing(cause)
    }

    /// Tries to write again: removes what is not whole, writes again what a failed sync may have
    /// lost, and a signature as proof that writing works.
    fn recover(&self, writer: &mut Writer) -> Result<Head, AuditError> {
        let lost = writer.failure.take().is_some_and(|it| it.lost);
        let again = || -> io::Result<()> {
            if lost {
                let kept = writer.length - writer.unsynced.len() as u64;
                self.place.disk.truncate(&writer.file, kept)?;
                self.place.disk.append(&writer.file, &writer.unsynced)?;
            } else {
                self.place.disk.truncate(&writer.file, writer.length)?;
            }
            Ok(())
        };
        if let Err(error) = again() {
            let cause = Arc::new(error);
            writer.failure = Some(Failure { cause: Arc::clone(&cause), lost });
            return Err(AuditError::Refusing(cause));
        }
        writer.signed = 0;
        self.sign(writer);
        if let Some(failure) = &mut writer.failure {
            failure.lost |= lost;
            return Err(AuditError::Refusing(Arc::clone(&failure.cause)));
        }
        if let Err(error) = self.place.disk.sync(&writer.file) {
            return Err(self.failed(writer, error));
        }
        writer.unsynced.clear();
        let (head, row) = (writer.last, writer.highest_row());
        self.synced(writer, head, row);
        Ok(head)
    }

    /// Writes a signed head, if there is anything that none covers.
    fn sign(&self, writer: &mut Writer) {
        if writer.signed >= writer.last.sequence {
            return;
        }
        let at = self.clock.now();
        let signature = self.place.signer.sign(&self.place.node, writer.last, at);
        let head = SignedHead { at: at.unix_ms(), signature: signature.into() };
        if writer.put(self.place.disk(), Content::Head(&head)).is_ok() {
            writer.signed = writer.last.sequence;
        }
    }

    /// Whether the open segment is large enough, or old enough and not empty.
    fn is_full(&self, now: Timestamp) -> bool {
        let writer = self.lock();
        let age = u128::try_from(now.unix_ms().saturating_sub(writer.begun)).unwrap_or_default();
        writer.length >= self.options.segment_bytes
            || (writer.used && age >= self.options.segment_age.as_millis())
    }

    /// Signs and syncs the segment, and goes on in the next one.
    fn begin_segment(&self) -> Result<(), AuditError> {
        let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.lock();
        if writer.failure.is_some() {
            return Ok(());
        }
        self.sign(&mut writer);
        if let Err(error) = self.place.disk.sync(&writer.file) {
            return Err(self.failed(&mut writer, error));
        }
        self.next_segment(&mut writer)?;
        Ok(())
    }

    fn next_segment(&self, writer: &mut Writer) -> io::Result<()> {
        let at = self.clock.now();
        // What was damaged is evidence: nothing is let go while it is there.
        let gaps = match writer.noticed {
            None => self.gaps_after_pruning(&writer.gaps, at),
            Some(_) => writer.gaps.clone(),
        };
        let number = writer.segment + 1;
        let row = writer.highest_row();
        let beginning = Beginning { segment: number, after: writer.last, at, row, gaps: &gaps };
        let started = Started::make(&self.place, beginning)?;
        let closed =
            Closed { before: writer.before, end: writer.last, at: at.unix_ms(), seen: None };
        self.closed().insert(writer.segment, closed);
        writer.file = Arc::new(started.file);
        writer.segment = number;
        (writer.before, writer.begun, writer.used) = (writer.last, at.unix_ms(), false);
        writer.gaps = gaps;
        writer.length = started.length;
        writer.last = started.head;
        if started.signed {
            writer.signed = started.head.sequence;
        }
        writer.unsynced.clear();
        self.synced(writer, started.head, row);
        Ok(())
    }
}

impl Writer {
    /// In a segment that was begun now.
    fn beginning(it: Started, beginning: Beginning<'_>) -> Self {
        Self {
            file: Arc::new(it.file),
            segment: beginning.segment,
            before: beginning.after,
            begun: beginning.at.unix_ms(),
            used: false,
            gaps: beginning.gaps.to_vec(),
            last: it.head,
            length: it.length,
            synced: it.head,
            unsynced: Vec::new(),
            syncing: Vec::new(),
            signed: it.head.sequence,
            signed_at: 0,
            failure: None,
            noticed: None,
            rows: BTreeSet::new(),
            synced_row: None,
        }
    }

    /// The end of a journal that was there. What is not whole is removed.
    fn after(past: Past, place: &Place, now: Timestamp) -> io::Result<(Self, Table)> {
        let mut closed = past.closed;
        if past.packed {
            // Nothing can be added to it.
            let end = Closed { before: past.before, end: past.last, at: past.latest, seen: None };
            closed.insert(past.segment, end);
            let (segment, after, gaps) = (past.segment + 1, past.last, past.gaps.as_slice());
            let row = past.rows.last().copied();
            let beginning = Beginning { segment, after, at: now, row, gaps };
            let it = Self::beginning(Started::make(place, beginning)?, beginning);
            return Ok((Self { rows: past.rows, synced_row: row, ..it }, closed));
        }
        let file = place.disk.open_append(&segment_path(&place.home, past.segment))?;
        place.disk.truncate(&file, past.length)?;
        place.disk.sync(&file)?;
        let it = Self {
            file: Arc::new(file),
            segment: past.segment,
            before: past.before,
            begun: past.begun,
            used: true,
            gaps: past.gaps,
            last: past.last,
            length: past.length,
            synced: past.last,
            unsynced: Vec::new(),
            syncing: Vec::new(),
            signed: past.signed,
            signed_at: 0,
            failure: None,
            noticed: None,
            synced_row: past.rows.last().copied(),
            rows: past.rows,
        };
        Ok((it, closed))
    }

    /// The beginning of a journal.
    fn first(place: &Place, at: Timestamp) -> io::Result<Self> {
        let after = Head { sequence: 0, hash: Hash::NONE };
        let beginning = Beginning { segment: 1, after, at, row: None, gaps: &[] };
        Ok(Self::beginning(Started::make(place, beginning)?, beginning))
    }

    /// Writes one record whole, or refuses.
    fn put(&mut self, disk: &dyn Disk, content: Content<'_>) -> Result<(), AuditError> {
        self.put_all(disk, std::iter::once(content))
    }

    /// Writes all the records with one write, or refuses all.
    fn put_all<'c>(
        &mut self,
        disk: &dyn Disk,
        contents: impl Iterator<Item = Content<'c>>,
    ) -> Result<(), AuditError> {
        if let Some(failure) = &self.failure {
            return Err(AuditError::Refusing(Arc::clone(&failure.cause)));
        }
        let (before, mut used, mut last) = (self.unsynced.len(), self.used, self.last);
        for content in contents {
            used |= matches!(content, Content::Event(..));
            last = write_line(last, content, &mut self.unsynced);
        }
        if let Err(error) = disk.append(&self.file, &self.unsynced[before..]) {
            self.unsynced.truncate(before);
            let cause = Arc::new(error);
            self.failure = Some(Failure { cause: Arc::clone(&cause), lost: false });
            return Err(AuditError::Refusing(cause));
        }
        (self.used, self.last) = (used, last);
        self.length += (self.unsynced.len() - before) as u64;
        Ok(())
    }

    fn highest_row(&self) -> Option<i64> {
        self.rows.last().copied()
    }

    fn remember(&mut self, row: i64) {
        self.rows.insert(row);
        if self.rows.len() > MAX_ROWS {
            self.rows.pop_first();
        }
    }
}
