//! Trials: what the program goes through when machines, disks, people and networks are not kind.
//!
//! Each is one command, runs against the real program, is repeatable by its seed, and exits with 1
//! if anything was seen that must not be.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod audit;
mod client;
mod connections;
mod disk;
mod due;
mod faults;
mod key_pair;
mod kill;
mod node;
mod power;
mod program;
mod report;
mod rotations;
mod stream;
mod throttle;
mod writes;

use report::Report;

/// Trials of the real program.
#[derive(Debug, Parser)]
#[command(name = "yaoku-trials")]
struct Trials {
    #[command(subcommand)]
    trial: Trial,
    /// What chance goes by. Without it, another each time; it is always printed.
    #[arg(long, global = true, value_name = "N")]
    seed: Option<u64>,
    /// The program. Without it, the one built beside this, which is built first.
    #[arg(long, global = true, value_name = "PATH")]
    yaoku: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Trial {
    /// The audit journal is cut, rewritten, reordered, deleted: is it noticed?
    Audit(audit::Audit),
    /// Slow, broken, greedy and hostile clients: does the known caller notice?
    Connections(connections::Connections),
    /// The disk is full or read-only for a while: is anything lost or half done?
    Disk(disk::Disk),
    /// Two nodes, and many keys and secrets due at once: does each rotate, or go, exactly once?
    Due(due::Due),
    /// Every kind of fault at every step of a rotation, on real servers: does each end well?
    Faults(faults::Faults),
    /// `kill -9` in a stream of writes: is what was answered kept?
    Kill(kill::Kill),
    /// The power is cut: what was not synced is gone. Is what was answered kept?
    Power(power::Power),
    /// Thousands of credentials on real servers are due in one minute: how soon are they current, and
    /// do callers notice?
    Rotations(rotations::Rotations),
    /// One caller floods at ten times its limit: does its neighbour notice?
    Throttle(throttle::Throttle),
    /// Syncs take 2 ms: how many more writes are there from 16 clients than from one?
    Writes(writes::Writes),
}

fn main() -> anyhow::Result<ExitCode> {
    let trials = Trials::parse();
    let seed = trials.seed.unwrap_or_else(|| fastrand::u64(..));
    let program = || program::built(trials.yaoku);
    let mut report = Report::of(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match trials.trial {
            Trial::Audit(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Connections(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Disk(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Due(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Faults(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Kill(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Power(it) => it.run(&program()?, seed, &mut report).await,
            Trial::Rotations(it) => it.run(&program()?, &mut report).await,
            Trial::Throttle(it) => it.run(&mut report).await,
            Trial::Writes(it) => it.run(&mut report).await,
        }
    })?;
    Ok(report.close())
}
