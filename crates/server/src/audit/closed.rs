//! What is known of closed segments: how they end, and what their files looked like when they were
//! last proved.
//!
//! The table lies signed beside the segments, so that a start needs to read again only what looks
//! different. It is not part of the proof: without it, a start reads everything.

use std::{collections::BTreeMap, fmt::Write as _, io, os::unix::fs::MetadataExt as _, path::Path};

use super::{
    head::{Head, HeadSigner, PublicKey},
    segment::{packed_path, segment_path},
};
use crate::disk::Disk;

/// The table's file.
const FILE: &str = "closed";

/// Its first line.
const TITLE: &str = "yaoku closed segments 1";

/// A segment in which nothing is written any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Closed {
    /// The last record before it.
    pub(super) before: Head,
    /// Its last record.
    pub(super) end: Head,
    /// When it was closed, in milliseconds since 1970.
    pub(super) at: i64,
    /// Its file when it was last proved; `None`: it never was.
    pub(super) seen: Option<Seen>,
}

/// What tells a file from a changed one. Nobody but the kernel sets the time of change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    inode: u64,
    /// In bytes.
    pub(super) size: u64,
    changed: i64,
    changed_ns: i64,
    /// Whether it is the compressed file.
    pub(super) packed: bool,
}

/// The closed segments, by number.
pub(super) type Table = BTreeMap<u32, Closed>;

impl Seen {
    /// How the file of a segment looks now.
    pub(super) fn of(home: &Path, number: u32) -> io::Result<Self> {
        let (it, packed) = match std::fs::metadata(segment_path(home, number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (std::fs::metadata(packed_path(home, number))?, true)
            }
            it => (it?, false),
        };
        let (inode, size) = (it.ino(), it.size());
        Ok(Self { inode, size, changed: it.ctime(), changed_ns: it.ctime_nsec(), packed })
    }
}

/// Reads the table; empty if there is none, or if it is not what we signed.
pub(super) fn read(home: &Path, node: &str, key: &PublicKey) -> io::Result<Table> {
    let text = match std::fs::read_to_string(home.join(FILE)) {
        Ok(text) => text,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) =>
        {
            return Ok(Table::new());
        }
        Err(error) => return Err(error),
    };
    let Some((body, signature)) = text.trim_end().rsplit_once('\n') else {
        return Ok(Table::new());
    };
    let lines =
        body.strip_prefix(TITLE).filter(|_| key.proves_text(&signed(node, body), signature));
    Ok(lines.unwrap_or_default().lines().filter_map(parse).collect())
}

/// Puts the table in place.
pub(super) fn write(
    home: &Path,
    node: &str,
    signer: &HeadSigner,
    table: &Table,
    disk: &dyn Disk,
) -> io::Result<()> {
    let mut body = TITLE.to_owned();
    for (number, Closed { before, end, at, seen }) in table {
        // Writing to a string cannot fail.
        _ = write!(body, "\n{number} {before} {end} {at}");
        if let Some(Seen { inode, size, changed, changed_ns, packed }) = seen {
            _ = write!(body, " {inode} {size} {changed} {changed_ns} {packed}");
        }
    }
    let signature = signer.sign_text(&signed(node, &body));
    disk.replace(&home.join(FILE), format!("{body}\n{signature}\n").as_bytes())
}

/// What is signed: also whose table it is.
fn signed(node: &str, body: &str) -> String {
    format!("{node}\n{body}")
}

fn parse(line: &str) -> Option<(u32, Closed)> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let number = next()?.parse().ok()?;
    let (before, end) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let at = next()?.parse().ok()?;
    let seen = next().and_then(|inode| {
        Some(Seen {
            inode: inode.parse().ok()?,
            size: next()?.parse().ok()?,
            changed: next()?.parse().ok()?,
            changed_ns: next()?.parse().ok()?,
            packed: next()?.parse().ok()?,
        })
    });
    Some((number, Closed { before, end, at, seen }))
}
