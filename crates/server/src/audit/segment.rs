//! The files that segments lie in: plain while they are written, compressed once they are closed.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::record::MAX_LINE;

/// As much as is read at once, in bytes.
const BUFFER: usize = 1 << 16;

/// The segments in a node's directory by number, in order. Other files are left alone.
pub(super) fn segments(directory: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|it| {
            let it = it.strip_suffix(".gz").unwrap_or(it);
            it.strip_suffix(".log")?.parse().ok()
        });
        let is_ours = |it: &u32| {
            segment_path(directory, *it).ends_with(&name)
                || packed_path(directory, *it).ends_with(&name)
        };
        numbers.extend(stem.filter(is_ours));
    }
    Ok(numbers.into_iter().collect())
}

/// Where a segment lies while it is written, and until it is compressed.
pub(super) fn segment_path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:08}.log"))
}

/// Where a compressed segment lies.
pub(super) fn packed_path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:08}.log.gz"))
}

/// The lines of one segment.
pub(super) struct Lines {
    from: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    /// Whether the segment is compressed.
    pub(super) packed: bool,
    /// Where the line that was last given begins.
    pub(super) offset: u64,
    /// Where the one after it begins.
    pub(super) next: u64,
}

/// What comes next in a segment.
pub(super) enum Next<'a> {
    /// A line, without its end. One that is too long comes in pieces.
    Line(&'a [u8]),
    /// Bytes after the last whole line, or bytes that do not decompress.
    Torn,
    /// Nothing more.
    End,
}

impl Lines {
    /// The lines of a segment from `offset` on. If both files are there, the plain one counts: the
    /// other was being written when the program was killed.
    pub(super) fn open(home: &Path, number: u32, offset: u64) -> io::Result<Self> {
        use std::io::Seek as _;
        let (from, packed): (Box<dyn BufRead + Send>, _) =
            match File::open(segment_path(home, number)) {
                Ok(mut file) => {
                    file.seek(io::SeekFrom::Start(offset))?;
                    (Box::new(BufReader::with_capacity(BUFFER, file)), false)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let file = File::open(packed_path(home, number))?;
                    let mut file = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file));
                    // What does not decompress is found again by the first line.
                    _ = io::copy(&mut file.by_ref().take(offset), &mut io::sink());
                    (Box::new(BufReader::with_capacity(BUFFER, file)), true)
                }
                Err(error) => return Err(error),
            };
        Ok(Self { from, line: Vec::new(), packed, offset, next: offset })
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        self.line.clear();
        self.offset = self.next;
        let read = match self.from.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line) {
            Err(error) if self.packed && is_no_gzip(&error) => return Ok(Next::Torn),
            read => read?,
        };
        self.next += read as u64;
        if read == 0 {
            return Ok(Next::End);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if (read as u64) < MAX_LINE {
            return Ok(Next::Torn);
        }
        Ok(Next::Line(&self.line))
    }
}

fn is_no_gzip(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}
