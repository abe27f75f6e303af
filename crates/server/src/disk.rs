//! The few file operations that our own files are made with, so that tests can let them fail.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Owner only: what we write is nobody else's to read.
const FILE_MODE: u32 = 0o600;

/// Appending, syncing and free space. The default methods are the real ones.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Writes all of `bytes` at the file's end. A failure may leave a part of them there.
    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Returns once what was written is on the medium (`fdatasync`).
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Bytes that we may still write to the file system of `directory`.
    fn free(&self, directory: &Path) -> io::Result<u64> {
        let it = rustix::fs::statvfs(directory)?;
        Ok(it.f_bavail.saturating_mul(it.f_frsize))
    }
}

/// The machine's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// Opens a file for appending and makes it (mode 0600) if it is not there.
pub fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)
}

/// Puts a small file in place whole, or not at all, and waits until the medium has it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes a directory (mode 0700) and those above it.
pub fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Waits until the names in a directory are on the medium.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
pub(crate) mod testing {
    //! A disk for tests: it fails when told to.

    use std::{
        fs::File,
        io::{self, Write as _},
        path::Path,
        sync::{
            Mutex,
            atomic::{
                AtomicBool, AtomicUsize,
                Ordering::{Relaxed, SeqCst},
            },
        },
    };

    use super::Disk;

    /// The machine's disk, and what is wrong with it.
    #[derive(Debug, Default)]
    pub(crate) struct FaultyDisk {
        /// Appending leaves a part of what it should write, and fails.
        pub(crate) full: AtomicBool,
        /// Syncing fails.
        pub(crate) sync_fails: AtomicBool,
        /// What is free, if not what is really free.
        pub(crate) free: Mutex<Option<u64>>,
        /// As many syncs as there were.
        pub(crate) syncs: AtomicUsize,
    }

    impl FaultyDisk {
        /// Sets both faults.
        pub(crate) fn fail(&self, full: bool, sync_fails: bool) {
            self.full.store(full, SeqCst);
            self.sync_fails.store(sync_fails, SeqCst);
        }
    }

    impl Disk for FaultyDisk {
        fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
            if self.full.load(SeqCst) {
                file.write_all(&bytes[..bytes.len() / 2])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            file.write_all(bytes)
        }

        fn sync(&self, _: &File) -> io::Result<()> {
            self.syncs.fetch_add(1, Relaxed);
            if self.sync_fails.load(SeqCst) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
        }

        fn free(&self, _: &Path) -> io::Result<u64> {
            Ok(self.free.lock().unwrap().unwrap_or(u64::MAX))
        }
    }
}
