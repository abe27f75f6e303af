//! `yaoku instance`: the homes of keys and secrets.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Answer, Reach};

/// Makes instances.
#[derive(Debug, Args)]
pub(crate) struct Instance {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a software instance that is in service at once.
    Create,
}

impl Instance {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Verb::Create = self.verb;
        let show = |it: &Answer| format!("{}\n", it.text("/Instance/InstanceId"));
        self.reach.call("CreateInstance", &[], show).await
    }
}
