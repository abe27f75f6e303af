//! Attacks on the key that signs the journal: it goes, or another deployment's takes its place.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::ensure;

use super::{call, client};
use crate::{node::NAME, program::Dev, report::Report};

/// One of them: on a data directory, with another deployment's at hand.
struct Attack {
    name: &'static str,
    /// What is removed, or put in the place of ours: paths in a data directory.
    files: &'static [&'static str],
    /// Whether the other's take their place.
    replaced: bool,
}

const ATTACKS: [Attack; 3] = [
    Attack { name: "key deleted", files: &["audit.key"], replaced: false },
    Attack {
        name: "keys replaced",
        files: &["audit.key", "audit/NAME/public.key"],
        replaced: true,
    },
    Attack { name: "keys and journal replaced", files: &["audit.key", "audit"], replaced: true },
];

/// Each of them is refused at the next start, cannot be accepted, and is over once all is put back.
pub(super) async fn attacks(program: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (mine, other, kept) = (tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?);
    let [mine, other, kept] = [&mine, &other, &kept].map(tempfile::TempDir::path);
    for data in [mine, other] {
        let mut dev = Dev::start(program, data, None)?;
        ensure!(call(&client(&dev)?).await?, "a call is not served");
        // The store must know of the journal.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        dev.kill()?;
    }
    put(mine, kept)?;
    for attack in ATTACKS {
        let what = format!("audit: {}", attack.name);
        attack.on(mine, other)?;
        let starts = Dev::start(program, mine, None);
        report.check(starts.is_err(), format_args!("{what}: it starts as if nothing were"));
        drop(starts);
        let proved = says_yes(program, mine, &["audit", "verify"])?;
        report
            .check(!(attack.replaced && proved), format_args!("{what}: the proof fails to see it"));
        let accepted = says_yes(program, mine, &["audit", "accept", "--reason", "a trial"])?;
        report.check(!accepted, format_args!("{what}: it can be accepted"));
        put(kept, mine)?;
        let mut dev = Dev::start(program, mine, None)?;
        let served = call(&client(&dev)?).await?;
        report.check(served, format_args!("{what}: not served once all was put back"));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        dev.kill()?;
        put(mine, kept)?;
    }
    report.say(format_args!("the audit key: {} attacks", ATTACKS.len()));
    Ok(())
}

impl Attack {
    fn on(&self, mine: &Path, other: &Path) -> anyhow::Result<()> {
        for file in self.files.iter().map(|it| it.replace("NAME", NAME)) {
            let path = mine.join(&file);
            run("rm", &["-r".as_ref(), path.as_ref()])?;
            if self.replaced {
                copy(&other.join(&file), &path)?;
            }
        }
        Ok(())
    }
}

/// Copies journal and key from one data directory to another.
fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    for file in ["audit", "audit.key"] {
        run("rm", &["-rf".as_ref(), to.join(file).as_ref()])?;
        copy(&from.join(file), to)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    run("cp", &["-a".as_ref(), from.as_ref(), to.as_ref()])
}

fn run(program: &str, words: &[&std::ffi::OsStr]) -> anyhow::Result<()> {
    ensure!(Command::new(program).args(words).status()?.success(), "{program} {words:?} failed");
    Ok(())
}

/// Whether a verb ends well.
fn says_yes(program: &Path, data: &Path, words: &[&str]) -> anyhow::Result<bool> {
    let mut command = Command::new(program);
    command.args(words).arg("--data").arg(data).env_remove("YAOKU_STORE");
    Ok(command.stdin(Stdio::null()).output()?.status.success())
}
