//! Yaoku: a self-hosted key and secret manager that speaks Alibaba Cloud's KMS API.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use yaoku_server::process::{WipingAllocator, harden_process};

mod admin;
mod audit;
mod clock;
mod data;
mod dev;
mod doctor;
mod passphrase;

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
    AccessKey(admin::access_key::AccessKey),
    Account(admin::account::Account),
    Audit(audit::Audit),
    Dev(dev::Dev),
    Doctor(doctor::Doctor),
    Instance(admin::instance::Instance),
    Policy(admin::policy::Policy),
    RootKey(admin::root_key::RootKey),
    User(admin::user::User),
}

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        // Without a backtrace: it is the user's to mend, and the causes say how.
        _ = writeln!(std::io::stderr(), "yaoku: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    log();
    harden_process()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::AccessKey(it) => it.run().await,
            Command::Account(it) => it.run().await,
            Command::Audit(it) => it.run().await,
            Command::Dev(it) => it.run().await,
            Command::Doctor(it) => it.run().await,
            Command::Instance(it) => it.run().await,
            Command::Policy(it) => it.run().await,
            Command::RootKey(it) => it.run().await,
            Command::User(it) => it.run().await,
        }
    })
}

/// The log goes to standard error; `RUST_LOG` says how much of it.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
