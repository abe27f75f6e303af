//! Clocks that jump. The machine's clock is not touched: a journal in this process gets another.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::time::Instant;
use yaoku_crypto::random::SystemRandom;
use yaoku_model::time::{Clock, ManualClock, Timestamp};
use yaoku_server::{
    audit::{self, Event, HeadSigner, Journal, NodeName, Source, Tail, UserAgent},
    disk::RealDisk,
};

use crate::report::Report;

/// Sets the clock back and forth, and sees what the journal says.
pub(super) async fn jumps(report: &mut Report) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let node: NodeName = crate::node::NAME.parse()?;
    let home = audit::directory(data.path(), &node);
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000)));
    let steady = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1000)));
    let (signer, _) = HeadSigner::generate(&SystemRandom)?;
    let key = signer.public_key();
    let journal = Journal::open(audit::Setup {
        data: data.path(),
        node: node.clone(),
        signer,
        clock: clock.clone(),
        steady: steady.clone(),
        disk: Arc::new(RealDisk),
        known: None,
        options: audit::Options::default(),
    })?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for (number, seconds) in [-3600, 3600, -86_400, 2 * 86_400, -2].into_iter().enumerate() {
        clock.advance_seconds(seconds);
        let refused = journal.append(&event(clock.now()).to_row()).is_err();
        report.check(!refused, format_args!("clock {seconds} s: an event is refused"));
        let took = said(&home, number + 1).await?;
        let in_time = took.is_some_and(|it| it <= Duration::from_secs(1));
        report.check(in_time, format_args!("clock {seconds} s: noticed after {took:?}"));
        report.say(format_args!("clock set by {seconds:>7} s: written down after {took:?}"));
    }
    drop(journal);
    let proof = audit::verify(&home, &node, &key, None)?;
    report.check(proof.problems.is_empty(), format_args!("clock: {:?}", proof.problems));
    Ok(())
}

/// How long it took until so many jumps stand in the journal.
async fn said(home: &Path, count: usize) -> anyhow::Result<Option<Duration>> {
    let since = Instant::now();
    while since.elapsed() < super::PATIENCE {
        let events = Tail::last(home, 1000)?.0;
        if events.iter().filter(|it| it.event.action == "audit:ClockJumped").count() >= count {
            return Ok(Some(since.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(None)
}

fn event(at: Timestamp) -> Event {
    Event {
        at,
        request_id: String::new(),
        account: None,
        principal: "root".to_owned(),
        access_key: None,
        source_identity: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: "kms:Encrypt".into(),
        resources: Vec::new(),
        code: None,
        status: 200,
        tls: false,
        count: 1,
    }
}
