//! A wrap's key in a file that its owner alone can read.

use std::{
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

use super::{SealError, WrapKey};
use crate::{
    backend::BackendError,
    memory::{Protected, SECRET_LEN},
    rootkey::KeyCheck,
};

/// A key file: three lines of text, mode 0600.
///
/// ```text
/// yaoku wrap key 1
/// check: <64 hexadecimal digits: KeyCheck>
/// key: <64 hexadecimal digits>
/// ```
///
/// Our choice of form: it says what it is, a person can copy it, and the check value shows a slip.
/// Before there were wraps, such a file held the root key itself: `yaoku root key 1`, with a line
/// `generation: 1` after it. That form is read too ([`WrapKey::as_first_root`]).
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

const FIRST_LINE: &str = "yaoku wrap key 1";

/// The first two lines of a file that holds the root key itself.
const ROOT_KEY_LINES: [&str; 2] = ["yaoku root key 1", "generation: 1"];

/// Bytes of the longest key file.
const MAX_LEN: usize = 1024;

impl KeyFile {
    /// The file at `path`, there or not.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes `key` to a new file, on disk whole or not at all. Refuses if anything is there.
    pub fn create(&self, key: &WrapKey, random: &dyn Random) -> Result<(), SealError> {
        let (folder, draft) = self.draft(random)?;
        let text = encode(key)?;
        let written = write_new(&draft, &text).and_then(|()| {
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

    /// Reads the key.
    ///
    /// Refuses a symbolic link, anything but a plain file, another owner than this process's user
    /// or root, and any access of group or others.
    pub fn read(&self) -> Result<WrapKey, SealError> {
        decode(&read_safely(&self.path)?)
    }

    /// The folder, and a new name in it for the file while it is being written.
    fn draft(&self, random: &dyn Random) -> Result<(&Path, PathBuf), SealError> {
        let name = self.path.file_name().ok_or(SealError::Unsafe("the path names no file"))?;
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut tail = [0; 8];
        random.fill(&mut tail).map_err(BackendError::from)?;
        let draft = format!(".{}.{}", name.to_string_lossy(), hex::encode(tail));
        Ok((folder, folder.join(draft)))
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

fn encode(key: &WrapKey) -> Result<Zeroizing<String>, SealError> {
    let mut hex = Zeroizing::new([0; 2 * SECRET_LEN]);
    let digits = key
        .expose(|it| hex::encode_to_slice(it, &mut *hex))
        .ok()
        .and_then(|()| std::str::from_utf8(&*hex).ok())
        .ok_or(BackendError::Failed("hexadecimal"))?;
    // One allocation, so that no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN));
    for part in [FIRST_LINE, &format!("\ncheck: {}\nkey: ", key.check()), digits, "\n"] {
        text.push_str(part);
    }
    Ok(text)
}

fn decode(text: &str) -> Result<WrapKey, SealError> {
    let mut lines = text.lines();
    let first = lines.next();
    let of_old = first == Some(ROOT_KEY_LINES[0]) && lines.next() == Some(ROOT_KEY_LINES[1]);
    if !of_old && first != Some(FIRST_LINE) {
        return Err(SealError::Damaged("the first line is not that of a key file we know"));
    }
    let mut field = |name: &str| {
        lines.next().and_then(|it| it.strip_prefix(name)).and_then(|it| it.strip_prefix(": "))
    };
    let check: Option<KeyCheck> = field("check").and_then(|it| it.parse().ok());
    let key = field("key");
    let (Some(check), Some(key), None) = (check, key, lines.next()) else {
        return Err(SealError::Damaged("its lines are not those of a key file"));
    };
    let bytes = Protected::filled(|to| {
        hex::decode_to_slice(key, to)
            .map_err(|_| SealError::Damaged("the key is not 64 hexadecimal digits"))
    })?;
    let key = WrapKey::new(bytes)?;
    let found = if of_old { key.as_first_root()?.check().clone() } else { key.check().clone() };
    if found != check {
        return Err(SealError::Damaged("key and check value do not match"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
    };

    use proptest::proptest;

    use super::{KeyFile, MAX_LEN, decode};
    use crate::{
        memory::Protected,
        random::SystemRandom,
        seal::{SealError, WrapKey},
    };

    /// A folder with a key file in it, and its key.
    fn written() -> (tempfile::TempDir, KeyFile, WrapKey) {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("wrap.key"));
        let key = WrapKey::generate(&SystemRandom).unwrap();
        file.create(&key, &SystemRandom).unwrap();
        (folder, file, key)
    }

    fn write(path: &Path, text: &[u8], mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn gives_back_the_key_it_was_given() {
        let (folder, file, key) = written();
        let again = file.read().unwrap();
        assert_eq!(again.check(), key.check());
        assert!(key.expose(|one| again.expose(|two| one == two)));
        let mode = fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft was left");
    }

    #[test]
    fn a_key_file_is_never_replaced() {
        let (folder, file, key) = written();
        let other = WrapKey::generate(&SystemRandom).unwrap();
        assert!(matches!(file.create(&other, &SystemRandom), Err(SealError::Exists)));
        assert_eq!(file.read().unwrap().check(), key.check());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a draft was left");
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused() {
        let (_folder, file, _) = written();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o777] {
            fs::set_permissions(&file.path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(file.read(), Err(SealError::Unsafe(_))), "{mode:o}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&file.path, Permissions::from_mode(mode)).unwrap();
            assert!(file.read().is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let (folder, file, _) = written();
        let link = folder.path().join("link");
        symlink(&file.path, &link).unwrap();
        let private = folder.path().join("folder");
        fs::create_dir(&private).unwrap();
        fs::set_permissions(&private, Permissions::from_mode(0o700)).unwrap();
        for path in [link, private] {
            let read = KeyFile::at(&path).read();
            assert!(matches!(read, Err(SealError::Unsafe(_))), "{read:?}");
        }
        let nothing = KeyFile::at(folder.path().join("nothing"));
        assert!(matches!(nothing.read(), Err(SealError::Missing)));
    }

    #[test]
    fn a_damaged_file_is_recognised() {
        let (_folder, file, _) = written();
        let good = fs::read_to_string(&file.path).unwrap();
        let lines: Vec<_> = good.lines().collect();
        for at in 0..lines.len() {
            let mut cut = lines.clone();
            cut.remove(at);
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            for text in [cut.join("\n"), doubled.join("\n")] {
                write(&file.path, text.as_bytes(), 0o600);
                assert!(matches!(file.read(), Err(SealError::Damaged(_))), "line {at}");
            }
        }
        for (from, to) in [("key 1", "key 2"), ("check: ", "generation: 1\ncheck: ")] {
            write(&file.path, good.replace(from, to).as_bytes(), 0o600);
            assert!(matches!(file.read(), Err(SealError::Damaged(_))), "{to}");
        }
        write(&file.path, &[0xff; 2 * MAX_LEN], 0o600);
        assert!(matches!(file.read(), Err(SealError::Damaged(_))));
    }

    #[test]
    fn one_wrong_digit_of_the_key_is_noticed() {
        let (_folder, file, _) = written();
        let good = fs::read_to_string(&file.path).unwrap();
        let last = good.trim_end().chars().last().unwrap();
        let wrong = if last == '0' { "1\n" } else { "0\n" };
        let text = format!("{}{wrong}", &good[..good.len() - 2]);
        write(&file.path, text.as_bytes(), 0o600);
        let error = file.read().unwrap_err().to_string();
        assert_eq!(error, "damaged: key and check value do not match");
    }

    #[test]
    fn a_file_from_before_wraps_gives_the_root_key_that_it_holds() {
        let (_folder, file, _) = written();
        // What version 0.1.0 wrote: its check value is that of the root key.
        let root = WrapKey::new(Protected::copy_of(&[0xab; 32]).unwrap()).unwrap();
        let root = root.as_first_root().unwrap();
        let text = format!(
            "yaoku root key 1\ngeneration: 1\ncheck: {}\nkey: {}\n",
            root.check(),
            "ab".repeat(32)
        );
        write(&file.path, text.as_bytes(), 0o600);
        let read = file.read().unwrap();
        assert_eq!(read.as_first_root().unwrap().check(), root.check());
        write(&file.path, text.replace("root key 1", "root key 2").as_bytes(), 0o600);
        assert!(matches!(file.read(), Err(SealError::Damaged(_))));
        write(&file.path, text.replace("generation: 1", "generation: 2").as_bytes(), 0o600);
        assert!(matches!(file.read(), Err(SealError::Damaged(_))));
    }

    #[test]
    fn no_text_makes_it_panic() {
        proptest!(|(text: String)| {
            assert!(decode(&text).is_err());
            for first in ["yaoku wrap key 1", "yaoku root key 1", "yaoku root key 1\ngeneration: 1"] {
                assert!(decode(&format!("{first}\n{text}")).is_err());
            }
        });
    }
}
