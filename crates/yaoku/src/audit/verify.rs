//! `yaoku audit verify`: whether the journal is whole, as it was written.

use std::{io::Write as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use yaoku_model::time::Timestamp;
use yaoku_server::{
    audit::{self, NodeName, PublicKey, Report, directory, verify},
    witness::Witness,
};

use super::{Deployment, nodes, store, witness};
use crate::data::DataDir;

/// Proves that nothing in the journal was changed, reordered or removed.
///
/// While no server runs, its end is compared with what the store knows of it: without that,
/// events cut off the end go unnoticed. Exit status: 0 if the journal is whole, also if it is whole
/// but for gaps that `yaoku audit accept` has accepted; 1 if not.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    deployment: Deployment,
    /// Writes JSON.
    #[arg(long)]
    json: bool,
}

/// What was found in the journal of one node.
#[derive(Serialize)]
struct Found {
    node: String,
    /// `whole`, `accepted gaps` or `not whole`.
    verdict: &'static str,
    whole: bool,
    segments: usize,
    records: u64,
    events: u64,
    /// Records after the last signature.
    unsigned: u64,
    first: Option<String>,
    last: Option<String>,
    head: Option<String>,
    /// Whether the last line is not whole: a write under way, or cut by a crash.
    torn: bool,
    /// Whether the end was compared with the store's knowledge of it.
    compared_with_store: bool,
    /// What is missing in order: pruned by policy, or lost and accepted.
    gaps: Vec<Gap>,
    problems: Vec<Problem>,
}

/// A gap as it is written out.
#[derive(Serialize)]
struct Gap {
    first_segment: u32,
    last_segment: u32,
    /// The last record before it.
    found: String,
    /// The record that the journal goes on from.
    expected: String,
    /// `None`: pruned by policy.
    accepted: Option<Accepted>,
}

#[derive(Serialize)]
struct Accepted {
    at: String,
    reason: String,
    aside: String,
}

#[derive(Serialize)]
struct Problem {
    segment: u32,
    sequence: u64,
    what: String,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let place = self.deployment.find()?;
        let mut found = Vec::new();
        for (node, known) in witnesses(&place, nodes(&place.data)?).await? {
            found.push(prove(&place.data, &node, known)?);
        }
        let mut out = std::io::stdout().lock();
        for it in &found {
            if self.json {
                serde_json::to_writer(&mut out, it)?;
                writeln!(out)?;
            } else {
                it.write(&mut out)?;
            }
        }
        let in_order = found.iter().all(|it| it.problems.is_empty());
        Ok(if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What the store knows: asked only while no server runs on the directory.
async fn witnesses(
    place: &super::Found,
    nodes: Vec<NodeName>,
) -> anyhow::Result<Vec<(NodeName, Witness)>> {
    let lock = DataDir::open(&place.data);
    let store = match &lock {
        Ok(_) => store(&place.data, place.store.as_ref()).await?,
        Err(_) => None,
    };
    let mut known = Vec::new();
    for node in nodes {
        let witness = witness(store.as_deref(), &node).await?;
        known.push((node, witness));
    }
    Ok(known)
}

fn prove(data: &Path, node: &NodeName, known: Witness) -> anyhow::Result<Found> {
    let segments = directory(data, node);
    let beside = PublicKey::beside(&segments)
        .with_context(|| format!("the public key in {}", segments.display()))?;
    let mut problems = Vec::new();
    let mut wrong_key = |what: &str| {
        problems.push(Problem { segment: 0, sequence: 0, what: what.to_owned() });
    };
    if beside.is_none() {
        wrong_key("the public key beside the segments is missing");
    } else if known.key.is_some() && known.key != beside {
        wrong_key("the public key beside the segments is not the one that the store knows");
    }
    let compared = known.head.is_some();
    let Some(key) = known.key.or(beside) else {
        return Ok(Found::new(node, false, &Report::default(), problems));
    };
    let report = verify(&segments, node, &key, known.head)
        .with_context(|| format!("{} cannot be read", segments.display()))?;
    problems.extend(report.problems.iter().map(|it| Problem {
        segment: it.segment,
        sequence: it.sequence,
        what: it.what.to_string(),
    }));
    Ok(Found::new(node, compared, &report, problems))
}

impl Found {
    fn new(node: &NodeName, compared: bool, report: &Report, problems: Vec<Problem>) -> Self {
        let accepted = report.gaps.iter().any(|it| it.accepted.is_some());
        let verdict = match (problems.is_empty(), accepted) {
            (true, false) => "whole",
            (true, true) => "accepted gaps",
            (false, _) => "not whole",
        };
        Self {
            node: node.to_string(),
            verdict,
            whole: verdict == "whole",
            segments: report.segments,
            records: report.records,
            events: report.events,
            unsigned: report.unsigned,
            first: report.first.map(|it| it.to_string()),
            last: report.last.map(|it| it.to_string()),
            head: report.head.map(|it| it.to_string()),
            torn: report.torn,
            compared_with_store: compared,
            gaps: report.gaps.iter().map(Gap::of).collect(),
            problems,
        }
    }

    fn write(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let verdict = match self.verdict {
            "accepted gaps" => "WHOLE BUT FOR ACCEPTED GAPS",
            "not whole" => "NOT WHOLE",
            whole => whole,
        };
        writeln!(out, "node {}: {verdict}", self.node)?;
        let Self { events, records, segments, unsigned, .. } = self;
        writeln!(out, "  {events} events, {records} records in {segments} segments")?;
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            writeln!(out, "  from {first} to {last}")?;
        }
        if let Some(head) = &self.head {
            writeln!(out, "  head {head}")?;
        }
        if *unsigned > 0 {
            writeln!(out, "  the last {unsigned} records are chained, but not signed yet")?;
        }
        if self.torn {
            writeln!(out, "  the last line is not whole: a write under way, or cut by a crash")?;
        }
        if !self.compared_with_store {
            writeln!(out, "  its end was not compared with the store: a server runs, or no store")?;
        }
        self.gaps.iter().try_for_each(|it| it.write(out))?;
        for Problem { segment, sequence, what } in &self.problems {
            writeln!(out, "  segment {segment}, record {sequence}: {what}")?;
        }
        Ok(())
    }
}

impl Gap {
    fn of(it: &audit::Gap) -> Self {
        Self {
            first_segment: it.first,
            last_segment: it.last,
            found: it.before.to_string(),
            expected: it.after.to_string(),
            accepted: it.accepted.as_ref().map(|it| Accepted {
                at: Timestamp::from_unix_ms(it.at).to_string(),
                reason: it.reason.clone(),
                aside: it.aside.clone(),
            }),
        }
    }

    fn write(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let Self { first_segment, last_segment, found, expected, accepted } = self;
        write!(out, "  segments {first_segment} to {last_segment}: ")?;
        let Some(Accepted { at, reason, aside }) = accepted else {
            return writeln!(out, "pruned by policy, up to record {expected}");
        };
        writeln!(out, "lost, accepted {at}: {reason:?}")?;
        writeln!(out, "    found up to {found}")?;
        writeln!(out, "    expected up to {expected}; the files are in {aside}")
    }
}
