//! `yaoku secret`: friendlier verbs for what is done with secrets most often. Each is the operations
//! that its help names; `yaoku kms` has them all.
//!
//! A value is written as `***` unless `--reveal` asks for it, and comes in from a file or standard
//! input only. Source: deploy-and-skill.md D.2, S7 and S24.

mod change;
mod diff;
mod edit;
mod make;
mod read;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;
use yaoku_server::process::SystemRandom;

use super::{
    calls::Calls,
    finish,
    options::{NOTES, Options},
};
use crate::exchange::{Answer, Refused};

/// What stands for a value.
const MASK: &str = "***";

/// The type of secrets whose values are their owner's to change.
const GENERIC: &str = "Generic";

/// Works with secrets: makes, reads, changes, rotates and deletes them.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Secret {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(read::List),
    /// Shows what is known about a secret, but not its value; of a managed one also why its last
    /// rotation failed, if it did (`DescribeSecret`, `ListNotices`).
    Show(Named),
    /// Lists the versions of a secret, oldest first (`ListSecretVersionIds`).
    Versions(Named),
    Get(read::Get),
    Create(make::Create),
    Put(make::Put),
    Edit(edit::Edit),
    Diff(diff::Diff),
    Rollback(change::Rollback),
    Rotate(change::Rotate),
    Delete(change::Delete),
    /// Takes back a deletion; a secret that is not being deleted stays as it is (`RestoreSecret`).
    Restore(Named),
}

/// A secret.
#[derive(Debug, Args)]
struct Named {
    /// The secret: its name or ARN.
    name: String,
}

impl Secret {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        let calls = Calls::open(&self.options)?;
        match self.verb {
            Verb::List(it) => it.run(&calls).await,
            Verb::Show(it) => it.show(&calls).await,
            Verb::Versions(it) => it.versions(&calls).await,
            Verb::Get(it) => it.run(&calls).await,
            Verb::Create(it) => it.run(&calls).await,
            Verb::Put(it) => it.run(&calls).await,
            Verb::Edit(it) => it.run(&calls).await,
            Verb::Diff(it) => it.run(&calls).await,
            Verb::Rollback(it) => it.run(&calls).await,
            Verb::Rotate(it) => it.run(&calls).await,
            Verb::Delete(it) => it.run(&calls).await,
            Verb::Restore(it) => it.restore(&calls).await,
        }
    }
}

impl Named {
    fn params(&self) -> [(&str, Option<&str>); 1] {
        [("SecretName", Some(&self.name))]
    }
}

/// What a version says and holds: the named one, or the one at a stage; without either, the current.
async fn held(
    calls: &Calls,
    name: &str,
    version: Option<&str>,
    stage: Option<&str>,
) -> anyhow::Result<Answer> {
    let params = [("SecretName", Some(name)), ("VersionId", version), ("VersionStage", stage)];
    calls.ask("GetSecretValue", &params).await
}

/// Writes what describes a secret. For a person, what it manages is written member by member.
fn write_one(calls: &Calls, mut shown: Value) -> anyhow::Result<ExitCode> {
    if let Some(config) = shown.get_mut("ExtendedConfig")
        && calls.writer.is_plain_table()
        && let Some(Ok(members)) = config.as_str().map(serde_json::from_str)
    {
        *config = members;
    }
    calls.writer.write_one(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// The id of a version that is about to be made.
fn new_version() -> anyhow::Result<String> {
    Ok(yaoku_model::ids::uuid(&SystemRandom)?)
}

/// Whether the server did not do it for one of these reasons.
fn refused_for(error: &anyhow::Error, codes: &[&str]) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|it| codes.contains(&it.code.as_str()))
}
