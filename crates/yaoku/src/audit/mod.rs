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

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use yaoku_server::{
    audit::NodeName,
    process::{Store, open_store},
    witness::Witness,
};

use crate::data::DEFAULT_DATA;

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

/// The store: the one given, or the file in the data directory, if there is one. Nobody else may
/// have the directory meanwhile.
async fn store(data: &Path, url: Option<&str>) -> anyhow::Result<Option<Arc<dyn Store>>> {
    let file = data.join("yaoku.db");
    let url = match url {
        Some(url) => url.to_owned(),
        None if file.exists() => format!("sqlite:{}", file.display()),
        None => return Ok(None),
    };
    open_store(&url).await.context("the store cannot be opened").map(Some)
}

/// What the store knows of a node's journal; nothing without one.
async fn witness(store: Option<&dyn Store>, node: &NodeName) -> anyhow::Result<Witness> {
    Ok(match store {
        Some(store) => Witness::of(store, node).await?,
        None => Witness::default(),
    })
}
