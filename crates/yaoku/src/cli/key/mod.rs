//! `yaoku key`: friendlier verbs for what is done with keys most often. Each is the operations that
//! its help names; `yaoku kms` has them all.

mod import;
mod manage;
mod usage;
mod work;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use yaoku_server::api::Product;

use super::{
    client::Client,
    finish,
    options::{Form, Options},
    output::{Writer, print, query},
};
use crate::exchange::Answer;

/// Works with keys: makes, shows, rotates, uses and deletes them.
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists keys (`ListKeys`).
    List {
        /// The page: a hundred keys each.
        #[arg(long, value_name = "N", default_value = "1")]
        page: String,
    },
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
    Alias(manage::Alias),
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
    /// The key: its id, ARN or (where the operation takes one) alias.
    key: String,
}

/// What verbs call through.
struct Calls {
    client: Client,
    writer: Writer,
}

/// Parameters; those without a value are left out.
type Params<'a> = [(&'a str, Option<&'a str>)];

impl Calls {
    /// Calls an operation.
    async fn ask(&self, action: &str, params: &Params<'_>) -> anyhow::Result<Answer> {
        let given = params.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        self.client.call(Product::Kms, action, &given.collect::<Vec<_>>()).await
    }

    /// Calls an operation, and writes its answer.
    async fn show(&self, action: &str, params: &Params<'_>) -> anyhow::Result<ExitCode> {
        self.writer.write(self.ask(action, params).await?.json())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Calls an operation whose answer says nothing, and writes what was done.
    async fn tell(
        &self,
        action: &str,
        params: &Params<'_>,
        done: &str,
    ) -> anyhow::Result<ExitCode> {
        self.ask(action, params).await?;
        print(&format!("{done}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Key {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        let Options { reach, output } = &self.options;
        // It can be asked without an access key.
        if let Verb::Usage(usage) = &self.verb {
            return usage.run(reach, output).await;
        }
        let query = query(output.query.as_deref())?;
        let writer = Writer { query, form: output.output.unwrap_or(Form::Table) };
        self.verb.run(&Calls { client: Client::open(reach)?, writer }).await
    }
}

impl Verb {
    async fn run(self, calls: &Calls) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { page } => {
                let params = [("PageNumber", Some(page.as_str())), ("PageSize", Some("100"))];
                calls.show("ListKeys", &params).await
            }
            Self::Show(it) => calls.show("DescribeKey", &it.params()).await,
            Self::Versions(it) => calls.show("ListKeyVersions", &it.params()).await,
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

    async fn tell(&self, calls: &Calls, action: &str, done: &str) -> anyhow::Result<ExitCode> {
        calls.tell(action, &self.params(), &format!("{} {done}.", self.key)).await
    }
}
