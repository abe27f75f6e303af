//! The nonces on disk: files of 24-byte records, and a note of what should be there.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use yaoku_model::time::Timestamp;
use zeroize::Zeroizing;

use super::{Doubt, Setup, Used, WINDOW_SECONDS};
use crate::disk::Disk;

/// The length of a record: the hash, the holder and the second, eight bytes each.
const RECORD: usize = 24;

/// As many nonces as may wait to be written: far more than there are calls under way. Our choice.
const MAX_UNWRITTEN: usize = 4096;

/// The key of the hashes: 32 random bytes, made with the directory.
const KEY_FILE: &str = "key";

/// The note: see [`Note`].
const NOTE_FILE: &str = "state";

/// Where nonces are appended.
#[derive(Debug)]
pub(super) struct Journal {
    home: PathBuf,
    disk: Arc<dyn Disk>,
    note: Note,
    /// The files before the open one: number, and the latest second in it.
    older: Vec<(u32, i64)>,
    file: File,
    /// The length of the open file, in bytes, up to its last whole record.
    length: u64,
    /// Whether a failed write may have left a part of a record.
    broken: bool,
    /// When the open file was begun, in seconds since 1970.
    begun: i64,
    /// The latest second in the open file.
    latest: i64,
    /// Records that were taken up and are not written yet.
    unwritten: Vec<u8>,
    /// The latest second in them.
    unwritten_latest: i64,
}

/// What a journal is opened as.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) doubt: Doubt,
    pub(super) refuse_before: Option<Timestamp>,
}

/// What should be there. One line of text: the version of this format, the boot, the first and
/// the last file, whether it was closed, and the refused time (seconds since 1970, 0 for none).
#[derive(Clone, Debug, Eq, PartialEq)]
struct Note {
    boot_id: String,
    first: u32,
    last: u32,
    closed: bool,
    refuse_before: i64,
}

impl Journal {
    /// Reads what is there, gives each nonce to `load`, and begins a new file.
    pub(super) fn open(setup: &Setup<'_>, mut load: impl FnMut(Used)) -> io::Result<Opened> {
        let home = setup.data.join("nonces");
        setup.disk.make_directory(&home)?;
        let (key, made) = key(&home, setup)?;
        let before = Note::read(&home)?;
        let mut doubt = doubt(before.as_ref(), made, setup);
        let (first, last) = before.as_ref().map_or((1, 0), |it| (it.first, it.last));
        let mut older = Vec::new();
        for number in first..=last {
            match read(&home, number, &mut load)? {
                Some(latest) => older.push((number, latest)),
                None => doubt = Doubt::Missing,
            }
        }
        // A doubt stays until it is too old to matter, over as many starts as there may be.
        let mut refuse_before = before.map_or(0, |it| it.refuse_before);
        if doubt != Doubt::None {
            refuse_before = refuse_before.max(setup.now.unix_seconds() - 1);
        }
        let last = last.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let over = take_over(&mut older, setup.now);
        let note = Note {
            boot_id: setup.boot_id.trim().to_owned(),
            first: older.first().map_or(last, |it| it.0),
            last,
            closed: false,
            refuse_before,
        };
        let journal = Self::begin(home, Arc::clone(&setup.disk), note, older, setup.now)?;
        journal.remove(&over)?;
        let refuse_before =
            (refuse_before > 0).then(|| Timestamp::from_unix_seconds(refuse_before));
        Ok(Opened { journal, key, doubt, refuse_before })
    }

    fn begin(
        home: PathBuf,
        disk: Arc<dyn Disk>,
        note: Note,
        older: Vec<(u32, i64)>,
        now: Timestamp,
    ) -> io::Result<Self> {
        let file = begin_file(&home, note.last, disk.as_ref())?;
        note.write(&home, disk.as_ref())?;
        let begun = now.unix_seconds();
        Ok(Self {
            home,
            disk,
            note,
            older,
            file,
            length: 0,
            broken: false,
            begun,
            latest: i64::MIN,
            unwritten: Vec::new(),
            unwritten_latest: i64::MIN,
        })
    }

    /// Takes up a nonce that [`Journal::write_down`] will write.
    pub(super) fn take_up(&mut self, nonce: Used) {
        self.unwritten.extend_from_slice(&encode(nonce));
        self.unwritten_latest = self.unwritten_latest.max(nonce.second);
    }

    /// Whether so many were taken up and not written that they must be before more are.
    pub(super) fn is_behind(&self) -> bool {
        self.unwritten.len() >= MAX_UNWRITTEN * RECORD
    }

    /// Writes down what was taken up. One write; nothing is synced. On failure they are kept, to be
    /// written with those that come after.
    pub(super) fn write_down(&mut self, now: Timestamp) -> io::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        if self.note.closed {
            return Err(io::Error::other("closed"));
        }
        if now.unix_seconds() >= self.begun.saturating_add(WINDOW_SECONDS) {
            // Tried once in a window: the open file does as well.
            self.begun = now.unix_seconds();
            if let Err(error) = self.next_file(now) {
                tracing::warn!(%error, "nonces: no new file");
            }
        }
        if self.broken {
            self.disk.truncate(&self.file, self.length)?;
            self.broken = false;
        }
        if let Err(error) = self.disk.append(&self.file, &self.unwritten) {
            self.broken = true;
            return Err(error);
        }
        self.length += self.unwritten.len() as u64;
        self.latest = self.latest.max(self.unwritten_latest);
        self.unwritten.clear();
        self.unwritten_latest = i64::MIN;
        Ok(())
    }

    /// Syncs all, and notes that it is whole.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if self.note.closed {
            return Ok(());
        }
        for (number, _) in &self.older {
            self.disk.sync(&File::open(path(&self.home, *number))?)?;
        }
        self.disk.sync(&self.file)?;
        let closed = Note { closed: true, ..self.note.clone() };
        closed.write(&self.home, self.disk.as_ref())?;
        self.note = closed;
        Ok(())
    }

    /// Goes on in a new file, and removes those in which all is over.
    fn next_file(&mut self, now: Timestamp) -> io::Result<()> {
        let last = self.note.last.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let mut older = self.older.clone();
        older.push((self.note.last, self.latest));
        let over = take_over(&mut older, now);
        let note = Note { first: older.first().map_or(last, |it| it.0), last, ..self.note.clone() };
        let file = begin_file(&self.home, last, self.disk.as_ref())?;
        note.write(&self.home, self.disk.as_ref())?;
        (self.note, self.older, self.file) = (note, older, file);
        (self.length, self.broken, self.latest) = (0, false, i64::MIN);
        self.remove(&over)
    }

    fn remove(&self, files: &[(u32, i64)]) -> io::Result<()> {
        files.iter().try_for_each(|(number, _)| self.disk.remove(&path(&self.home, *number)))
    }
}

impl Note {
    fn read(home: &Path) -> io::Result<Option<Self>> {
        match std::fs::read_to_string(home.join(NOTE_FILE)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let version = words.next()?;
        let it = Self {
            boot_id: words.next()?.to_owned(),
            first: words.next()?.parse().ok()?,
            last: words.next()?.parse().ok()?,
            closed: words.next()? == "closed",
            refuse_before: words.next()?.parse().ok()?,
        };
        (version == "1").then_some(it)
    }

    fn write(&self, home: &Path, disk: &dyn Disk) -> io::Result<()> {
        let Self { boot_id, first, last, closed, refuse_before } = self;
        let closed = if *closed { "closed" } else { "open" };
        let text = format!("1 {boot_id} {first} {last} {closed} {refuse_before}\n");
        disk.replace(&home.join(NOTE_FILE), text.as_bytes())
    }
}

/// Reads the key or makes one; says whether it was made.
fn key(home: &Path, setup: &Setup<'_>) -> io::Result<(Zeroizing<[u8; 32]>, bool)> {
    let path = home.join(KEY_FILE);
    let mut key = Zeroizing::new([0; 32]);
    match std::fs::read(&path).map(Zeroizing::new) {
        Ok(kept) if kept.len() == key.len() => {
            key.copy_from_slice(&kept);
            return Ok((key, false));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    setup.random.fill(&mut *key).map_err(io::Error::other)?;
    setup.disk.replace(&path, &*key)?;
    Ok((key, true))
}

fn doubt(note: Option<&Note>, key_made: bool, setup: &Setup<'_>) -> Doubt {
    match note {
        None if key_made && setup.new => Doubt::None,
        Some(note) if !key_made => {
            let whole = note.closed || note.boot_id == setup.boot_id.trim();
            if whole { Doubt::None } else { Doubt::MachineWentDown }
        }
        _ => Doubt::Missing,
    }
}

/// Reads one file; gives the latest second in it, or `None` if it is not there.
fn read(home: &Path, number: u32, load: &mut impl FnMut(Used)) -> io::Result<Option<i64>> {
    let bytes = match std::fs::read(path(home, number)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let mut latest = i64::MIN;
    // A last record that is not whole was never answered for.
    for nonce in bytes.chunks_exact(RECORD).map(decode) {
        latest = latest.max(nonce.second);
        load(nonce);
    }
    Ok(Some(latest))
}

/// Takes the oldest files in which all is over from the list.
fn take_over(older: &mut Vec<(u32, i64)>, now: Timestamp) -> Vec<(u32, i64)> {
    let kept = older.iter().position(|it| !Used::is_over(it.1, now)).unwrap_or(older.len());
    older.drain(..kept).collect()
}

/// Begins a file anew: what may be there under this number was never noted.
fn begin_file(home: &Path, number: u32, disk: &dyn Disk) -> io::Result<File> {
    let file = disk.open_append(&path(home, number))?;
    disk.truncate(&file, 0)?;
    Ok(file)
}

fn path(home: &Path, number: u32) -> PathBuf {
    home.join(format!("{number:08}.nonces"))
}

fn encode(nonce: Used) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&nonce.hash.to_be_bytes());
    record[8..16].copy_from_slice(&nonce.holder.to_be_bytes());
    record[16..].copy_from_slice(&nonce.second.to_be_bytes());
    record
}

fn decode(record: &[u8]) -> Used {
    let number = |at: usize| {
        record[at..at + 8].iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
    };
    Used { hash: number(0), holder: number(8), second: number(16).cast_signed() }
}
