//! A disk for tests and trials: it fails when told to, and loses what was not synced when the power
//! is cut.

mod medium;

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use self::medium::Medium;
use super::{Disk, RealDisk};

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// `ENOSPC`: appending leaves a part of what it should write, and no file can be made.
    Full,
    /// `EROFS`: nothing can be changed.
    ReadOnly,
    /// `EIO`: nothing works.
    Broken,
}

/// The machine's disk, and what is wrong with it.
///
/// Files and directories lie where they always do; beside them it keeps what a medium would have.
/// Directories themselves are on the medium at once.
#[derive(Debug, Default)]
pub struct FaultyDisk {
    trouble: Mutex<Option<Trouble>>,
    sync_fails: AtomicBool,
    off: AtomicBool,
    /// How many more changes there is power for; `None`: any number.
    left: Mutex<Option<usize>>,
    free: Mutex<Option<u64>>,
    syncs: AtomicUsize,
    medium: Mutex<Medium>,
}

impl FaultyDisk {
    /// From now on this is wrong, or (with `None`) nothing is.
    pub fn set(&self, trouble: Option<Trouble>) {
        *lock(&self.trouble) = trouble;
    }

    /// Whether syncing a file fails.
    pub fn fail_syncs(&self, fails: bool) {
        self.sync_fails.store(fails, SeqCst);
    }

    /// What is free, in bytes; `None` is more than enough.
    pub fn set_free(&self, bytes: Option<u64>) {
        *lock(&self.free) = bytes;
    }

    /// As many syncs of files as there were.
    #[must_use]
    pub fn syncs(&self) -> usize {
        self.syncs.load(Relaxed)
    }

    /// Nothing more reaches the disk: every operation fails until [`FaultyDisk::power_on`].
    pub fn cut_power(&self) {
        self.off.store(true, SeqCst);
    }

    /// The same, once so many more changes and syncs were made.
    pub fn cut_power_after(&self, changes: usize) {
        *lock(&self.left) = Some(changes);
    }

    /// Makes the files what they are after a power cut, and works again. The same seed loses the
    /// same things: of what was appended since a file's last sync, nothing, a part, a part and
    /// zeros, or all is kept; of the changes of names since a directory's last sync, the first few.
    ///
    /// Call it once all that wrote here has ended. It knows the files that were opened through it
    /// and leaves others alone.
    pub fn power_on(&self, seed: u64) -> io::Result<()> {
        lock(&self.medium).lose(seed)?;
        self.set(None);
        self.fail_syncs(false);
        *lock(&self.left) = None;
        self.off.store(false, SeqCst);
        Ok(())
    }

    /// Fails what cannot be done now; `grows`: whether it needs room.
    fn may(&self, grows: bool) -> io::Result<()> {
        match &mut *lock(&self.left) {
            Some(0) => self.cut_power(),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.off.load(SeqCst) {
            return Err(io::Error::other("the power was cut"));
        }
        match *lock(&self.trouble) {
            Some(Trouble::Full) if grows => Err(io::ErrorKind::StorageFull.into()),
            Some(Trouble::ReadOnly) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Some(Trouble::Broken) => Err(io::Error::other("the disk is broken")),
            _ => Ok(()),
        }
    }
}

impl Disk for FaultyDisk {
    fn open_append(&self, path: &Path) -> io::Result<File> {
        let mut medium = lock(&self.medium);
        let new = !path.try_exists()?;
        self.may(new)?;
        medium.meet(path)?;
        let file = RealDisk.open_append(path)?;
        if new {
            medium.made(path)?;
        }
        Ok(file)
    }

    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        match self.may(true) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                file.write_all(&bytes[..bytes.len() / 2])?;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => file.write_all(bytes),
        }
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.may(false)?;
        lock(&self.medium).truncated(file, length)?;
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Relaxed);
        self.may(false)?;
        if self.sync_fails.load(SeqCst) {
            return Err(io::Error::other("a sync failed"));
        }
        lock(&self.medium).synced(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.may(false)?;
        let mut medium = lock(&self.medium);
        medium.meet(from)?;
        medium.meet(to)?;
        std::fs::rename(from, to)?;
        medium.renamed(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.may(true)?;
        let mut medium = lock(&self.medium);
        medium.meet(from)?;
        RealDisk.link(from, to)?;
        medium.linked(to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.may(false)?;
        let mut medium = lock(&self.medium);
        medium.meet(path)?;
        std::fs::remove_file(path)?;
        medium.removed(path);
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.may(!path.try_exists()?)?;
        RealDisk.make_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.may(false)?;
        lock(&self.medium).synced_directory(path);
        Ok(())
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(lock(&self.free).unwrap_or(u64::MAX))
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::{FaultyDisk, Trouble};
    use crate::disk::Disk as _;

    #[test]
    fn a_disk_in_trouble_changes_nothing_and_says_why() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a");
        let disk = FaultyDisk::default();
        let file = disk.open_append(&path).unwrap();
        disk.append(&file, b"whole").unwrap();
        for trouble in [Trouble::ReadOnly, Trouble::Broken] {
            disk.set(Some(trouble));
            assert!(disk.append(&file, b"more").is_err(), "{trouble:?}");
            assert!(disk.sync(&file).is_err() && disk.remove(&path).is_err(), "{trouble:?}");
            assert!(disk.replace(&path, b"other").is_err(), "{trouble:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        disk.set(Some(Trouble::Full));
        assert!(disk.append(&file, b"more").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"wholemo", "a full disk takes a part");
        assert!(disk.open_append(&home.path().join("b")).is_err());
    }

    /// What is in the file `a` after a power cut, over many seeds.
    fn after(work: impl Fn(&FaultyDisk, &std::path::Path)) -> BTreeSet<Option<Vec<u8>>> {
        let seen = (0..64).map(|seed| {
            let home = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::default();
            work(&disk, home.path());
            disk.cut_power();
            assert!(disk.open_append(&home.path().join("x")).is_err(), "the power is off");
            disk.power_on(seed).unwrap();
            fs::read(home.path().join("a")).ok()
        });
        seen.collect()
    }

    #[test]
    fn what_was_synced_survives_a_power_cut_and_the_rest_may_not() {
        let seen = after(|disk, home| {
            let file = disk.open_append(&home.join("a")).unwrap();
            disk.append(&file, b"kept").unwrap();
            disk.sync(&file).unwrap();
            disk.sync_directory(home).unwrap();
            disk.append(&file, b"lost").unwrap();
        });
        assert!(seen.iter().all(|it| it.as_ref().unwrap().starts_with(b"kept")), "{seen:?}");
        for it in [&b"kept"[..], b"keptlost", b"kept\0\0\0\0"] {
            assert!(seen.contains(&Some(it.to_vec())), "{it:?}: {seen:?}");
        }
    }

    #[test]
    fn a_name_that_was_not_synced_may_be_gone() {
        let seen = after(|disk, home| {
            let file = disk.open_append(&home.join("a")).unwrap();
            disk.append(&file, b"kept").unwrap();
            disk.sync(&file).unwrap();
        });
        assert_eq!(seen, [None, Some(b"kept".to_vec())].into());
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let old = |disk: &FaultyDisk, home: &std::path::Path| {
            disk.replace(&home.join("a"), b"old").unwrap();
        };
        let seen = after(|disk, home| {
            old(disk, home);
            disk.replace(&home.join("a"), b"new").unwrap();
        });
        assert_eq!(seen, [Some(b"new".to_vec())].into());
        let seen = after(|disk, home| {
            old(disk, home);
            let draft = disk.open_append(&home.join("a.new")).unwrap();
            disk.append(&draft, b"new").unwrap();
            disk.sync(&draft).unwrap();
            disk.rename(&home.join("a.new"), &home.join("a")).unwrap();
        });
        assert_eq!(seen, [Some(b"new".to_vec()), Some(b"old".to_vec())].into());
    }
}
