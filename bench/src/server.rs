//! The servers under measurement: child processes, each alone on a core of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};
use serde::Deserialize;
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
        let child = command.env("TOKIO_WORKER_THREADS", "1").stdin(Stdio::null()).spawn();
        pin(self.load)?;
        child.with_context(|| format!("{} does not start", command.get_program().display()))
    }
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the bare server: this program, in another role.
    pub(crate) fn bare(cores: Cores) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = cores.spawn(command.arg("--bare").stdout(Stdio::piped()))?;
        let out = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse().context("the bare server did not start")? })
    }

    /// Where it serves plain HTTP.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time that it has used up to now, in user mode and in the kernel.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is a name in parentheses; times are the 14th and 15th. Source: proc(5).
        let (_, rest) = stat.rsplit_once(')').context("no name in stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok());
        let (user, system) = (ticks(11).context("no utime")?, ticks(12).context("no stime")?);
        let nanos = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
        Ok(Duration::from_nanos((user + system) * nanos))
    }
}

impl Drop for Server {
    /// Asks it to stop, and waits.
    fn drop(&mut self) {
        _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        _ = self.child.wait();
    }
}

/// What the bench reads of `dev.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dev {
    http_endpoint: SocketAddr,
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: String,
    pub(crate) key_id: String,
    pub(crate) user_name: String,
    pub(crate) user_access_key_id: String,
    pub(crate) user_access_key_secret: String,
}

/// A new `yaoku dev` on an empty data directory, which goes when this does.
#[derive(Debug)]
pub(crate) struct Yaoku {
    pub(crate) server: Server,
    pub(crate) dev: Dev,
    /// Removed after the server has stopped: fields are dropped in this order.
    _data: TempDir,
}

impl Yaoku {
    /// Starts it, and waits until it serves.
    pub(crate) fn start(program: &Path, cores: Cores) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.arg("dev").arg("--data").arg(data.path());
        command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let mut child = cores.spawn(command.stdout(Stdio::null()))?;
        // Written once it serves, and put in place whole.
        let file = data.path().join("dev.json");
        let mut waited = Duration::ZERO;
        while !file.exists() {
            ensure!(child.try_wait()?.is_none(), "{} dev has ended", program.display());
            ensure!(waited < PATIENCE, "{} dev does not begin to serve", program.display());
            let step = Duration::from_millis(10);
            std::thread::sleep(step);
            waited += step;
        }
        let dev: Dev = serde_json::from_slice(&std::fs::read(&file)?)?;
        Ok(Self { server: Server { child, address: dev.http_endpoint }, dev, _data: data })
    }
}
