//! The trial of throttling: a caller floods at ten times its limit. Is it refused, is each refusal
//! written down in few events, and does its neighbour notice?

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use tokio::{net::TcpStream, sync::watch, task::JoinSet, time::Instant};
use yaoku_server::{
    audit::{self, Tail},
    disk::RealDisk,
    root,
    throttle::{Class, Limits, PerClass},
};
use yaoku_store::Sqlite;

use crate::{
    client::{Client, Key, exchange},
    node::{self, NAME, Node},
    report::Report,
};

/// How many times its limit the flood is.
const TIMES: u32 = 10;

/// How many connections it comes over.
const LANES: u32 = 16;

/// What it reads.
const SECRET: &str = "flooded";

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Throttle {
    /// How many times a second the one who floods may read secrets; it tries ten times as often.
    #[arg(long, default_value = "100")]
    limit: NonZeroU32,
    /// How many connections its neighbour has, which encrypts.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How many calls the neighbour makes in each round.
    #[arg(long, default_value_t = 10_000)]
    calls: usize,
    /// How many pairs of rounds there are: one alone, one beside the flood.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How much of its throughput the neighbour must keep, in hundredths. Without it, that is only said.
    #[arg(long)]
    at_least: Option<u32>,
}

/// What became of a flood.
#[derive(Clone, Copy, Debug, Default)]
struct Flood {
    served: u64,
    refused: u64,
    /// Neither served nor refused as it must be.
    wrong: u64,
    took: Duration,
}

impl Throttle {
    pub(crate) async fn run(self, report: &mut Report) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let node = self.node(data.path()).await?;
        let params = [("SecretName", SECRET), ("VersionId", "one"), ("SecretData", "a value")];
        let made = node.client.call("CreateSecret", &params).await?;
        ensure!(made.is_some_and(|it| it.status == 200), "there is nothing to read");
        let flooder = Client { key: user(&node), ..node.client.clone() };
        self.round(&node).await?;
        let (mut alone, mut beside, mut flood) = (Duration::ZERO, Duration::ZERO, Flood::default());
        for _ in 0..self.rounds {
            let took = self.round(&node).await?;
            // Signed beforehand, for twice the time: what is measured is what it costs the server.
            let calls = (took * 2 + Duration::from_secs(1)).as_secs_f64() * self.rate();
            let requests: Vec<_> = (0..whole(calls))
                .map(|_| flooder.sign("GetSecretValue", &[("SecretName", SECRET)], false))
                .collect();
            let (stop, stopped) = watch::channel(());
            let flooding = tokio::spawn(pour(flooder.clone(), requests, self.rate(), stopped));
            alone += took;
            beside += self.round(&node).await?;
            drop(stop);
            flood.add(flooding.await??);
        }
        self.judge(alone, beside, flood, report);
        node.stop().await?;
        recorded(data.path(), flood, report)
    }

    async fn node(&self, data: &Path) -> anyhow::Result<Node> {
        let store = Arc::new(Sqlite::open(data.join("yaoku.db")).await?);
        let (disk, boot) = (Arc::new(RealDisk), "boot".to_owned());
        let key_file = data.join(root::KEY_FILE);
        let mut setup = node::setup(NAME, key_file, data, store, disk, boot).await?;
        let principal = PerClass::default().with(Class::SecretRead, Some(self.limit));
        setup.throttle = Limits { principal, ..Limits::NONE };
        Node::start_with(setup).await
    }

    /// Calls a second of the flood.
    fn rate(&self) -> f64 {
        f64::from(self.limit.get().saturating_mul(TIMES))
    }

    /// The neighbour's calls, each of which must be served; answers how long they took.
    async fn round(&self, node: &Node) -> anyhow::Result<Duration> {
        let key = node.account.key.to_string();
        let params = [("KeyId", &*key), ("Plaintext", "c29tZXRoaW5n")];
        let sign = |_| node.client.sign("Encrypt", &params, false);
        let requests: Arc<Vec<_>> = Arc::new((0..self.calls).map(sign).collect());
        let next = Arc::new(AtomicUsize::new(0));
        let mut lanes = Vec::new();
        for _ in 0..self.connections {
            lanes.push(connect(&node.client).await?);
        }
        let (start, mut running) = (Instant::now(), JoinSet::new());
        for mut stream in lanes {
            let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
            running.spawn(async move {
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = exchange(&mut stream, request).await?;
                    ensure!(answer.starts_with("HTTP/1.1 200 "), "not served: {answer}");
                }
                Ok(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(start.elapsed())
    }

    fn judge(&self, alone: Duration, beside: Duration, flood: Flood, report: &mut Report) {
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        let calls =
            f64::from(self.rounds) * f64::from(u32::try_from(self.calls).unwrap_or(u32::MAX));
        let kept = alone.as_secs_f64() / beside.as_secs_f64() * 100.0;
        report.say(format_args!(
            "{build}, {} connections: {:.0}/s alone, {:.0}/s beside the flood: {kept:.1} %",
            self.connections,
            calls / alone.as_secs_f64(),
            calls / beside.as_secs_f64(),
        ));
        let seconds = flood.took.as_secs_f64();
        report.say(format_args!(
            "the flood: {:.0}/s, {} served, {} refused",
            f64::from(u32::try_from(flood.served + flood.refused).unwrap_or(u32::MAX)) / seconds,
            flood.served,
            flood.refused,
        ));
        report.check(flood.wrong == 0, format_args!("{} answers are neither", flood.wrong));
        report.check(flood.refused > 0, "nothing is refused");
        // A burst at each round's beginning, and then what the limit lets through.
        let most = f64::from(self.limit.get()) * (seconds + f64::from(self.rounds)) + 1.0;
        let served = flood.served;
        report.check(served <= whole(most), format_args!("{served} served, and not {most:.0}"));
        if let Some(least) = self.at_least {
            report.check(kept >= least.into(), format_args!("{kept:.1} %, and not {least} %"));
        }
    }
}

impl Flood {
    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.refused += other.refused;
        self.wrong += other.wrong;
        self.took += other.took;
    }

    fn note(&mut self, answer: &str) {
        let waits = answer.lines().find_map(|it| it.strip_prefix("x-acs-retry-after: "));
        let waits = waits.and_then(|it| it.parse().ok()).is_some_and(|it: u64| it > 0);
        if answer.starts_with("HTTP/1.1 200 ") {
            self.served += 1;
        } else if answer.starts_with("HTTP/1.1 429 ") && waits {
            self.refused += 1;
        } else {
            self.wrong += 1;
        }
    }
}

/// The user of `yaoku dev`, who may read secrets.
fn user(node: &Node) -> Key {
    let key = &node.account.user_key;
    Key { id: key.id.to_string(), secret: key.secret.expose_text().to_owned() }
}

async fn connect(client: &Client) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(client.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends the requests at a steady rate, until it is told to stop.
async fn pour(
    client: Client,
    requests: Vec<Vec<u8>>,
    rate: f64,
    stopped: watch::Receiver<()>,
) -> anyhow::Result<Flood> {
    let (start, mut running) = (Instant::now(), JoinSet::new());
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    for _ in 0..LANES {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        let (mut stream, mut stopped) = (connect(&client).await?, stopped.clone());
        running.spawn(async move {
            let mut turns = tokio::time::interval(Duration::from_secs_f64(f64::from(LANES) / rate));
            let mut flood = Flood::default();
            loop {
                tokio::select! {
                    _ = stopped.changed() => return anyhow::Ok(flood),
                    _ = turns.tick() => {}
                }
                let request = requests.get(next.fetch_add(1, Ordering::Relaxed));
                let Some(request) = request else { return Ok(flood) };
                flood.note(&exchange(&mut stream, request).await?);
            }
        });
    }
    let mut flood = Flood::default();
    while let Some(ended) = running.join_next().await {
        flood.add(ended??);
    }
    flood.took = start.elapsed();
    Ok(flood)
}

/// Each refusal is in some event, and the events are few.
fn recorded(data: &Path, flood: Flood, report: &mut Report) -> anyhow::Result<()> {
    let events = Tail::last(&audit::directory(data, &NAME.parse()?), usize::MAX)?.0;
    let its = events.iter().filter(|it| it.event.code.as_deref() == Some("Rejected.Throttling"));
    let (events, calls) = its.fold((0, 0), |(n, calls), it| (n + 1, calls + it.event.count));
    report.say(format_args!("{events} events of {calls} refusals"));
    report.check(calls == flood.refused, format_args!("{} were refused", flood.refused));
    // Two in a second, and some for where seconds meet rounds.
    let most = 2 * (flood.took.as_secs() + 2) + 20;
    report.check(events <= most, format_args!("{events} events, and not {most}"));
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
fn whole(number: f64) -> u64 {
    number as u64
}
