//! What somebody does to the files of a journal.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

/// One of them: on the file, with another segment's file at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    run: fn(&Path, &Path) -> anyhow::Result<()>,
}

/// All of them.
pub(super) const ALL: [Attack; 8] = [
    Attack { name: "deleted", run: |it, _| Ok(fs::remove_file(it)?) },
    Attack { name: "cut", run: |it, _| cut(it) },
    Attack { name: "cut at a record's end", run: |it, _| edit(it, |all| _ = all.pop()) },
    Attack { name: "rewritten, size and mtime kept", run: |it, _| rewrite(it) },
    Attack { name: "records reordered", run: |it, _| edit(it, |all| swap_lines(all)) },
    Attack { name: "swapped with another", run: swap },
    Attack { name: "replaced by another", run: |it, other| Ok(fs::write(it, fs::read(other)?)?) },
    Attack { name: "lengthened", run: |it, _| lengthen(it) },
];

impl Attack {
    /// Does it.
    pub(super) fn on(self, file: &Path, other: &Path) -> anyhow::Result<()> {
        (self.run)(file, other).with_context(|| format!("{}: {}", self.name, file.display()))
    }
}

/// The files of the segments in `home`, oldest first: closed ones, then the open one.
pub(super) fn files(home: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(home)? {
        let path = entry?.path();
        let is = |it: &Path, what: &str| it.extension().is_some_and(|it| it == what);
        let plain = if is(&path, "gz") { path.with_extension("") } else { path.clone() };
        if is(&plain, "log") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn cut(path: &Path) -> anyhow::Result<()> {
    let file = File::options().write(true).open(path)?;
    Ok(file.set_len(file.metadata()?.len() * 2 / 3)?)
}

fn rewrite(path: &Path) -> anyhow::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let it = file.metadata()?;
    let (mut byte, at) = ([0], it.len() / 2);
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&[byte[0] ^ 1], at)?;
    Ok(file.set_modified(it.modified()?)?)
}

fn swap(path: &Path, other: &Path) -> anyhow::Result<()> {
    let aside = path.with_extension("aside");
    fs::rename(path, &aside)?;
    fs::rename(other, path)?;
    Ok(fs::rename(&aside, other)?)
}

fn lengthen(path: &Path) -> anyhow::Result<()> {
    let last = fs::read(path)?;
    let from = last[..last.len() - 1].iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    Ok(File::options().append(true).open(path)?.write_all(&last[from..])?)
}

fn swap_lines(lines: &mut [String]) {
    let middle = lines.len() / 2;
    lines.swap(middle, middle - 1);
}

/// Changes the lines of a segment, in the same file.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<String>)) -> anyhow::Result<()> {
    let packed = path.extension().is_some_and(|it| it == "gz");
    let mut text = String::new();
    if packed {
        MultiGzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    } else {
        text = fs::read_to_string(path)?;
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    ensure!(lines.len() > 3, "{} is too short", path.display());
    change(&mut lines);
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    if packed {
        let mut to = GzEncoder::new(Vec::new(), Compression::default());
        to.write_all(&bytes)?;
        bytes = to.finish()?;
    }
    Ok(fs::write(path, bytes)?)
}
