//! Callers that encrypt, at a steady rate.

use std::time::Duration;

use anyhow::ensure;
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use crate::client::{Client, exchange};

/// How many there are.
const CALLERS: u32 = 16;

/// What they need.
#[derive(Debug)]
pub(super) struct Callers {
    pub(super) client: Client,
    /// The key that they encrypt under.
    pub(super) key: String,
}

/// They call until it is ended.
#[derive(Debug)]
pub(super) struct Calling {
    stop: watch::Sender<()>,
    running: JoinSet<anyhow::Result<Vec<Duration>>>,
}

impl Callers {
    /// Has all of them call: so many times a second together.
    pub(super) async fn begin(&self, rate: u32) -> anyhow::Result<Calling> {
        let (stop, stopped) = watch::channel(());
        let every = Duration::from_secs(1) * CALLERS / rate.max(1);
        let (mut running, start) = (JoinSet::new(), Instant::now());
        for nth in 0..CALLERS {
            let stream = TcpStream::connect(self.client.address).await?;
            stream.set_nodelay(true)?;
            let (client, key, stopped) = (self.client.clone(), self.key.clone(), stopped.clone());
            // Not all at one moment.
            let first = start + every * nth / CALLERS;
            running.spawn(call(client, key, stream, (first, every), stopped));
        }
        Ok(Calling { stop, running })
    }
}

impl Calling {
    /// How long each call took.
    pub(super) async fn end(mut self) -> anyhow::Result<Vec<Duration>> {
        drop(self.stop);
        let mut times = Vec::new();
        while let Some(ended) = self.running.join_next().await {
            times.append(&mut ended??);
        }
        Ok(times)
    }
}

/// One caller. Each call must be served.
async fn call(
    client: Client,
    key: String,
    mut stream: TcpStream,
    (first, every): (Instant, Duration),
    mut stopped: watch::Receiver<()>,
) -> anyhow::Result<Vec<Duration>> {
    let params = [("KeyId", &*key), ("Plaintext", "c29tZXRoaW5n")];
    let mut turns = tokio::time::interval_at(first, every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return Ok(times),
            _ = turns.tick() => {}
        }
        let request = client.sign("Encrypt", &params, false);
        let sent = Instant::now();
        let answer = exchange(&mut stream, &request).await?;
        times.push(sent.elapsed());
        ensure!(answer.starts_with("HTTP/1.1 200 "), "not served: {answer}");
    }
}
