//! The arguments that `yaoku init` and `yaoku server` share: which configuration.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::bail;

use crate::{
    clock::environment,
    config::{Config, Layers, Purpose},
};

/// Where the settings come from.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The configuration: TOML, described in docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A setting, over those of the file and of the environment: `--set log.format=text`.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Settings {
    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.config
    }

    /// The configuration, if nothing is wrong with it. The error tells every fault. What works, but
    /// not as it was meant to, comes along.
    pub(crate) fn load(&self, purpose: Purpose) -> anyhow::Result<(Config, Vec<String>)> {
        let layers = Layers::file(&self.config)?.environment(environment()).set(&self.set)?;
        let mut more = "";
        let checked = match Config::read(layers) {
            Ok(config) => {
                let checked = config.check(purpose);
                if checked.faults.is_empty() {
                    return Ok((config, checked.warnings));
                }
                checked.faults
            }
            Err(faults) => {
                more = "\nOnce all settings can be read, their addresses, files and places are looked at.";
                faults
            }
        };
        let mut text = format!("{} cannot be used:", self.config.display());
        for fault in checked {
            // Writing to a string cannot fail.
            _ = write!(text, "\n  {fault}");
        }
        text.push_str(more);
        bail!(text)
    }
}
