//! The files under a SQLite database, with a disk that is slow, full or broken, or loses what was
//! not synced when the power is cut.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::vfs;

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Nothing more can be written (`SQLITE_FULL`).
    Full,
    /// Nothing can be written: the file system became read-only, or fails (`SQLITE_IOERR`).
    Broken,
    /// Nothing can be synced (`SQLITE_IOERR_FSYNC`).
    SyncFails,
}

/// The disk under the databases that [`crate::Sqlite::open_on`] opens.
///
/// The files lie where they always do; beside them it keeps what a medium would have. Names are on
/// the medium at once.
#[derive(Debug)]
pub struct Files {
    vfs: String,
    state: Mutex<State>,
    syncs: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    off: bool,
    trouble: Option<Trouble>,
    delay: Duration,
    open: usize,
    files: BTreeMap<PathBuf, Kept>,
}

/// One file.
#[derive(Debug, Default)]
struct Kept {
    /// What was synced.
    safe: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Written(usize, Vec<u8>),
    Cut(usize),
}

impl Files {
    /// A disk on which all is well. It is there until the process ends.
    ///
    /// # Panics
    /// If SQLite does not take it.
    #[must_use]
    pub fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let vfs = format!("yaoku-test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let it = Arc::new(Self { vfs, state: Mutex::default(), syncs: AtomicU64::new(0) });
        vfs::register(&it.vfs, Arc::clone(&it));
        it
    }

    /// What SQLite calls it.
    #[must_use]
    pub fn vfs(&self) -> &str {
        &self.vfs
    }

    /// From now on this is wrong, or (with `None`) nothing is.
    pub fn set(&self, trouble: Option<Trouble>) {
        self.lock().trouble = trouble;
    }

    /// How long each sync takes at least.
    pub fn set_delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// As many syncs as there were.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::SeqCst)
    }

    /// Nothing more reaches the disk until [`Files::power_on`].
    pub fn cut_power(&self) {
        self.lock().off = true;
    }

    /// Whether a file is open.
    pub fn in_use(&self) -> bool {
        self.lock().open > 0
    }

    /// Makes the files what they are after a power cut, and works again: of what was written since
    /// a file's last sync, each write is there, is not there, or is there in parts of 512 bytes.
    /// The same seed loses the same.
    ///
    /// Call it once no file is [in use](Files::in_use).
    pub fn power_on(&self, seed: u64) -> io::Result<()> {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut state = self.lock();
        for (path, kept) in std::mem::take(&mut state.files) {
            let there = fs::exists(&path)?;
            // The memory that processes share is gone with them.
            _ = fs::remove_file(path.with_extension("db-shm"));
            if there {
                fs::write(&path, kept.after_a_cut(&mut dice))?;
            }
        }
        (state.off, state.trouble) = (false, None);
        Ok(())
    }

    pub(super) fn opened(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        if state.off {
            return Err(io::Error::other("the power was cut"));
        }
        if !state.files.contains_key(path) {
            let safe = fs::read(path)?;
            state.files.insert(path.to_owned(), Kept { safe, since: Vec::new() });
        }
        state.open += 1;
        Ok(())
    }

    pub(super) fn closed(&self) {
        self.lock().open -= 1;
    }

    /// Whether a change of a file can be made.
    pub(super) fn may_write(&self) -> Result<(), Trouble> {
        let state = self.lock();
        match state.trouble {
            _ if state.off => Err(Trouble::Broken),
            Some(it @ (Trouble::Full | Trouble::Broken)) => Err(it),
            _ => Ok(()),
        }
    }

    pub(super) fn written(&self, path: &Path, offset: usize, bytes: &[u8]) {
        self.change(path, Change::Written(offset, bytes.to_owned()));
    }

    pub(super) fn cut(&self, path: &Path, length: usize) {
        self.change(path, Change::Cut(length));
    }

    pub(super) fn removed(&self, path: &Path) {
        self.lock().files.remove(path);
    }

    /// Takes its time, and tells whether a sync can be made.
    pub(super) fn may_sync(&self) -> Result<(), Trouble> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        let delay = self.lock().delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        self.may_write()?;
        match self.lock().trouble {
            Some(it) => Err(it),
            None => Ok(()),
        }
    }

    pub(super) fn synced(&self, path: &Path) {
        if let Some(Kept { safe, since }) = self.lock().files.get_mut(path) {
            for change in since.drain(..) {
                change.apply(safe);
            }
        }
    }

    fn change(&self, path: &Path, change: Change) {
        if let Some(kept) = self.lock().files.get_mut(path) {
            kept.since.push(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn after_a_cut(self, dice: &mut fastrand::Rng) -> Vec<u8> {
        const SECTOR: usize = 512;
        let Self { mut safe, since } = self;
        for change in since {
            match (dice.u8(..3), change) {
                (0, _) => {}
                (1, Change::Written(offset, bytes)) => {
                    for (number, part) in bytes.chunks(SECTOR).enumerate() {
                        if dice.bool() {
                            let offset = offset + number * SECTOR;
                            Change::Written(offset, part.to_owned()).apply(&mut safe);
                        }
                    }
                }
                (_, change) => change.apply(&mut safe),
            }
        }
        safe
    }
}

impl Change {
    fn apply(self, to: &mut Vec<u8>) {
        match self {
            Self::Cut(length) => to.truncate(length),
            Self::Written(offset, bytes) => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[offset..end].copy_from_slice(&bytes);
            }
        }
    }
}
