//! Two servers in alternating rounds, so that what slows the machine for a while slows both.

use std::time::Duration;

use crate::{
    calls::Calls,
    load::{Load, Round},
    report::Rounds,
    server::Server,
};

/// How many requests come before the first round, so that caches are warm.
const WARM_UP: usize = 1_000;

/// A node holds so many nonces before it throttles. Source: `Nonces`, in server.
const MAX_CALLS: usize = 900_000;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many pairs of rounds.
    pub(crate) rounds: usize,
    /// How long the slower round of a pair is meant to take.
    pub(crate) round: Duration,
}

/// A server, connections to it, and what it is asked.
pub(crate) struct Side<'a> {
    server: &'a Server,
    load: Load,
    calls: Calls<'a>,
    /// Whether its answers are Yaoku's, and looked at.
    judged: bool,
}

impl<'a> Side<'a> {
    /// Connects to a Yaoku; with a root certificate over TLS.
    pub(crate) async fn new(
        server: &'a Server,
        calls: Calls<'a>,
        ca: Option<&[u8]>,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let load = Load::connect(server.address(ca.is_some()), ca, connections).await?;
        Ok(Self { server, load, calls, judged: true })
    }

    /// The same of the bare server, which is sent what a Yaoku is sent.
    pub(crate) async fn bare(
        server: &'a Server,
        calls: Calls<'a>,
        ca: Option<&[u8]>,
        connections: usize,
    ) -> anyhow::Result<Self> {
        Ok(Self { judged: false, ..Self::new(server, calls, ca, connections).await? })
    }
}

impl Measured for Side<'_> {
    async fn round(&mut self, count: usize) -> anyhow::Result<(Round, Duration)> {
        let requests = self.calls.requests(count);
        let before = self.server.cpu()?;
        let round = self.load.round(requests).await?;
        let cpu = self.server.cpu()?.saturating_sub(before);
        if self.judged {
            for answer in &round.samples {
                self.calls.check(answer)?;
            }
        }
        Ok((round, cpu))
    }
}

/// What is measured in rounds.
pub(crate) trait Measured {
    /// One round of so many requests, and the processor time that they took of who served them.
    async fn round(&mut self, count: usize) -> anyhow::Result<(Round, Duration)>;
}

/// Alternates: `base` then `other`, with as many requests. Both are warmed up first.
pub(crate) async fn rounds(
    plan: Plan,
    base: &mut impl Measured,
    other: &mut impl Measured,
) -> anyhow::Result<(Rounds, Rounds)> {
    let (mut of_base, mut of_other) = (Rounds::default(), Rounds::default());
    base.round(WARM_UP).await?;
    let (warm, _) = other.round(WARM_UP).await?;
    let mut count = plan.fitting(WARM_UP, warm.took);
    for _ in 0..plan.rounds {
        let (round, cpu) = base.round(count).await?;
        of_base.add(round.took, cpu, round.waits);
        let (round, cpu) = other.round(count).await?;
        count = plan.fitting(count, round.took);
        of_other.add(round.took, cpu, round.waits);
    }
    Ok((of_base, of_other))
}

impl Plan {
    /// How many requests make a round as long as wanted, if `count` took `took`.
    fn fitting(self, count: usize, took: Duration) -> usize {
        let wanted = count as u128 * self.round.as_micros() / took.as_micros().max(1);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        wanted.clamp(WARM_UP, MAX_CALLS / self.rounds.max(1))
    }
}
