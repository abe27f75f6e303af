//! The arguments that `yaoku init` and `yaoku server` share: which configuration.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::anyhow;

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

    /// The configuration, if it can be read: the files and addresses that it names are not looked at.
    /// The error tells every fault.
    pub(crate) fn read(&self) -> anyhow::Result<Config> {
        Config::read(self.layers()?).map_err(|faults| self.unusable(&faults, ""))
    }

    /// The configuration, if nothing is wrong with it. The error tells every fault. What works, but
    /// not as it was meant to, comes along.
    pub(crate) fn load(&self, purpose: Purpose) -> anyhow::Result<(Config, Vec<String>)> {
        const MORE: &str =
            "\nOnce all settings can be read, their addresses, files and places are looked at.";
        let config = Config::read(self.layers()?).map_err(|it| self.unusable(&it, MORE))?;
        let checked = config.check(purpose);
        if checked.faults.is_empty() {
            Ok((config, checked.warnings))
        } else {
            Err(self.unusable(&checked.faults, ""))
        }
    }

    fn layers(&self) -> anyhow::Result<Layers> {
        Layers::file(&self.config)?.environment(environment()).set(&self.set)
    }

    fn unusable(&self, faults: &[String], more: &str) -> anyhow::Error {
        let mut text = format!("{} cannot be used:", self.config.display());
        for fault in faults {
            // Writing to a string cannot fail.
            _ = write!(text, "\n  {fault}");
        }
        anyhow!("{text}{more}")
    }
}
