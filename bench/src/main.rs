//! The bench: Yaoku against a bare hyper server, in alternating rounds of one run on one machine.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use mimalloc::MiMalloc;
use serde::Serialize;

use crate::{
    calls::{Calls, Operation, Signer},
    costs::{CONNECTIONS, Costs, Part},
    paired::{Plan, Side},
    report::{COSTS_HEADER, Cost, HEADER, Line, Row},
    server::{Cores, Server, Yaoku},
};

mod bare;
mod calls;
mod costs;
mod library;
mod load;
mod paired;
mod policies;
mod report;
mod roles;
mod server;
mod sessions;

/// The one that Yaoku uses, without wiping.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Yaoku against a bare hyper server.
#[derive(clap::Parser, Debug)]
#[command(name = "yaoku-bench")]
struct Bench {
    /// The program to measure. Without it, it is built from this workspace.
    #[arg(long, value_name = "PATH")]
    yaoku: Option<PathBuf>,
    /// Where to write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these operations. Without it, all.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    operations: Vec<String>,
    /// How many keep-alive connections.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Only this scheme.
    #[arg(long, value_name = "http|https", value_parser = ["http", "https"])]
    scheme: Option<String>,
    /// How many pairs of rounds.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// How long a round is meant to take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    round: u64,
    /// Only these costs. Without it, all.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    costs: Vec<Part>,
    /// Leave out the table of costs.
    #[arg(long)]
    no_costs: bool,
    /// Be the bare server, with the certificate from this data directory.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
    /// Be Yaoku's server on this data directory.
    #[arg(long, hide = true)]
    node: Option<PathBuf>,
    /// The same, with an audit journal that writes nothing.
    #[arg(long, hide = true)]
    node_without_disk: Option<PathBuf>,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report {
    rows: Vec<Row>,
    costs: Vec<Cost>,
}

fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    let roles = (&bench.bare, &bench.node, &bench.node_without_disk);
    match roles {
        (Some(data), ..) => serve(roles::bare(data)),
        (_, Some(data), _) => serve(roles::node(data, false)),
        (.., Some(data)) => serve(roles::node(data, true)),
        (None, None, None) => bench.measure_all(),
    }
}

/// Runs a server as `yaoku` does: as many workers as `TOKIO_WORKER_THREADS` says.
fn serve(role: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(role)
}

impl Bench {
    fn measure_all(&self) -> anyhow::Result<()> {
        ensure!(!cfg!(debug_assertions), "build it with --release: a debug build says nothing");
        let program = match &self.yaoku {
            Some(program) => program.clone(),
            None => build()?,
        };
        ensure!(program.is_file(), "{} is not there", program.display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let report = runtime.block_on(self.run(&program, Cores::take()?))?;
        if let Some(file) = &self.json {
            std::fs::write(file, serde_json::to_vec_pretty(&report)?)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }

    async fn run(&self, program: &Path, cores: Cores) -> anyhow::Result<Report> {
        let (mut rows, mut slowest) = (Vec::new(), None);
        say(HEADER)?;
        for tls in [false, true].into_iter().filter(|it| self.wants_scheme(*it)) {
            for (operation, connections) in self.settings() {
                let setting = (operation, connections, tls);
                let (bare, row) = self.row(program, cores, setting).await?;
                say(&Line("bare", &bare).to_string())?;
                say(&Line("yaoku", &row).to_string())?;
                if setting == (Operation::Encrypt, 64, false) {
                    slowest = Some(row.p99_us / bare.p99_us);
                }
                rows.push(row);
            }
        }
        let mut costs = Vec::new();
        if !self.no_costs {
            say("")?;
            say(COSTS_HEADER)?;
            let what = "p99 of Encrypt at 64 connections, over bare's";
            costs.extend(slowest.map(|value| Cost::at_most(what, "×", value, 3.0)));
            costs.iter().try_for_each(show)?;
            costs.extend(Costs { program, cores, plan: self.plan() }.all(&self.costs, show).await?);
        }
        Ok(Report { rows, costs })
    }

    /// The bare server's row, and Yaoku's.
    async fn row(
        &self,
        program: &Path,
        cores: Cores,
        (operation, connections, tls): (Operation, usize, bool),
    ) -> anyhow::Result<(Row, Row)> {
        let yaoku = Yaoku::start(program, cores)?;
        let bare = Server::bare(cores, &yaoku)?;
        policies::make_twenty(Signer::of(&yaoku))?;
        let calls = Calls::prepare(&yaoku, operation)?;
        let ca = if tls { Some(yaoku.ca()?) } else { None };
        let ca = ca.as_deref();
        let mut theirs = Side::bare(&bare, calls.clone(), ca, connections).await?;
        let mut ours = Side::new(&yaoku.server, calls, ca, connections).await?;
        let (theirs, ours) = paired::rounds(self.plan(), &mut theirs, &mut ours).await?;
        let row = |it| Row::of(operation.name(), connections, tls, it, &theirs);
        Ok((row(&theirs), row(&ours)))
    }

    fn plan(&self) -> Plan {
        Plan { rounds: self.rounds, round: Duration::from_millis(self.round) }
    }

    /// What has rows, and at how many connections: signing at sixteen only, for it takes long.
    fn settings(&self) -> impl Iterator<Item = (Operation, usize)> {
        let signing = Operation::SIGNING.iter().map(|it| (*it, CONNECTIONS));
        let hot = Operation::HOT.iter();
        let hot = hot.flat_map(|it| self.connections.iter().map(move |count| (*it, *count)));
        let asked = |it: &usize| self.connections.contains(it);
        hot.chain(signing).filter(move |(it, count)| self.wants(*it) && asked(count))
    }

    fn wants(&self, operation: Operation) -> bool {
        self.operations.is_empty() || self.operations.iter().any(|it| it == operation.name())
    }

    fn wants_scheme(&self, tls: bool) -> bool {
        self.scheme.as_ref().is_none_or(|it| (it == "https") == tls)
    }
}

fn show(cost: &Cost) -> anyhow::Result<()> {
    say(&cost.to_string())
}

/// Builds the program, so that it is never an old one that is measured.
fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = ["build", "--release", "--package", "yaoku"];
    let built = Command::new("cargo").args(cargo).current_dir(root).status()?;
    ensure!(built.success(), "yaoku does not build");
    Ok(std::env::current_exe()?.with_file_name("yaoku"))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
