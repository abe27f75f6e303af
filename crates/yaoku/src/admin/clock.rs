//! `yaoku dev clock`: months pass for what runs. Only with the feature `test-clock`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Answer, Reach};

/// The clock that dates and windows go by; signatures and certificates have another.
#[derive(Debug, Args)]
pub(crate) struct Clock {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Moves it on, until the server stops, and tells the time then.
    Advance {
        /// How far: a number and d, h, m or s.
        #[arg(value_name = "INTERVAL")]
        by: String,
    },
}

impl Clock {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Verb::Advance { by } = &self.verb;
        let show = |it: &Answer| format!("{}\n", it.text("/Now"));
        self.reach.call("AdvanceClock", &[("By", Some(by))], show).await
    }
}
