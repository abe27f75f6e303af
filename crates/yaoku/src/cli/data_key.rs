//! `yaoku data-key`: managed data keys, which the service makes and keeps under a key.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use yaoku_server::api::Product;

use super::{
    calls::Calls,
    finish,
    options::{NOTES, Options},
    output::{print, print_value},
};
use crate::{
    admin::{Leave, NOT_CONFIRMED},
    screen::harmless,
};

/// Works with managed data keys: makes versions of them, lists, shows and deletes them.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct DataKey {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(Create),
    List(Named),
    Show(Show),
    Delete(Delete),
}

/// Makes a data key, or the next version of one (`CreateManagedDataKeyVersion`, an operation of
/// administration).
#[derive(Debug, Args)]
struct Create {
    /// The data key: its name.
    name: String,
    /// The key that it is kept under: its id, ARN or alias. Without it, the service's own.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// How many bytes it has: 1 to 1024.
    #[arg(long, value_name = "N", default_value = "32")]
    bytes: String,
}

/// Lists the versions of a data key, oldest first (`ListManagedDataKeyVersions`).
#[derive(Debug, Args)]
struct Named {
    /// The data key: its name.
    name: String,
}

/// Writes a data key in Base64: its newest version (`GetManagedDataKey`).
#[derive(Debug, Args)]
struct Show {
    /// The data key: its name.
    name: String,
    /// The version, instead of the newest.
    #[arg(long = "key-version", value_name = "ID")]
    version: Option<String>,
    /// The oldest version instead.
    #[arg(long, conflicts_with = "version")]
    oldest: bool,
}

/// Asks, and deletes a data key for good: all of its versions, or one (`DeleteManagedDataKey`, an
/// operation of administration).
#[derive(Debug, Args)]
struct Delete {
    /// The data key: its name.
    name: String,
    /// This version only.
    #[arg(long = "key-version", value_name = "ID")]
    version: Option<String>,
    #[command(flatten)]
    leave: Leave,
}

impl DataKey {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        let calls = Calls::open(&self.options)?;
        match self.verb {
            Verb::Create(it) => it.run(&calls).await?,
            Verb::List(it) => it.run(&calls).await?,
            Verb::Show(it) => it.run(&calls).await?,
            Verb::Delete(it) => return it.run(&calls).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(&self, calls: &Calls) -> anyhow::Result<()> {
        let params = [
            ("DataKeyName", Some(self.name.as_str())),
            ("EncryptionKeyId", self.key.as_deref()),
            ("NumberOfBytes", Some(&self.bytes)),
        ];
        let made = calls.ask_of(Product::Yaoku, "CreateManagedDataKeyVersion", &params).await?;
        calls.writer.write(made.json())
    }
}

impl Named {
    async fn run(&self, calls: &Calls) -> anyhow::Result<()> {
        let name = [("DataKeyName", Some(self.name.as_str()))];
        let path = "/ManagedDataKeyVersions/ManagedDataKeyVersion";
        let listed = calls.list("ListManagedDataKeyVersions", &name, path, None).await?;
        calls.writer.write(&json!({
            "ManagedDataKeyVersions": {"ManagedDataKeyVersion": listed.items},
            "TotalCount": listed.total,
        }))
    }
}

impl Show {
    async fn run(&self, calls: &Calls) -> anyhow::Result<()> {
        let latest = !self.oldest && self.version.is_none();
        let params = [
            ("DataKeyName", Some(self.name.as_str())),
            ("DataKeyVersionId", self.version.as_deref()),
            ("UseLatest", latest.then_some("true")),
        ];
        let shown = calls.ask("GetManagedDataKey", &params).await?;
        if calls.writer.is_plain_table() {
            return print_value(&format!("{}\n", shown.text("/Plaintext")));
        }
        calls.writer.write(shown.json())
    }
}

impl Delete {
    async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let Self { name, version, leave } = self;
        let what = match version {
            Some(version) => format!("version {version} of {name}"),
            None => format!("all versions of {name}"),
        };
        let question = format!("Delete {what} for good? What they encrypted opens no more.");
        if !leave.given(&harmless(&question))? {
            return Ok(NOT_CONFIRMED.into());
        }
        let params = [
            ("DataKeyName", Some(name.as_str())),
            ("DataKeyVersionId", version.as_deref()),
            ("ForceDeleteWithoutRecovery", Some("true")),
        ];
        let gone = calls.ask_of(Product::Yaoku, "DeleteManagedDataKey", &params).await?;
        let versions = gone.json()["DeletedVersions"].as_i64().unwrap_or_default();
        print(&format!("{}: versions deleted: {versions}.\n", harmless(name)))?;
        Ok(ExitCode::SUCCESS)
    }
}
