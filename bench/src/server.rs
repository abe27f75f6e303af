//! The servers under measurement: child processes, each alone on a core of its own.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Starting takes a fraction of a second; a machine that is busy may need more.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first two cores that this process may use: one for the load, one for the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    load: usize,
    server: usize,
}

impl Cores {
    /// Takes two cores, and moves this thread to the first.
    pub(crate) fn take() -> anyhow::Result<Self> {
        let may = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|it| may.is_set(*it));
        let (Some(load), Some(server)) = (cores.next(), cores.next()) else {
            bail!("the bench needs two cores: one for the load, one for the servers");
        };
        pin(load)?;
        Ok(Self { load, server })
    }

    /// Starts a program on the server's core. A child inherits where its parent may run.
    fn spawn(self, command: &mut Command) -> anyhow::Result<Child> {
        pin(self.server)?;
        let child = command.env("TOKIO_WORKER_THREADS", "1").spawn();
        pin(self.load)?;
        child.with_context(|| format!("{} does not start", command.get_program().display()))
    }

    /// Works on the servers' core in a thread of its own, and waits for it.
    pub(crate) fn on_servers<T: Send>(self, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| pin(self.server).map(|()| work()));
            thread.join().map_err(|_| anyhow!("the work on the servers' core panicked"))?
        })
    }
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Where a server serves.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Addresses {
    pub(crate) http_endpoint: SocketAddr,
    pub(crate) endpoint: SocketAddr,
}

/// Whose calls a Yaoku serves: an account's root, and a user with a key.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Account {
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: String,
    pub(crate) key_id: String,
    pub(crate) user_name: String,
    pub(crate) user_access_key_id: String,
    pub(crate) user_access_key_secret: String,
}

/// What a Yaoku says when it serves: `dev.json` has these, and more.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Ready {
    #[serde(flatten)]
    pub(crate) addresses: Addresses,
    #[serde(flatten)]
    pub(crate) account: Account,
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    addresses: Addresses,
}

impl Server {
    /// Starts the bare server with the certificate of `yaoku`: this program, in another role.
    pub(crate) fn bare(cores: Cores, yaoku: &Yaoku) -> anyhow::Result<Self> {
        let (child, mut said) = own(cores, "--bare", yaoku.data.path())?;
        Ok(Self { child, addresses: hear(&mut said)? })
    }

    /// Where it serves TLS, or plain HTTP.
    pub(crate) const fn address(&self, tls: bool) -> SocketAddr {
        if tls { self.addresses.endpoint } else { self.addresses.http_endpoint }
    }

    /// The processor time that its threads have used up to now.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut time = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // One that has just ended counts no more. Source: sched-stats.rst, first field.
            let Ok(stat) = std::fs::read_to_string(thread?.path().join("schedstat")) else {
                continue;
            };
            time += time_in(&stat)?;
        }
        Ok(time)
    }

    /// What of its memory is in RAM, in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kilobytes.context("no VmRSS in status")? * 1024)
    }
}

/// The processor time that the thread which asks has used.
pub(crate) fn cpu_of_this_thread() -> anyhow::Result<Duration> {
    time_in(&std::fs::read_to_string("/proc/thread-self/schedstat")?)
}

fn time_in(schedstat: &str) -> anyhow::Result<Duration> {
    let nanos = schedstat.split_whitespace().next().and_then(|it| it.parse().ok());
    Ok(Duration::from_nanos(nanos.context("no time in schedstat")?))
}

impl Drop for Server {
    /// Asks it to stop, and waits.
    fn drop(&mut self) {
        _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        _ = self.child.wait();
    }
}

/// This program in another role, and what it says.
fn own(cores: Cores, role: &str, data: &Path) -> anyhow::Result<(Child, BufReader<ChildStdout>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role).arg(data).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cores.spawn(&mut command)?;
    let said = child.stdout.take().context("no standard output")?;
    Ok((child, BufReader::new(said)))
}

/// The next line that a role says.
fn hear<T: serde::de::DeserializeOwned>(said: &mut BufReader<ChildStdout>) -> anyhow::Result<T> {
    let mut line = String::new();
    said.read_line(&mut line)?;
    serde_json::from_str(&line).context("a role of the bench ended, or said something else")
}

/// A Yaoku on a data directory of its own, which goes when this does.
#[derive(Debug)]
pub(crate) struct Yaoku {
    pub(crate) server: Server,
    pub(crate) account: Account,
    /// Removed after the server has stopped: fields are dropped in this order.
    data: TempDir,
}

impl Yaoku {
    /// Starts `yaoku dev` on an empty data directory, and waits until it serves.
    pub(crate) fn start(program: &Path, cores: Cores) -> anyhow::Result<Self> {
        Self::start_on(tempfile::tempdir()?, program, cores)
    }

    /// Stops it, and keeps its data.
    pub(crate) fn stop(self) -> Stopped {
        Stopped(self.data)
    }

    /// The root certificate that its clients trust, PEM.
    pub(crate) fn ca(&self) -> anyhow::Result<Vec<u8>> {
        Ok(std::fs::read(self.data.path().join("ca.pem"))?)
    }

    fn start_on(data: TempDir, program: &Path, cores: Cores) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("dev").arg("--data").arg(data.path());
        command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let mut child = cores.spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        // Written once it serves, and put in place whole.
        let file = dev_json(data.path());
        let mut waited = Duration::ZERO;
        while !file.exists() {
            ensure!(child.try_wait()?.is_none(), "{} dev has ended", program.display());
            ensure!(waited < PATIENCE, "{} dev does not begin to serve", program.display());
            let step = Duration::from_millis(1);
            std::thread::sleep(step);
            waited += step;
        }
        let ready: Ready = serde_json::from_slice(&std::fs::read(&file)?)?;
        let server = Server { child, addresses: ready.addresses };
        Ok(Self { server, account: ready.account, data })
    }
}

/// The data of a Yaoku that does not run.
#[derive(Debug)]
pub(crate) struct Stopped(TempDir);

impl Stopped {
    /// Starts it again, and waits until it serves.
    pub(crate) fn start(self, program: &Path, cores: Cores) -> anyhow::Result<Yaoku> {
        std::fs::remove_file(dev_json(self.0.path()))?;
        Yaoku::start_on(self.0, program, cores)
    }
}

fn dev_json(data: &Path) -> PathBuf {
    data.join("dev.json")
}

/// Yaoku's server in a role of this program: see [`crate::roles::node`].
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) yaoku: Yaoku,
    line: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Node {
    /// Starts it on an empty data directory, and waits until it serves.
    pub(crate) fn start(cores: Cores, role: &str) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let (mut child, mut said) = own(cores, role, data.path())?;
        let asked = child.stdin.take().context("no standard input")?;
        let ready: Ready = hear(&mut said)?;
        let server = Server { child, addresses: ready.addresses };
        let yaoku = Yaoku { server, account: ready.account, data };
        Ok(Self { yaoku, line: RefCell::new((asked, said)) })
    }

    /// How often its calls have opened a transaction up to now.
    pub(crate) fn accesses(&self) -> anyhow::Result<u64> {
        let (asked, said) = &mut *self.line.borrow_mut();
        writeln!(asked)?;
        hear(said)
    }
}
