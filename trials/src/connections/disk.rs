//! A disk of 1 GB, in memory.

use std::{fmt, path::Path, process::Command};

use anyhow::Context as _;
use tempfile::TempDir;

/// A directory on a file system of its own, if this user may mount one. Unmounted when dropped.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    directory: TempDir,
    mounted: bool,
}

impl SmallDisk {
    /// Mounts one, or takes an ordinary directory where that is not allowed.
    pub(crate) fn mount() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1g,mode=0700", "tmpfs"]).arg(directory.path());
        let mounted = mount.output().is_ok_and(|it| it.status.success());
        Ok(Self { directory, mounted })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Bytes that its files take.
    pub(crate) fn used(&self) -> anyhow::Result<u64> {
        let du = Command::new("du").args(["-sk"]).arg(self.path()).output()?;
        let said = String::from_utf8(du.stdout)?;
        let kib: u64 = said.split_whitespace().next().context("du says nothing")?.parse()?;
        Ok(kib * 1024)
    }
}

impl fmt::Display for SmallDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.mounted { "tmpfs of 1 GB" } else { "the usual disk: no right to mount" };
        write!(f, "{} ({kind})", self.path().display())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: a server that is still ending may hold files there.
            _ = Command::new("umount").arg("-l").arg(self.path()).status();
        }
    }
}
