//! `yaoku secret edit`: a value in the caller's editor, on storage that is memory.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    signal::unix::{self, SignalKind, signal},
    task::spawn_blocking,
    time::timeout,
};
use zeroize::Zeroizing;

use super::{
    super::{misuse, output::print},
    Calls, GENERIC, Named, held,
    make::put,
    new_version,
};
use crate::{clock::environment, screen::harmless};

/// What a filesystem that is memory says of itself. Source: statfs(2), `TMPFS_MAGIC` and `RAMFS_MAGIC`.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// How long an editor that is told to end has for it. Our choice.
const TO_END: Duration = Duration::from_secs(2);

/// Opens the current value in `$VISUAL` or `$EDITOR`, and makes what is saved the current one
/// (`GetSecretValue`, `PutSecretValue`).
///
/// Without a change, or if the editor fails, nothing is done.
#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    secret: Named,
}

impl Edit {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let name = &self.secret.name;
        let before = held(calls, name, None, None).await?;
        if before.text("/SecretType") != GENERIC {
            let name = harmless(name);
            return Err(misuse(format!("{name} is managed: only its rotation changes its value")));
        }
        let old = before.text("/SecretData");
        let new = edited(old).await?;
        if *new == old {
            print("Nothing was changed.\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let now = held(calls, name, None, None).await?;
        if now.text("/VersionId") != before.text("/VersionId") {
            bail!("somebody else gave it a new value meanwhile: nothing was done");
        }
        let kind = before.text("/SecretDataType");
        put(calls, name, &new_version()?, (&new, kind), None).await
    }
}

/// What the editor makes of a text.
async fn edited(old: &str) -> anyhow::Result<Zeroizing<String>> {
    // Before anything is written that a signal would leave behind.
    let signals = Signals::taken()?;
    let room = Room::make()?;
    let file = room.0.join("value");
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
    made.write_all(old.as_bytes())?;
    drop(made);
    let status = signals.attend(editor(&file)?).await?;
    if !status.success() {
        return Err(misuse("the editor failed: nothing was done"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(&file)?.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| misuse("what was saved is no text"))?;
    Ok(Zeroizing::new(without_added_end(old, text).to_owned()))
}

/// Most editors end the last line. What had no such end keeps none.
fn without_added_end<'a>(old: &str, new: &'a str) -> &'a str {
    let added = new.strip_suffix('\n').filter(|_| !old.ends_with('\n'));
    added.unwrap_or(new)
}

/// Starts the editor, which may be a command with words of its own. `exec`, so that it is our child.
fn editor(file: &Path) -> anyhow::Result<Child> {
    let named = |name: &str| setting(name).filter(|it| !it.is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec {editor} \"$1\""), "sh"]).arg(file);
    shell.spawn().context("there is no shell to start the editor by")
}

/// The signals that would end this program and leave the value behind.
struct Signals {
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

impl Signals {
    fn taken() -> std::io::Result<Self> {
        // What is typed at the terminal is the editor's to obey.
        _ = signal(SignalKind::interrupt())?;
        _ = signal(SignalKind::quit())?;
        let (terminate, hang_up) = (SignalKind::terminate(), SignalKind::hangup());
        Ok(Self { terminate: signal(terminate)?, hang_up: signal(hang_up)? })
    }

    /// Waits for the editor. Whoever ends this program ends the editor too.
    async fn attend(mut self, mut editor: Child) -> anyhow::Result<ExitStatus> {
        let id = Pid::from_child(&editor);
        let mut ended = spawn_blocking(move || editor.wait());
        tokio::select! {
            status = &mut ended => return Ok(status??),
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
        // It may have ended by itself.
        _ = kill_process(id, Signal::TERM);
        if timeout(TO_END, &mut ended).await.is_err() {
            _ = kill_process(id, Signal::KILL);
        }
        bail!("ended by a signal: nothing was done")
    }
}

/// A directory in memory that only its owner may enter. What is in it is wiped on drop: the file, and
/// what the editor put beside it.
struct Room(PathBuf);

impl Room {
    fn make() -> anyhow::Result<Self> {
        let places = setting("XDG_RUNTIME_DIR").into_iter().chain(["/dev/shm".to_owned()]);
        let place = places.map(PathBuf::from).find(|it| is_memory(it));
        let place = place.ok_or_else(|| {
            misuse("there is no directory in memory for the value: set XDG_RUNTIME_DIR to one")
        })?;
        let path = place.join(format!("yaoku-{}", new_version()?));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            // What cannot be wiped is removed at least.
            _ = wipe(&entry.path());
        }
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Overwrites a file; follows no link.
fn wipe(path: &Path) -> std::io::Result<()> {
    let it = path.symlink_metadata()?;
    if !it.is_file() {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).open(path)?;
    std::io::copy(&mut std::io::repeat(0).take(it.len()), &mut file)?;
    Ok(())
}

/// Whether a directory is in memory, and never on a disk (but for swap).
fn is_memory(path: &Path) -> bool {
    path.is_absolute() && rustix::fs::statfs(path).is_ok_and(|it| IN_MEMORY.contains(&it.f_type))
}

fn setting(name: &str) -> Option<String> {
    let (_, value) = environment().find(|(it, _)| it == name)?;
    value.into_string().ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Room, is_memory, without_added_end};

    #[test]
    fn an_end_that_the_editor_added_is_taken_away() {
        for (old, new, expected) in [
            ("a", "b\n", "b"),
            ("a", "b\n\n", "b\n"),
            ("a\n", "b\n", "b\n"),
            ("a\n", "b", "b"),
            ("a", "a\n", "a"),
        ] {
            assert_eq!(without_added_end(old, new), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn a_disk_is_no_place_for_a_value() {
        assert!(!is_memory(Path::new("/proc")));
        assert!(!is_memory(Path::new("relative")));
    }

    #[test]
    fn nothing_is_left_of_a_room() {
        let room = Room::make().unwrap();
        let path = room.0.clone();
        fs::write(path.join("value"), "x").unwrap();
        // The file is seen through this link after its name is gone.
        let outside = path.with_extension("kept");
        fs::hard_link(path.join("value"), &outside).unwrap();
        drop(room);
        let left = fs::read(&outside).unwrap();
        fs::remove_file(&outside).unwrap();
        assert!(!path.exists() && left == [0]);
    }
}
