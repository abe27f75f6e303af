//! A group of processes that have the processors when nobody else wants them.
//!
//! The servers stand for other machines. On this one the system lets a server finish what it is at,
//! some milliseconds, before a call that comes meanwhile, and whatever its priority is, for it shares the
//! processors among sessions first, and each connection of some servers is one. Of what is in such a
//! group it knows better.

use std::{fs, io, path::PathBuf, process, thread, time::Duration};

/// How often the group is tried to be removed: what was in it ends meanwhile.
const TRIES: u32 = 20;

/// The group, which is gone with this.
#[derive(Debug)]
pub(super) struct Spare {
    /// Where this process is.
    home: PathBuf,
    group: PathBuf,
}

impl Spare {
    /// Makes the group; `None` if the system has no such groups, or does not let us.
    pub(super) fn make() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        mounts.lines().filter_map(place).find_map(Self::at)
    }

    fn at((root, is_second): (PathBuf, bool)) -> Option<Self> {
        if is_second {
            // It is there perhaps, or cannot be: then the next step says so.
            _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
        }
        let group = root.join(format!("yaoku-trial-{}", process::id()));
        let home = root.join(own(is_second)?);
        fs::create_dir(&group).ok()?;
        let made = Self { home, group };
        fs::write(made.group.join("cpu.idle"), "1").ok()?;
        Some(made)
    }

    /// Does it; the processes that it starts are of the group.
    pub(super) fn holding<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        fs::write(self.group.join("cgroup.procs"), process::id().to_string())?;
        let done = work();
        fs::write(self.home.join("cgroup.procs"), process::id().to_string())?;
        Ok(done)
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        for _ in 0..TRIES {
            if fs::remove_dir(&self.group).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Where groups of processes are, by a line of the table of mounts, and whether they are of the second
/// version. Source: cgroups(7).
fn place(line: &str) -> Option<(PathBuf, bool)> {
    let mut words = line.split(' ').skip(1);
    let (root, kind, options) = (words.next()?, words.next()?, words.next()?);
    let is_second = kind == "cgroup2";
    let is_first = kind == "cgroup" && options.split(',').any(|it| it == "cpu");
    (is_first || is_second).then(|| (root.into(), is_second))
}

/// The group that this process is in, below the root.
fn own(is_second: bool) -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let its = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let is_its = if is_second {
            controllers.is_empty()
        } else {
            controllers.split(',').any(|it| it == "cpu")
        };
        is_its.then(|| path.trim_start_matches('/').to_owned())
    };
    groups.lines().find_map(its)
}
