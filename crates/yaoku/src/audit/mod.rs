//! `yaoku audit`: the journal of what was done, proved and read. Works on the files, whether or
//! not a server runs.

mod accept;
mod tail;
mod verify;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use yaoku_server::{
    audit::{Head, NodeName},
    process::open_store,
    start::known_head,
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

/// The heads that the store knows: the one given, or the file in the data directory. Nobody else
/// may have the directory meanwhile.
async fn known_heads(
    data: &Path,
    store: Option<&str>,
    nodes: Vec<NodeName>,
) -> anyhow::Result<Vec<(NodeName, Option<Head>)>> {
    let file = data.join("yaoku.db");
    let url = match store {
        Some(url) => url.to_owned(),
        None if file.exists() => format!("sqlite:{}", file.display()),
        None => return Ok(nodes.into_iter().map(|it| (it, None)).collect()),
    };
    let store = open_store(&url).await.context("the store cannot be opened")?;
    let mut heads = Vec::new();
    for node in nodes {
        let head = known_head(&*store, &node).await?;
        heads.push((node, head));
    }
    Ok(heads)
}
