//! The state behind a journal: what is written, what is on the medium, and how it recovers.

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::watch;
use yaoku_model::time::Clock;

use super::{
    chain::{Fault, segment_path},
    event::Event,
    head::{Head, HeadSigner, PublicKey},
    journal::{AuditError, Options, Setup, Vitals, Written, directory},
    past::Past,
    record::{Content, Hash, Opening, SignedHead, line},
};
use crate::disk::Disk;

/// As many row ids as are remembered.
const MAX_ROWS: usize = 65_536;

/// What a journal's callers and its thread share.
pub(super) struct Shared {
    home: PathBuf,
    node: String,
    signer: HeadSigner,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    options: Options,
    /// Held over a sync, so that there is one at a time. Taken before `writer`.
    one_sync: Mutex<()>,
    writer: Mutex<Writer>,
    progress: watch::Sender<Progress>,
    /// Whether the log knows that the journal refuses.
    complained: AtomicBool,
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
}

/// Why nothing can be written.
struct Failure {
    cause: Arc<io::Error>,
    /// Whether what was written since the last sync may be lost.
    lost: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Shared {
    /// Opens the journal: see [`super::Journal::open`]. Starts no thread.
    pub(super) fn open(setup: Setup<'_>) -> Result<Self, AuditError> {
        let home = directory(setup.data, &setup.node);
        setup.disk.make_directory(&home)?;
        own(&home, &setup.signer.public_key(), setup.disk.as_ref())?;
        let node = setup.node.as_str().to_owned();
        let writer = match Past::read(&home, &node, &setup.signer.public_key(), setup.known)? {
            Some(past) => Writer::after(past, &home, setup.disk.as_ref())?,
            None => Writer::first(&home, &node, setup.disk.as_ref())?,
        };
        let progress = watch::Sender::new(Progress { synced: writer.last.sequence, failures: 0 });
        Ok(Self {
            home,
            node,
            signer: setup.signer,
            clock: setup.clock,
            disk: setup.disk,
            options: setup.options,
            one_sync: Mutex::default(),
            writer: Mutex::new(writer),
            progress,
            complained: AtomicBool::new(false),
        })
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn head(&self) -> Head {
        self.lock().synced
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
        writer.put(self.disk.as_ref(), Content::Event(event, row))?;
        Ok(writer.last.sequence)
    }

    /// Writes a row's event, unless it is here already.
    pub(super) fn append_row(&self, id: i64, event: &[u8]) -> Result<Written, AuditError> {
        let mut writer = self.lock();
        if writer.rows.contains(&id) {
            return Ok(Written::Before);
        }
        writer.put(self.disk.as_ref(), Content::Event(event, Some(id)))?;
        writer.remember(id);
        Ok(Written::Now)
    }

    /// Writes counts while there is room beyond the reserve; gives how many were dropped.
    pub(super) fn append_counts(&self, counts: &[Event]) -> Result<usize, AuditError> {
        for (done, count) in counts.iter().enumerate() {
            // Asked every so often only: 64 counts are some 15 KB.
            let room = done % 64 != 0
                || self.disk.free(&self.home).is_ok_and(|it| it >= self.options.reserve_bytes);
            if !room {
                return Ok(counts.len() - done);
            }
            self.append(&count.to_row(), None)?;
        }
        Ok(0)
    }

    /// What is done several times a second: recover, sync, sign, look, begin a new segment.
    pub(super) fn tick(&self) {
        let now = self.clock.now();
        {
            let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
            let mut writer = self.lock();
            let due = writer.signed_at != now.unix_seconds();
            if due {
                writer.signed_at = now.unix_seconds();
                self.look(&mut writer);
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
        if self.full()
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
        let (file, last) = {
            let mut writer = self.lock();
            if writer.failure.is_some() {
                return self.recover(&mut writer);
            }
            if writer.last == writer.synced {
                return Ok(writer.last);
            }
            let Writer { unsynced, syncing, .. } = &mut *writer;
            std::mem::swap(unsynced, syncing);
            (Arc::clone(&writer.file), writer.last)
        };
        let result = self.disk.sync(&file);
        let mut writer = self.lock();
        match result {
            Ok(()) => {
                writer.syncing.clear();
                self.synced(&mut writer, last);
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

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn synced(&self, writer: &mut Writer, head: Head) {
        writer.synced = head;
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
                self.disk.truncate(&writer.file, kept)?;
                self.disk.append(&writer.file, &writer.unsynced)?;
            } else {
                self.disk.truncate(&writer.file, writer.length)?;
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
        if let Err(error) = self.disk.sync(&writer.file) {
            return Err(self.failed(writer, error));
        }
        writer.unsynced.clear();
        let head = writer.last;
        self.synced(writer, head);
        Ok(head)
    }

    /// Writes a signed head, if there is anything that none covers.
    fn sign(&self, writer: &mut Writer) {
        if writer.signed >= writer.last.sequence {
            return;
        }
        let at = self.clock.now();
        let signature = self.signer.sign(&self.node, writer.last, at);
        let head = SignedHead { at: at.unix_ms(), signature: signature.into() };
        if writer.put(self.disk.as_ref(), Content::Head(&head)).is_ok() {
            writer.signed = writer.last.sequence;
        }
    }

    /// Looks whether the segment is still the file that we write, and as long.
    fn look(&self, writer: &mut Writer) {
        if writer.failure.is_some() {
            return;
        }
        let path = segment_path(&self.home, writer.segment);
        let ours = writer.file.metadata().map(|it| (it.ino(), it.len()));
        let there = std::fs::metadata(path).map(|it| (it.ino(), it.len()));
        let fault = match (ours, there) {
            (Ok(ours), Ok(there)) if ours.0 == there.0 && there.1 == writer.length => return,
            (Ok(ours), Ok(there)) if ours.0 == there.0 => Fault::Changed,
            _ => Fault::SegmentMissing,
        };
        writer.noticed = Some(fault);
        tracing::error!(segment = writer.segment, %fault, "audit: the journal was changed");
        _ = self.disk.sync(&writer.file);
        // What was changed stays as it is, for whoever looks into it.
        if let Err(error) = self.next_segment(writer) {
            tracing::error!(?error, "audit: no new segment");
        }
    }

    fn full(&self) -> bool {
        self.lock().length >= self.options.segment_bytes
    }

    /// Signs and syncs the segment, and goes on in the next one.
    fn begin_segment(&self) -> Result<(), AuditError> {
        let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.lock();
        if writer.failure.is_some() {
            return Ok(());
        }
        self.sign(&mut writer);
        if let Err(error) = self.disk.sync(&writer.file) {
            return Err(self.failed(&mut writer, error));
        }
        self.next_segment(&mut writer)?;
        Ok(())
    }

    fn next_segment(&self, writer: &mut Writer) -> io::Result<()> {
        let number = writer.segment + 1;
        let started =
            Started::make(&self.home, &self.node, number, writer.last, self.disk.as_ref())?;
        writer.file = Arc::new(started.file);
        writer.segment = number;
        writer.length = started.length;
        writer.last = started.head;
        writer.unsynced.clear();
        self.synced(writer, started.head);
        Ok(())
    }
}

impl Writer {
    fn at(file: File, segment: u32, last: Head, length: u64, rows: BTreeSet<i64>) -> Self {
        Self {
            file: Arc::new(file),
            segment,
            last,
            length,
            synced: last,
            unsynced: Vec::new(),
            syncing: Vec::new(),
            signed: last.sequence,
            signed_at: 0,
            failure: None,
            noticed: None,
            rows,
        }
    }

    /// The end of a journal that was there. What is not whole is removed.
    fn after(past: Past, home: &Path, disk: &dyn Disk) -> io::Result<Self> {
        let file = disk.open_append(&segment_path(home, past.segment))?;
        disk.truncate(&file, past.length)?;
        disk.sync(&file)?;
        let mut it = Self::at(file, past.segment, past.last, past.length, past.rows);
        it.signed = past.signed;
        Ok(it)
    }

    /// The beginning of a journal.
    fn first(home: &Path, node: &str, disk: &dyn Disk) -> io::Result<Self> {
        let before = Head { sequence: 0, hash: Hash::NONE };
        let it = Started::make(home, node, 1, before, disk)?;
        Ok(Self::at(it.file, 1, it.head, it.length, BTreeSet::new()))
    }

    /// Writes one record whole, or refuses.
    fn put(&mut self, disk: &dyn Disk, content: Content<'_>) -> Result<(), AuditError> {
        if let Some(failure) = &self.failure {
            return Err(AuditError::Refusing(Arc::clone(&failure.cause)));
        }
        let (head, line) = line(self.last, content);
        if let Err(error) = disk.append(&self.file, &line) {
            let cause = Arc::new(error);
            self.failure = Some(Failure { cause: Arc::clone(&cause), lost: false });
            return Err(AuditError::Refusing(cause));
        }
        self.last = head;
        self.length += line.len() as u64;
        self.unsynced.extend(line);
        Ok(())
    }

    fn remember(&mut self, row: i64) {
        self.rows.insert(row);
        if self.rows.len() > MAX_ROWS {
            self.rows.pop_first();
        }
    }
}

/// Makes the journal ours by its public key, or refuses another's.
fn own(home: &Path, key: &PublicKey, disk: &dyn Disk) -> Result<(), AuditError> {
    match PublicKey::beside(home)? {
        Some(it) if it == *key => Ok(()),
        Some(_) => Err(AuditError::OtherKey),
        None => Ok(key.put_beside(home, disk)?),
    }
}

/// A segment that holds its opening line, on the medium.
struct Started {
    file: File,
    head: Head,
    length: u64,
}

impl Started {
    /// Makes the segment beside its place and moves it there, so that none is there half.
    fn make(
        home: &Path,
        node: &str,
        segment: u32,
        after: Head,
        disk: &dyn Disk,
    ) -> io::Result<Self> {
        let previous = after.hash.to_string();
        let opening = Opening { version: 1, node: node.into(), segment, previous };
        let (head, line) = line(after, Content::Open(&opening));
        let (draft, path) = (home.join("next.new"), segment_path(home, segment));
        let file = disk.open_append(&draft)?;
        disk.truncate(&file, 0)?;
        disk.append(&file, &line)?;
        disk.sync(&file)?;
        disk.rename(&draft, &path)?;
        if let Err(error) = disk.sync_directory(home) {
            _ = disk.remove(&path);
            return Err(error);
        }
        Ok(Self { file, head, length: line.len() as u64 })
    }
}
