//! The bench: Yaoku against a bare hyper server, in alternating rounds of one run on one machine.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use mimalloc::MiMalloc;
use serde::Serialize;

use crate::{
    calls::{Operation, Signer},
    report::{HEADER, Line, Rounds, Row},
    server::{Cores, Server, Yaoku},
};

mod bare;
mod calls;
mod load;
mod report;
mod server;

/// The one that Yaoku uses, without wiping.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How many requests come before the first round, so that caches are warm.
const WARM_UP: usize = 2_000;

/// A new node for each row holds so many nonces before it throttles. Source: `Nonces`, in server.
const MAX_CALLS: usize = 900_000;

/// Measures Yaoku against a bare hyper server.
#[derive(clap::Parser, Debug)]
#[command(name = "yaoku-bench")]
struct Bench {
    /// The program to measure. Without it, it is built from this workspace.
    #[arg(long, value_name = "PATH")]
    yaoku: Option<PathBuf>,
    /// Where to write the rows as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How many keep-alive connections.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// How many pairs of rounds.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// How long a round is meant to take.
    #[arg(long, value_name = "N", default_value_t = 2)]
    seconds: u32,
    /// Be the bare server.
    #[arg(long, hide = true)]
    bare: bool,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report {
    rows: Vec<Row>,
}

fn main() -> anyhow::Result<()> {
    let bench = Bench::parse();
    if bench.bare {
        return bare::serve();
    }
    ensure!(!cfg!(debug_assertions), "build it with --release: a debug build says nothing");
    let program = match &bench.yaoku {
        Some(program) => program.clone(),
        None => build()?,
    };
    ensure!(program.is_file(), "{} is not there", program.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench.run(&program))
}

impl Bench {
    async fn run(&self, program: &Path) -> anyhow::Result<()> {
        let cores = Cores::take()?;
        let mut rows = Vec::new();
        say(HEADER)?;
        for operation in Operation::ALL {
            for connections in &self.connections {
                rows.push(self.measure(program, cores, *operation, *connections).await?);
            }
        }
        if let Some(file) = &self.json {
            std::fs::write(file, serde_json::to_vec_pretty(&Report { rows })?)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }

    /// Both servers get the same requests, one round after the other, so that what slows the
    /// machine slows both.
    async fn measure(
        &self,
        program: &Path,
        cores: Cores,
        operation: Operation,
        connections: usize,
    ) -> anyhow::Result<Row> {
        let (bare, yaoku) = (Server::bare(cores)?, Yaoku::start(program, cores)?);
        let mut signer = Signer::of(&yaoku);
        signer.attach_policies()?;
        let (mut theirs, mut ours) = (Rounds::default(), Rounds::default());
        let requests = Arc::new(signer.requests(operation, WARM_UP));
        run_round(&bare, connections, &requests).await?;
        let (warm, _) = run_round(&yaoku.server, connections, &requests).await?;
        let mut count = self.fitting(WARM_UP, warm.took);
        for _ in 0..self.rounds {
            let requests = Arc::new(signer.requests(operation, count));
            let (round, cpu) = run_round(&bare, connections, &requests).await?;
            theirs.add(round.took, cpu, round.waits);
            let (round, cpu) = run_round(&yaoku.server, connections, &requests).await?;
            count = self.fitting(count, round.took);
            ours.add(round.took, cpu, round.waits);
            for answer in &round.samples {
                operation.check(answer, &mut signer)?;
            }
        }
        let bare = Row::of(operation.name(), connections, &theirs, &theirs);
        let row = Row::of(operation.name(), connections, &ours, &theirs);
        say(&Line("bare", &bare).to_string())?;
        say(&Line("yaoku", &row).to_string())?;
        Ok(row)
    }

    /// How many requests make a round as long as wanted, if `count` took `took`.
    fn fitting(&self, count: usize, took: std::time::Duration) -> usize {
        let rate = count as u128 * 1_000_000 / took.as_micros().max(1);
        let wanted = usize::try_from(rate * u128::from(self.seconds)).unwrap_or(usize::MAX);
        wanted.clamp(WARM_UP, MAX_CALLS / self.rounds.max(1))
    }
}

async fn run_round(
    server: &Server,
    connections: usize,
    requests: &Arc<Vec<Vec<u8>>>,
) -> anyhow::Result<(load::Round, std::time::Duration)> {
    let before = server.cpu()?;
    let round = load::round(server.address(), connections, requests).await?;
    Ok((round, server.cpu()?.saturating_sub(before)))
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
