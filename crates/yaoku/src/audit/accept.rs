//! `yaoku audit accept`: going on after the journal was damaged.

use std::{io::Write as _, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use clap::Args;
use yaoku_server::{
    audit::{self, AuditError, Head, NodeName, accept},
    disk::RealDisk,
    witness::{Witness, keep_accepted},
};

use super::{Deployment, nodes, store, witness};
use crate::{
    clock::{MachineClock, SteadyClock},
    data::DataDir,
};

/// Takes damage of the journal upon you, so that the server starts again.
///
/// The server must be stopped. Damaged files are kept as they are, in a directory beside the others;
/// the journal goes on after the last event that is known of, and says for ever what was lost and
/// why it was accepted. Exit status: 0 if something was accepted, 1 if nothing is damaged.
#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    deployment: Deployment,
    /// Why the damage is accepted: at most 1000 bytes, kept in the journal.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The node whose journal it is. Without it: the configuration's, or every node in the data
    /// directory.
    #[arg(long, value_name = "NAME")]
    node: Option<NodeName>,
}

impl Accept {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let place = self.deployment.find()?;
        let data = &place.data;
        ensure!(data.is_dir(), "{} is no data directory", data.display());
        let _lock = DataDir::open(data).context("stop the server first")?;
        let nodes = match self.node.as_ref().or(place.node.as_ref()) {
            Some(node) => vec![node.clone()],
            None => nodes(data).context("if all of the journal is gone, name its --node")?,
        };
        let store = store(data, place.store.as_ref()).await?;
        let mut accepted = false;
        for node in nodes {
            let known = witness(store.as_deref(), &node).await?;
            let Some(head) = self.accept(data, &node, &known)? else { continue };
            accepted = true;
            if let Some(store) = &store {
                keep_accepted(&**store, &node, head).await?;
            }
        }
        Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Where the journal goes on, if there was anything to accept.
    fn accept(
        &self,
        data: &Path,
        node: &NodeName,
        known: &Witness,
    ) -> anyhow::Result<Option<Head>> {
        let setup = audit::Setup {
            data,
            node: node.clone(),
            signer: known.signer(data, &RealDisk)?,
            clock: Arc::new(MachineClock),
            steady: Arc::new(SteadyClock),
            disk: Arc::new(RealDisk),
            known: known.head,
            options: audit::Options::default(),
        };
        let mut out = std::io::stdout().lock();
        match accept(setup, &self.reason) {
            Err(AuditError::Whole) => {
                writeln!(out, "node {node}: whole, there is nothing to accept")?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
            Ok((gaps, head)) => {
                for it in gaps {
                    let aside = it.accepted.map(|it| it.aside).unwrap_or_default();
                    writeln!(
                        out,
                        "node {node}: accepted the loss of segments {} to {}",
                        it.first, it.last
                    )?;
                    writeln!(out, "  found up to {}, expected up to {}", it.before, it.after)?;
                    writeln!(out, "  what was there is kept in {aside}")?;
                }
                Ok(Some(head))
            }
        }
    }
}
