//! The real program: `yaoku dev` as a child process.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::client::Key;

/// The program's path. Without one given, it is built in the profile of this program.
pub(crate) fn built(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        ensure!(path.is_file(), "{} is not there", path.display());
        return Ok(path.canonicalize()?);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let release: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    let build = Command::new("cargo")
        .args(["build", "--quiet", "--package", "yaoku"])
        .args(release)
        .current_dir(root)
        .status()?;
    ensure!(build.success(), "yaoku does not build");
    Ok(std::env::current_exe()?.with_file_name("yaoku"))
}

/// `yaoku dev`, running. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Dev {
    process: Child,
    /// What `dev.json` says.
    pub(crate) file: Value,
}

impl Dev {
    /// Starts it on a data directory, on the store given (SQLite without), and waits until it serves.
    pub(crate) fn start(program: &Path, data: &Path, store: Option<&str>) -> anyhow::Result<Self> {
        Self::start_with(program, data, store, &[])
    }

    /// As [`Dev::start`], with more words on the command line.
    pub(crate) fn start_with(
        program: &Path,
        data: &Path,
        store: Option<&str>,
        more: &[&str],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]);
        command
            .arg(data)
            .args(more)
            .env_remove("YAOKU_STORE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(store) = store {
            command.env("YAOKU_STORE", store);
        }
        // It has much to complain of in a trial.
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "off");
        }
        let mut process = command.spawn()?;
        let out = process.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let runs = lines.any(|it| it.is_ok_and(|it| it.contains("Stop with Ctrl-C")));
        if !runs {
            let ended = process.wait()?;
            anyhow::bail!("yaoku dev does not start: {ended}");
        }
        let file = serde_json::from_slice(&std::fs::read(data.join("dev.json"))?)?;
        Ok(Self { process, file })
    }

    /// A field of `dev.json`.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<&str> {
        self.file[name].as_str().with_context(|| format!("dev.json has no {name}"))
    }

    /// Where it serves plain HTTP.
    pub(crate) fn http(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.text("http_endpoint")?.parse()?)
    }

    /// The account's own access key.
    pub(crate) fn root_key(&self) -> anyhow::Result<Key> {
        let (id, secret) = (self.text("access_key_id")?, self.text("access_key_secret")?);
        Ok(Key { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        _ = self.kill();
    }
}
