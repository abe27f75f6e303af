//! A node's journal: where events are appended, chained and signed.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError::Disconnected, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use yaoku_model::time::Clock;

use super::{
    chain::Fault,
    event::Event,
    head::{Head, HeadSigner, NodeName, PublicKey},
    writer::{Progress, Shared, Watch},
};
use crate::{batch::Batch, disk::Disk};

/// When events are on the medium.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fsync {
    /// At most so long after they were written.
    Within(Duration),
    /// Before the call is answered.
    Always,
}

/// How a journal is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A segment of so many bytes is followed by a new one. It may grow longer by what comes in
    /// until the next sync.
    pub segment_bytes: u64,
    /// A segment of this age is followed by a new one, if it holds any event.
    pub segment_age: Duration,
    /// Segments that were closed so many days ago are removed; `None` keeps them.
    pub keep_days: Option<u32>,
    /// As many bytes as closed segments may take before the oldest are removed; `None` is no bound.
    pub keep_bytes: Option<u64>,
    /// When events are on the medium.
    pub fsync: Fsync,
    /// So many bytes of the file system are kept for events of known callers.
    pub reserve_bytes: u64,
}

impl Default for Options {
    /// 8 MiB (two are read in well under 300 ms at start), a day, nothing removed, 100 ms, 64 MiB.
    /// Source: architecture.md, Audit; the sizes and ages are our choice.
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            segment_age: Duration::from_hours(24),
            keep_days: None,
            keep_bytes: None,
            fsync: Fsync::Within(Duration::from_millis(100)),
            reserve_bytes: 64 << 20,
        }
    }
}

/// What a journal is opened with.
pub struct Setup<'a> {
    /// The data directory: the journal lies in `audit/<node>` there.
    pub data: &'a Path,
    /// Whose journal it is.
    pub node: NodeName,
    /// The key that signs its heads.
    pub signer: HeadSigner,
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// A clock that never jumps (`CLOCK_BOOTTIME`): by it the other one is judged.
    pub steady: Arc<dyn Clock>,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The head that the store knows, from [`Journal::head`].
    pub known: Option<Head>,
    /// How it is kept.
    pub options: Options,
}

/// Why an event could not be written, or a journal not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Nothing can be written now. It is tried again several times a second.
    #[error("the audit journal cannot be written")]
    Refusing(#[source] Arc<io::Error>),
    /// What must be written before the event could not be.
    #[error("what is kept before the event cannot be written")]
    Before(#[source] Arc<io::Error>),
    /// The journal could not be read or made.
    #[error("the audit journal could not be opened")]
    Io(#[from] io::Error),
    /// The journal is not what we wrote.
    #[error("the audit journal was changed: segment {segment}, record {sequence}: {what}")]
    Tampered {
        /// The segment's number.
        segment: u32,
        /// The record's number, or the one that was expected.
        sequence: u64,
        /// What is wrong.
        what: Fault,
    },
    /// Another key signed this journal.
    #[error("the audit journal belongs to another key")]
    OtherKey,
    /// The key of the data directory is not the one that the store keeps for the node.
    #[error("audit.key is gone, or is not the key that the store knows for this node: put it back")]
    NotTheStoresKey,
    /// Nothing is damaged, so there is nothing to accept.
    #[error("the audit journal is whole: there is nothing to accept")]
    Whole,
    /// What is to be accepted does not fit the journal's form.
    #[error("{0}")]
    NotAcceptable(&'static str),
    /// A row of the store holds no event.
    #[error("not an event")]
    NotAnEvent,
}

/// Why a write of several events failed: told to each of their calls.
#[derive(Clone, Debug)]
enum Unwritten {
    Before(Arc<io::Error>),
    Events(Arc<io::Error>),
}

impl Unwritten {
    fn unknown() -> Self {
        Self::Events(Arc::new(io::Error::other("the write did not return")))
    }
}

impl From<AuditError> for Unwritten {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Before(cause) => Self::Before(cause),
            AuditError::Refusing(cause) => Self::Events(cause),
            other => Self::Events(Arc::new(io::Error::other(other))),
        }
    }
}

impl From<Unwritten> for AuditError {
    fn from(it: Unwritten) -> Self {
        match it {
            Unwritten::Before(cause) => Self::Before(cause),
            Unwritten::Events(cause) => Self::Refusing(cause),
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// It was written now.
    Now,
    /// The journal had it already.
    Before,
}

/// How a journal does, for the operations view.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vitals {
    /// The number of the segment that is written.
    pub segment: u32,
    /// Records written since the journal began.
    pub written: u64,
    /// As many of them as are on the medium.
    pub synced: u64,
    /// Whether nothing can be written now.
    pub refusing: bool,
}

/// A node's journal. Events of one call each, in the order in which they were appended.
///
/// Dropping it writes a last signed head and waits for the medium.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    /// The events of calls that run now.
    batch: Batch<Vec<u8>, Result<(Progress, u64), Unwritten>>,
    /// Wakes the thread that writes; dropped, it ends it.
    wake: Option<SyncSender<()>>,
    /// Dropped, it ends the thread that watches.
    watching: Option<SyncSender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// How often the files are looked at, so that a change is noticed within a second.
const ROUND: Duration = Duration::from_millis(800);

/// How much less the thread that looks at them counts than others where there are too few processors. Our
/// choice.
const NICE: i32 = 10;

/// Where the journal of a node lies in a data directory.
#[must_use]
pub fn directory(data: &Path, node: &NodeName) -> PathBuf {
    data.join("audit").join(node.as_str())
}

impl Journal {
    /// Opens the journal, or begins one, and starts the threads that sync and sign, and that watch
    /// the files.
    ///
    /// The last two segments are verified, all from the record on that the store knows, and those
    /// whose files do not look as when they were last verified. A last line that was not written whole is removed. A journal that goes further than the
    /// store knows is in order; one that does not go as far is not.
    pub fn open(setup: Setup<'_>) -> Result<Self, AuditError> {
        let every = match setup.options.fsync {
            Fsync::Within(it) => it.max(Duration::from_millis(1)),
            Fsync::Always => Duration::from_millis(100),
        };
        let shared = Arc::new(Shared::open(setup)?);
        let (wake, woken) = sync_channel(1);
        let (watching, ended) = sync_channel(0);
        let worker = Arc::clone(&shared);
        let writer = thread("audit", move || {
            while woken.recv_timeout(every) != Err(Disconnected) {
                worker.tick();
            }
            worker.finish();
        })?;
        let worker = Arc::clone(&shared);
        let watcher = thread("audit-watch", move || {
            // Of this thread alone on Linux. If it is not allowed, it goes on as it is.
            _ = rustix::process::nice(NICE);
            let mut watch = Watch::default();
            while ended.recv_timeout(ROUND) != Err::<(), _>(Disconnected) {
                worker.look(&mut watch);
            }
        })?;
        let threads = vec![watcher, writer];
        let batch = Batch::default();
        Ok(Self { shared, batch, wake: Some(wake), watching: Some(watching), threads })
    }

    /// Writes an event, as [`Event::to_row`] has it, and, if `audit.sync = always`, waits for the
    /// medium. Gives the number of the last event that was written with it.
    ///
    /// Calls of one moment share a write: `before` is done once for all of them, and if it fails no
    /// event is written. The write itself is one short `write(2)`, so this may be called on an async
    /// thread. After a failed sync the event may still be kept, though the call is refused.
    pub async fn record(
        &self,
        event: Vec<u8>,
        before: impl Fn() -> io::Result<()>,
    ) -> Result<u64, AuditError> {
        let write = |events: &[Vec<u8>]| {
            before().map_err(|error| Unwritten::Before(Arc::new(error)))?;
            let waiting = self.shared.progress();
            let sequence = self.shared.append_all(events)?;
            self.nudge();
            Ok((waiting, sequence))
        };
        let outcome = self.batch.put(event, write).await;
        let (waiting, sequence) = outcome.unwrap_or_else(|| Err(Unwritten::unknown()))?;
        if self.shared.options().fsync == Fsync::Always {
            self.shared.wait(waiting, sequence).await?;
        }
        Ok(sequence)
    }

    /// Writes an event without waiting for the medium, whatever the options say.
    pub fn append(&self, event: &[u8]) -> Result<u64, AuditError> {
        let sequence = self.shared.append(event, None)?;
        self.nudge();
        Ok(sequence)
    }

    /// Copies the event of a write from its row in the store, once: a row that the journal has
    /// is not written again.
    ///
    /// The last 65,536 row ids are remembered, over restarts those of the last two segments and
    /// the highest of all: copy rows in their order, and mark them as copied (up to
    /// [`Journal::synced_row`]) before so many more.
    pub fn append_row(&self, id: i64, row: &[u8]) -> Result<Written, AuditError> {
        // Written anew, so that whatever the row holds it is one line within its bounds.
        let event = Event::from_row(row).map_err(|_| AuditError::NotAnEvent)?;
        let written = self.shared.append_row(id, &event.to_row())?;
        self.nudge();
        Ok(written)
    }

    /// Writes the counts of refusals of unknown callers, unless that would touch the reserve.
    /// Gives how many were dropped.
    pub fn append_counts(&self, counts: &[Event]) -> Result<usize, AuditError> {
        self.shared.append_counts(counts)
    }

    /// Whether the journal has a row, as far as it remembers: see [`Journal::append_row`].
    #[must_use]
    pub fn has_row(&self, id: i64) -> bool {
        self.shared.has_row(id)
    }

    /// The highest remembered row id.
    #[must_use]
    pub fn highest_row(&self) -> Option<i64> {
        self.shared.highest_row()
    }

    /// The highest remembered row id that is on the medium: up to it the store need not keep them.
    #[must_use]
    pub fn synced_row(&self) -> Option<i64> {
        self.shared.synced_row()
    }

    /// The last record that is on the medium: what the store is to know, every second.
    #[must_use]
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// The store knows this head now: what it does not know is never pruned.
    pub fn store_knows(&self, head: Head) {
        self.shared.store_knows(head);
    }

    /// What proves its signatures.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.shared.public_key()
    }

    /// Why the journal refuses now, if it does.
    #[must_use]
    pub fn refusing(&self) -> Option<Arc<io::Error>> {
        self.shared.refusing()
    }

    /// How it does.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.shared.vitals()
    }

    /// What was found changed from outside since the start, if anything.
    #[must_use]
    pub fn noticed(&self) -> Option<Fault> {
        self.shared.noticed()
    }

    /// Waits until all that was written is on the medium, and tries to recover if refusing.
    pub fn sync(&self) -> Result<Head, AuditError> {
        self.shared.sync()
    }

    fn nudge(&self) {
        if self.shared.options().fsync == Fsync::Always
            && let Some(wake) = &self.wake
        {
            // Full means that the thread is about to wake anyway.
            _ = wake.try_send(());
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        (self.wake, self.watching) = (None, None);
        for thread in self.threads.drain(..) {
            _ = thread.join();
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}
