//! Running a program: with nothing of ours but what it is told on its standard input.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{io::AsyncWriteExt as _, process::Child, time::timeout};
use yaoku_model::hook::Command;

use super::{Fault, PATIENCE};

/// Runs a program in a process group of its own, with an empty environment and what it writes thrown
/// away, and tells it `event`. If it takes too long, or nobody waits for it any more, the group is killed.
pub(super) async fn run(command: &Command, event: &[u8]) -> Result<(), Fault> {
    if let Some(why) = program_fault(Path::new(command.program())) {
        return Err(Fault::NotRun(std::io::Error::other(why)));
    }
    let child = tokio::process::Command::new(command.program())
        .args(command.arguments())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(Fault::NotRun)?;
    let ended = timeout(PATIENCE, Group(child).told(event)).await;
    let status = ended.map_err(|_| Fault::Slow)?.map_err(Fault::NotRun)?;
    if status.success() { Ok(()) } else { Err(Fault::Ended(status)) }
}

/// Why a file is not run, if it is not: who may change one is given what it is told.
#[must_use]
pub fn program_fault(file: &Path) -> Option<String> {
    let path = file.display();
    match file.metadata() {
        Err(error) => Some(format!("{path}: {error}")),
        Ok(it) if !it.is_file() || it.permissions().mode() & 0o111 == 0 => {
            Some(format!("{path} is no program"))
        }
        Ok(it) if it.permissions().mode() & 0o022 != 0 => {
            Some(format!("{path} can be changed by others than its owner"))
        }
        Ok(_) => None,
    }
}

/// A program, and whatever it has started.
struct Group(Child);

impl Group {
    /// Tells it, and waits until it has ended.
    async fn told(mut self, event: &[u8]) -> std::io::Result<ExitStatus> {
        if let Some(mut input) = self.0.stdin.take() {
            // One that does not want to hear it all has its reasons.
            _ = input.write_all(event).await;
        }
        self.0.wait().await
    }
}

impl Drop for Group {
    /// As long as nobody has waited for the program's end, its number is nobody else's.
    fn drop(&mut self) {
        let id = self.0.id().and_then(|it| it.try_into().ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // It may have ended just now.
            _ = kill_process_group(id, Signal::KILL);
        }
    }
}
