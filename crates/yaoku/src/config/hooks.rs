//! `[hooks]`: what may be called to rotate generic secrets.

use std::path::PathBuf;

use anyhow::Context as _;
use yaoku_server::{hooks, webhooks::Reach};

use super::{Listen, Section, Tls};
use crate::trust;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// The programs that may be run.
    pub(super) commands: Vec<PathBuf>,
    /// The certificates that servers are trusted by. Without it, the machine's.
    ca: Option<PathBuf>,
    allow_private: bool,
    /// Where hooks are told to find the API.
    endpoint: Option<String>,
}

impl Hooks {
    pub(super) fn of(it: &mut Section) -> Self {
        let mut hooks = Self {
            commands: it.paths("commands"),
            ca: it.path("ca"),
            endpoint: it.text("endpoint"),
            ..Self::default()
        };
        it.flag("allow_private", &mut hooks.allow_private);
        hooks
    }

    /// Those of a developer, whose servers are on this machine or near it.
    pub(crate) fn of_developer(commands: Vec<PathBuf>, ca: Option<PathBuf>) -> Self {
        Self { commands, ca, allow_private: true, endpoint: None }
    }

    /// What the server calls, and tells what it calls.
    pub(crate) fn open(&self, listen: &Listen, tls: &Tls) -> anyhow::Result<hooks::Hooks> {
        self.open_at(endpoint(listen, tls))
    }

    /// The same of a server at `endpoint`, unless the settings name another.
    pub(crate) fn open_at(&self, endpoint: Option<String>) -> anyhow::Result<hooks::Hooks> {
        let roots = trust::roots(self.ca.as_deref()).context("hooks.ca")?;
        let reach = Reach { roots, private: self.allow_private };
        let commands = self.commands.iter().map(|it| it.display().to_string()).collect();
        let endpoint = self.endpoint.clone().or(endpoint);
        Ok(hooks::Hooks::new(reach, commands, endpoint)?)
    }

    /// What is wrong with the programs.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.commands.iter().filter_map(|it| hooks::program_fault(it)).collect()
    }
}

/// Where a program on this machine finds the API, by a name that the certificate has.
fn endpoint(listen: &Listen, tls: &Tls) -> Option<String> {
    match (listen.https, listen.http) {
        (Some(it), _) => {
            let name = tls.names.first().map_or("localhost", String::as_str);
            Some(format!("https://{name}:{}", it.port()))
        }
        (None, Some(it)) => Some(format!("http://{it}")),
        (None, None) => None,
    }
}
