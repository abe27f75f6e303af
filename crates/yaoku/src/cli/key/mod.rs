//! `yaoku key`: friendlier verbs for what is done with keys most often. Each is the operations that
//! its help names; `yaoku kms` has them all.

mod alias;
mod import;
mod list;
mod manage;
mod usage;
mod work;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    calls::Calls,
    finish,
    options::{NOTES, Options},
};

/// Where an answer describes a key.
const METADATA: &str = "/KeyMetadata";

/// Works with keys: makes, shows, rotates, uses and deletes them.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Key {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    /// Shows a key (`DescribeKey`).
    Show(Named),
    /// Lists the versions of a key, newest first (`ListKeyVersions`).
    Versions(Named),
    /// Switches a key on (`EnableKey`).
    Enable(Named),
    /// Switches a key off: nothing it has sealed opens until it is on again (`DisableKey`).
    Disable(Named),
    /// Takes back a deletion (`CancelKeyDeletion`).
    Restore(Named),
    Create(manage::Create),
    Rotate(manage::Rotate),
    Delete(manage::Delete),
    Alias(alias::Alias),
    Import(import::Import),
    /// Shows who used a key for what in the last year (`ListKeyUses`).
    Usage(usage::Usage),
    Sign(work::Sign),
    Verify(work::Verify),
    Encrypt(work::Encrypt),
    Decrypt(work::Decrypt),
}

/// A key.
#[derive(Debug, Args)]
struct Named {
    /// The key: its id, ARN or alias.
    key: String,
}

impl Key {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        // It can be asked without an access key.
        if let Verb::Usage(usage) = &self.verb {
            return usage.run(&self.options.reach, &self.options.output).await;
        }
        self.verb.run(&Calls::open(&self.options)?).await
    }
}

impl Verb {
    async fn run(self, calls: &Calls) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(it) => it.run(calls).await,
            Self::Show(it) => it.show(calls).await,
            Self::Versions(it) => it.versions(calls).await,
            Self::Enable(it) => it.tell(calls, "EnableKey", "is enabled").await,
            Self::Disable(it) => it.tell(calls, "DisableKey", "is disabled").await,
            Self::Restore(it) => it.tell(calls, "CancelKeyDeletion", "is not deleted").await,
            Self::Create(it) => it.run(calls).await,
            Self::Rotate(it) => it.run(calls).await,
            Self::Delete(it) => it.run(calls).await,
            Self::Alias(it) => it.run(calls).await,
            Self::Import(it) => it.run(calls).await,
            Self::Usage(_) => Ok(ExitCode::SUCCESS),
            Self::Sign(it) => it.run(calls).await,
            Self::Verify(it) => it.run(calls).await,
            Self::Encrypt(it) => it.run(calls).await,
            Self::Decrypt(it) => it.run(calls).await,
        }
    }
}

impl Named {
    fn params(&self) -> [(&str, Option<&str>); 1] {
        [("KeyId", Some(&self.key))]
    }

    async fn show(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let shown = calls.ask("DescribeKey", &self.params()).await?;
        calls.writer.write_part(shown.json(), METADATA)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn tell(&self, calls: &Calls, action: &str, done: &str) -> anyhow::Result<ExitCode> {
        let key = calls.key(&self.key).await?;
        calls.tell(action, &[("KeyId", Some(&key))], &format!("{} {done}.", self.key)).await
    }

    /// All of them: the pages are of ten otherwise.
    async fn versions(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let path = "/KeyVersions/KeyVersion";
        let listed = calls.list("ListKeyVersions", &self.params(), path, None).await?;
        calls.writer.write(&json!({
            "KeyVersions": {"KeyVersion": listed.items},
            "TotalCount": listed.total,
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}
