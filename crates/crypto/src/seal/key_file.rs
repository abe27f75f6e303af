//! The root key in a file that its owner alone can read.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};
use yaoku_model::random::Random;
use zeroize::Zeroizing;

use super::{Seal, SealError};
use crate::{
    memory::SECRET_LEN,
    rootkey::{Generation, RootKey, RootKeyCheck},
};

/// A key file: four lines of text, mode 0600.
///
/// ```text
/// yaoku root key 1
/// generation: 1
/// check: <64 hexadecimal digits: RootKeyCheck>
/// key: <64 hexadecimal digits>
/// ```
///
/// Our choice of form: it says what it is, a person can copy it, and the check value shows a slip.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

const FIRST_LINE: &str = "yaoku root key 1";

/// Bytes of the longest key file.
const MAX_LEN: usize = 1024;

impl KeyFile {
    /// The file at `path`, there or not.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes `root` to a new file, on disk whole or not at all. Refuses if anything is there.
    pub fn create(&self, root: &RootKey, random: &dyn Random) -> Result<(), SealError> {
        let name = self.path.file_name().ok_or(SealError::Unsafe("the path names no file"))?;
        let folder = match self.path.parent() {
            Some(it) if !it.as_os_str().is_empty() => it,
            _ => Path::new("."),
        };
        let mut tail = [0; 8];
        random.fill(&mut tail).map_err(crate::backend::BackendError::from)?;
        let mut draft = OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}", hex::encode(tail)));
        let draft = folder.join(draft);
        let written = write_new(&draft, &encode(root)).and_then(|()| {
            // Unlike a rename, a link does not replace what is there.
            fs::hard_link(&draft, &self.path)
        });
        let removed = fs::remove_file(&draft);
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(SealError::Exists);
            }
            other => other.and(removed)?,
        }
        Ok(File::open(folder)?.sync_all()?)
    }
}

impl Seal for KeyFile {
    /// Refuses a symbolic link, anything but a plain file, another owner than this process's user
    /// or root, and any access of group or others.
    fn unseal(&self) -> Result<RootKey, SealError> {
        decode(&read_safely(&self.path)?)
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let mut file = File::from(rustix::fs::open(path, flags, mode)?);
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The file's text. Judges the file that it opened, not what the path may name a moment later.
fn read_safely(path: &Path) -> Result<Zeroizing<String>, SealError> {
    // NONBLOCK: opening a pipe must not wait for its writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::LOOP => SealError::Unsafe("it is a symbolic link"),
        Errno::NOENT => SealError::Missing,
        other => SealError::Failed(other.into()),
    })?;
    let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(SealError::Unsafe("it is not a plain file"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(SealError::Unsafe("group or others have access: its mode must be 0600"));
    }
    if stat.st_uid != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(SealError::Unsafe("it belongs to another user"));
    }
    // One allocation, so that no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN));
    let limit = MAX_LEN as u64;
    match File::from(fd).take(limit).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(SealError::Damaged("it is not text"))
        }
        other => other.map(|_| text).map_err(SealError::Failed),
    }
}

fn encode(root: &RootKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN));
    let (generation, check) = (root.generation().0, root.check());
    let mut hex = Zeroizing::new([0; 2 * SECRET_LEN]);
    root.expose(|bytes| hex::encode_to_slice(bytes, &mut *hex)).ok();
    let key = std::str::from_utf8(&*hex).unwrap_or_default();
    write!(text, "{FIRST_LINE}\ngeneration: {generation}\ncheck: {check}\nkey: {key}\n").ok();
    text
}

fn decode(text: &str) -> Result<RootKey, SealError> {
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(SealError::Damaged("the first line is not that of a key file we know"));
    }
    let mut field = |name: &str| {
        lines.next().and_then(|it| it.strip_prefix(name)).and_then(|it| it.strip_prefix(": "))
    };
    let generation = field("generation").and_then(|it| it.parse().ok());
    let check: Option<RootKeyCheck> = field("check").and_then(|it| it.parse().ok());
    let key = field("key");
    let (Some(generation), Some(check), Some(key), None) = (generation, check, key, lines.next())
    else {
        return Err(SealError::Damaged("its lines are not those of a key file"));
    };
    let mut bytes = Zeroizing::new([0; SECRET_LEN]);
    hex::decode_to_slice(key, &mut *bytes)
        .map_err(|_| SealError::Damaged("the key is not 64 hexadecimal digits"))?;
    let root = RootKey::from_bytes(&bytes, Generation(generation))?;
    root.must_be(&check).map_err(|_| SealError::Damaged("key and check value do not match"))?;
    Ok(root)
}
