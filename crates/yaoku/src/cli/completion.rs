//! `yaoku completion`: what a shell needs to complete our commands, operations and parameters.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::output::print;

/// Writes a script that completes commands, operations and their parameters.
///
/// For bash: `yaoku completion bash > ~/.local/share/bash-completion/completions/yaoku`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell.
    shell: Shell,
}

impl Completion {
    /// Writes it for `command`, which is all of the program's.
    pub(crate) fn run(&self, mut command: Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "yaoku", &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
