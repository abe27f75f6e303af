//! `yaoku audit`: the journal of what was done, proved and read. Works on the files, whether or
//! not a server runs.

mod accept;
mod tail;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use yaoku_server::{
    audit::NodeName,
    process::{Store, open_store},
    witness::Witness,
};

use crate::{
    clock::environment,
    config::{Config, Layers},
    data::{DEFAULT_DATA, STORE_FILE},
};

/// Proves and reads the journal of what was done.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Tail(tail::Tail),
    Verify(verify::Verify),
    Accept(accept::Accept),
}

/// Where the journal is that is compared with the store.
#[derive(Debug, Args)]
struct Deployment {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// The database, if it is not the file in the data directory. With a password, use --config.
    #[arg(long, value_name = "URL", env = "YAOKU_STORE", hide_env_values = true)]
    store: Option<String>,
    /// The server's configuration: data directory and database are taken from it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "store"])]
    config: Option<PathBuf>,
}

/// A deployment's places, as they were found.
struct Found {
    data: PathBuf,
    store: Option<SecretString>,
    /// The node that the configuration names.
    node: Option<NodeName>,
}

impl Deployment {
    fn find(&self) -> anyhow::Result<Found> {
        let Some(file) = &self.config else {
            let store = self.store.as_deref().map(SecretString::from);
            return Ok(Found { data: self.data.clone(), store, node: None });
        };
        let config =
            Config::read(Layers::file(file)?.environment(environment())).map_err(|faults| {
                anyhow!("{} cannot be used: {}", file.display(), faults.join("; "))
            })?;
        Ok(Found { store: config.store.url()?, data: config.data, node: Some(config.name) })
    }
}

/// Where the journal is, and how it is written out.
#[derive(Debug, Args)]
struct Source {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// Writes JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::Tail(it) => it.run().await,
            Verb::Verify(it) => it.run().await,
            Verb::Accept(it) => it.run().await,
        }
    }
}

/// The nodes that keep a journal in `data`, in order.
fn nodes(data: &Path) -> anyhow::Result<Vec<NodeName>> {
    let home = data.join("audit");
    let entries = std::fs::read_dir(&home)
        .with_context(|| format!("no journal can be read in {}", home.display()))?;
    let mut nodes = Vec::new();
    for entry in entries {
        // What is no node's name is not ours.
        nodes.extend(entry?.file_name().to_str().and_then(|it| it.parse::<NodeName>().ok()));
    }
    if nodes.is_empty() {
        bail!("there is no journal in {}", home.display());
    }
    nodes.sort();
    Ok(nodes)
}

/// The store: the one given, or the file in the data directory. `None`: it never had one. Nobody else
/// may have the directory meanwhile.
async fn store(data: &Path, url: Option<&SecretString>) -> anyhow::Result<Option<Arc<dyn Store>>> {
    let file = data.join("yaoku.db");
    let url = match url {
        Some(url) => url.expose_secret().to_owned(),
        None if file.exists() => format!("sqlite:{}", file.display()),
        None => match std::fs::read_to_string(data.join(STORE_FILE)) {
            Ok(other) if other.trim_end() != "sqlite" => {
                bail!("its database is {}: give --config, or --store", other.trim_end())
            }
            _ => return Ok(None),
        },
    };
    // What is looked at is not made.
    if let Some(file) = url.strip_prefix("sqlite:") {
        ensure!(Path::new(file).exists(), "{file} is not there");
    }
    open_store(&url).await.context("the store cannot be opened").map(Some)
}

/// What the store knows of a node's journal; nothing without one.
async fn witness(store: Option<&dyn Store>, node: &NodeName) -> anyhow::Result<Witness> {
    Ok(match store {
        Some(store) => Witness::of(store, node).await?,
        None => Witness::default(),
    })
}
