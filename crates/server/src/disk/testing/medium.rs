//! What would be on the medium: the bytes that were synced, and the names.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ffi::OsString,
    fs::{File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// All that was opened through one disk.
#[derive(Debug, Default)]
pub(super) struct Medium {
    files: BTreeMap<Id, Kept>,
    directories: BTreeMap<PathBuf, Names>,
}

/// Device and inode.
type Id = (u64, u64);

/// One file. It is held open, so that its inode is not another's.
#[derive(Debug)]
struct Kept {
    file: File,
    /// What was synced.
    safe: Vec<u8>,
    /// The part of it, in bytes, that a cut since then has left. The cut may not have reached
    /// the medium.
    left: usize,
}

/// The names in one directory.
#[derive(Debug, Default)]
struct Names {
    safe: BTreeMap<OsString, Id>,
    since: Vec<Change>,
}

/// One change of names, which happens whole or not at all.
#[derive(Debug)]
enum Change {
    Made(OsString, Id),
    Renamed(OsString, OsString, Id),
    Removed(OsString),
}

impl Medium {
    /// Takes a file that is there: it was there before us, so it is on the medium.
    pub(super) fn meet(&mut self, path: &Path) -> io::Result<()> {
        let it = match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            it => it?,
        };
        if let Entry::Vacant(place) = self.files.entry(id(&it)) {
            place.insert(Kept::open(path, std::fs::read(path)?)?);
            self.names(path, |names, name| _ = names.safe.insert(name, id(&it)));
        }
        Ok(())
    }

    /// Notes that a file was made.
    pub(super) fn made(&mut self, path: &Path) -> io::Result<()> {
        let it = id(&std::fs::metadata(path)?);
        self.files.insert(it, Kept::open(path, Vec::new())?);
        self.names(path, |names, name| names.since.push(Change::Made(name, it)));
        Ok(())
    }

    /// Notes that a file is to be cut.
    pub(super) fn truncated(&mut self, file: &File, length: u64) -> io::Result<()> {
        if let Some(kept) = self.files.get_mut(&id(&file.metadata()?)) {
            kept.left = kept.left.min(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    /// Notes that a file was synced.
    pub(super) fn synced(&mut self, file: &File) -> io::Result<()> {
        let Some(kept) = self.files.get_mut(&id(&file.metadata()?)) else { return Ok(()) };
        kept.safe.truncate(kept.left);
        let new = kept.tail()?;
        kept.safe.extend(new);
        kept.left = kept.safe.len();
        Ok(())
    }

    /// Notes that a file has another name. Between two directories these are two changes.
    pub(super) fn renamed(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let it = id(&std::fs::metadata(to)?);
        let old = from.file_name().unwrap_or_default().to_owned();
        if from.parent() == to.parent() {
            self.names(to, |names, name| names.since.push(Change::Renamed(old, name, it)));
            return Ok(());
        }
        self.removed(from);
        self.linked(to)
    }

    /// Notes that a file that was met has a second name.
    pub(super) fn linked(&mut self, to: &Path) -> io::Result<()> {
        let it = id(&std::fs::metadata(to)?);
        self.names(to, |names, name| names.since.push(Change::Made(name, it)));
        Ok(())
    }

    /// Notes that a name is gone.
    pub(super) fn removed(&mut self, path: &Path) {
        self.names(path, |names, name| names.since.push(Change::Removed(name)));
    }

    /// Notes that the names of a directory are on the medium.
    pub(super) fn synced_directory(&mut self, path: &Path) {
        if let Some(names) = self.directories.get_mut(path) {
            let all = names.since.len();
            names.safe = names.after(all);
            names.since.clear();
        }
    }

    /// Writes back what a medium would have after a power cut, and begins anew.
    pub(super) fn lose(&mut self, seed: u64) -> io::Result<()> {
        let mut chance = Chance(seed);
        let medium = std::mem::take(self);
        let mut contents = BTreeMap::new();
        for (id, kept) in &medium.files {
            contents.insert(*id, kept.after_a_cut(&mut chance)?);
        }
        for (directory, names) in &medium.directories {
            for name in names.known() {
                match std::fs::remove_file(directory.join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            for (name, id) in names.after(chance.below(names.since.len() + 1)) {
                put(&directory.join(name), contents.get(&id).map_or(&[], Vec::as_slice))?;
            }
        }
        Ok(())
    }

    fn names(&mut self, path: &Path, change: impl FnOnce(&mut Names, OsString)) {
        if let (Some(directory), Some(name)) = (path.parent(), path.file_name()) {
            change(self.directories.entry(directory.to_owned()).or_default(), name.to_owned());
        }
    }
}

impl Names {
    /// All names that there ever were.
    fn known(&self) -> impl Iterator<Item = &OsString> {
        self.safe.keys().chain(self.since.iter().map(|it| match it {
            Change::Made(name, _) | Change::Renamed(_, name, _) | Change::Removed(name) => name,
        }))
    }

    /// What the names stand for after the first `count` changes.
    fn after(&self, count: usize) -> BTreeMap<OsString, Id> {
        let mut names = self.safe.clone();
        for change in self.since.iter().take(count) {
            match change {
                Change::Made(name, id) => _ = names.insert(name.clone(), *id),
                Change::Renamed(old, name, id) => {
                    names.remove(old);
                    names.insert(name.clone(), *id);
                }
                Change::Removed(name) => _ = names.remove(name),
            }
        }
        names
    }
}

impl Kept {
    fn open(path: &Path, safe: Vec<u8>) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, left: safe.len(), safe })
    }

    /// What is in the file now, after the synced part of it.
    fn tail(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        let mut tail = vec![0; length.saturating_sub(self.left)];
        self.file.read_exact_at(&mut tail, self.left as u64)?;
        Ok(tail)
    }

    fn after_a_cut(&self, chance: &mut Chance) -> io::Result<Vec<u8>> {
        let mut bytes = self.safe.clone();
        if self.left < bytes.len() {
            if chance.below(2) == 0 {
                return Ok(bytes);
            }
            bytes.truncate(self.left);
        }
        let tail = self.tail()?;
        let kept = match chance.below(4) {
            0 => 0,
            1 => tail.len(),
            _ => chance.below(tail.len() + 1),
        };
        bytes.extend(&tail[..kept]);
        if chance.below(3) == 0 {
            // The length was written, and the blocks were not.
            bytes.resize(bytes.len() + tail.len() - kept, 0);
        }
        Ok(bytes)
    }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

fn id(it: &Metadata) -> Id {
    (it.dev(), it.ino())
}

/// Chance by a seed (`SplitMix64`), the same in each run.
struct Chance(u64);

impl Chance {
    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((it ^ (it >> 31)) % bound as u64).unwrap_or_default()
    }
}
