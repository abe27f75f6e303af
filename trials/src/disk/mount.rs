//! Small file systems of our own. Mounting needs root; without it the trial ends, and says so.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// A file system, unmounted when it is dropped.
#[derive(Debug)]
pub(crate) struct Mounted {
    at: PathBuf,
    image: Option<PathBuf>,
    _home: tempfile::TempDir,
}

impl Mounted {
    /// One in memory, of so many MiB.
    pub(crate) fn in_memory(mib: u32) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let at = home.path().join("disk");
        fs::create_dir(&at)?;
        let size = format!("size={mib}m,mode=0700");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at))?;
        Ok(Self { at, image: None, _home: home })
    }

    /// An ext4 file system in a file, which an error makes read-only.
    pub(crate) fn on_a_device(mib: u64) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let (at, image) = (home.path().join("disk"), home.path().join("image"));
        fs::create_dir(&at)?;
        File::create(&image)?.set_len(mib << 20)?;
        run(Command::new("mkfs.ext4").args(["-q", "-O", "^has_journal"]).arg(&image))?;
        let it = Self { at, image: Some(image), _home: home };
        it.mount()?;
        Ok(it)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    /// Writes until nothing more fits.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::options().append(true).create(true).open(self.filler())?;
        for size in [1 << 16, 1 << 10, 1] {
            let bytes = vec![0; size];
            while file.write_all(&bytes).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn free(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    /// Makes the kernel find an error on the device: it is read-only from now on.
    pub(crate) fn break_down(&self) -> anyhow::Result<()> {
        let mounts = fs::read_to_string("/proc/mounts")?;
        let at = self.at.to_string_lossy();
        let line = mounts.lines().find(|it| it.split(' ').nth(1) == Some(&*at));
        let device = line.and_then(|it| it.split(' ').next()?.strip_prefix("/dev/"));
        let device = device.context("the device is not mounted")?;
        Ok(fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1")?)
    }

    /// Mounts the device anew. Nothing may be open on it.
    pub(crate) fn repair(&self) -> anyhow::Result<()> {
        run(Command::new("umount").arg(&self.at))?;
        self.mount()
    }

    fn mount(&self) -> anyhow::Result<()> {
        let image = self.image.as_ref().context("not on a device")?;
        let options = ["-o", "loop,errors=remount-ro"];
        run(Command::new("mount").args(options).arg(image).arg(&self.at))
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        _ = Command::new("umount").arg(&self.at).status();
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let done = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{command:?} needs root and a kernel that does it: {said}");
    Ok(())
}
