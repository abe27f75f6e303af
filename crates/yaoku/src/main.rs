//! Yaoku: a self-hosted key and secret manager that speaks Alibaba Cloud's KMS API.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use yaoku_server::process::{WipingAllocator, harden_process};

mod clock;
mod data;
mod dev;
mod doctor;

/// What is freed is wiped first.
#[global_allocator]
static ALLOCATOR: WipingAllocator<MiMalloc> = WipingAllocator(MiMalloc);

/// A self-hosted key and secret manager that speaks Alibaba Cloud's KMS API.
///
/// Independent of Alibaba Cloud.
#[derive(Debug, Parser)]
#[command(name = "yaoku", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Dev),
    Doctor(doctor::Doctor),
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    log();
    harden_process()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Dev(it) => it.run().await,
            Command::Doctor(it) => it.run().await,
        }
    })
}

/// The log goes to standard error; `RUST_LOG` says how much of it.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
