//! The few file operations that our own files are made with, so that tests can let them fail.

#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Owner only: what we write is nobody else's to read.
const FILE_MODE: u32 = 0o600;

/// See [`FILE_MODE`].
const DIRECTORY_MODE: u32 = 0o700;

/// Whatever changes a file or a name of ours. The default methods are the real ones.
///
/// Reading is not here: what was written is read back as it is.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file for appending and makes it (mode 0600) if it is not there.
    fn open_append(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)
    }

    /// Writes all of `bytes` at the file's end. A failure may leave a part of them there.
    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Cuts a file to `length` bytes, from which appending goes on.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Returns once what was written is on the medium (`fdatasync`).
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Gives a file another name, which may be another file's: that one is gone then. On the medium
    /// after [`Disk::sync_directory`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    /// Gives a file a second name, where none is. On the medium after [`Disk::sync_directory`].
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    /// Removes a file. On the medium after [`Disk::sync_directory`].
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    /// Makes a directory (mode 0700) and those above it.
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
        path.parent().map_or(Ok(()), |it| self.sync_directory(it))
    }

    /// Returns once the names in a directory are on the medium.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Bytes that we may still write to the file system of `directory`.
    fn free(&self, directory: &Path) -> io::Result<u64> {
        let it = rustix::fs::statvfs(directory)?;
        Ok(it.f_bavail.saturating_mul(it.f_frsize))
    }

    /// Puts a small file in place whole, or not at all, and waits until the medium has it.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let draft = path.with_extension("new");
        let file = self.open_append(&draft)?;
        self.truncate(&file, 0)?;
        self.append(&file, bytes)?;
        self.sync(&file)?;
        self.rename(&draft, path)?;
        path.parent().map_or(Ok(()), |it| self.sync_directory(it))
    }
}

/// The machine's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// [`Disk::replace`] on the machine's disk: for files that no node has open.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    RealDisk.replace(path, bytes)
}
