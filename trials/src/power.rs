//! The trial of power cuts.

use std::path::Path;

use crate::report::Report;

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Power {}

impl Power {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        anyhow::bail!("{} {seed} {report:?}: to be written by its helper", program.display())
    }
}
