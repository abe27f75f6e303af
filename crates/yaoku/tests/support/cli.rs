//! `yaoku dev` and the program as its client, called as `dev.json` says.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program, in an environment that says nothing, at home in `home`.
pub(crate) fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// `yaoku dev`, until it is dropped.
pub(crate) struct Server {
    process: Child,
    home: TempDir,
    data: TempDir,
    file: Value,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more options.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), more)
    }

    fn start_on(data: TempDir, home: TempDir, more: &[&str]) -> Self {
        let mut dev = command(home.path());
        dev.args(["dev", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]);
        let mut process = dev.arg(data.path()).args(more).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|it| it.contains("Stop with Ctrl-C")));
        let file = std::fs::read(data.path().join("dev.json")).unwrap();
        Self { process, home, data, file: serde_json::from_slice(&file).unwrap() }
    }

    /// Stops it as an operator does, and starts it again on the same data.
    pub(crate) fn restarted(mut self) -> Self {
        self.stop();
        let kept = |it: &mut TempDir| std::mem::replace(it, tempfile::tempdir().unwrap());
        Self::start_on(kept(&mut self.data), kept(&mut self.home), &[])
    }

    fn stop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
            self.process.wait().unwrap();
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn data(&self) -> &str {
        self.data.path().to_str().unwrap()
    }

    /// What `dev.json` says.
    pub(crate) fn text(&self, name: &str) -> String {
        self.file[name].as_str().unwrap().to_owned()
    }

    /// Writes a file, and tells where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// Calls it with the account's own access key.
    pub(crate) fn say(&self, words: &[&str]) -> Said {
        let mut command = command(self.home.path());
        command.args(words).arg("--access-key").arg(self.data.path().join("dev.json"));
        Said::of(command.output().unwrap())
    }

    /// Does what must succeed.
    pub(crate) fn good(&self, words: &[&str]) -> String {
        let said = self.say(words);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.error);
        said.out
    }

    /// Does what must succeed and answers JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.good(words)).unwrap()
    }
}
