//! A key pair by which users of SSH servers log in.

use std::process::Command;

use anyhow::ensure;

pub(crate) fn make() -> anyhow::Result<(String, String)> {
    let home = tempfile::tempdir()?;
    let file = home.path().join("key");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-C", "", "-f"]);
    ensure!(command.arg(&file).status()?.success(), "ssh-keygen makes no key");
    let public = std::fs::read_to_string(file.with_extension("pub"))?;
    Ok((public.trim().to_owned(), std::fs::read_to_string(&file)?))
}
