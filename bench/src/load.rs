//! The load: a number of keep-alive connections, each with one request under way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// One answer of so many is kept, to be looked at when the clock has stopped.
const SAMPLE: usize = 4096;

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// How long each request waited for its answer, in no order.
    pub(crate) waits: Vec<Duration>,
    /// The bodies of some answers.
    pub(crate) samples: Vec<Vec<u8>>,
}

/// Sends `requests` over `connections` connections, each the next one when it has its answer.
///
/// Fails at the first answer that is not 200.
pub(crate) async fn round(
    address: SocketAddr,
    connections: usize,
    requests: &Arc<Vec<Vec<u8>>>,
) -> anyhow::Result<Round> {
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let start = now();
    let mut running = JoinSet::new();
    for stream in streams {
        running.spawn(talk(stream, Arc::clone(requests), Arc::clone(&next)));
    }
    let mut all = Round::default();
    while let Some(one) = running.join_next().await {
        let one = one??;
        all.waits.extend(one.waits);
        all.samples.extend(one.samples);
    }
    all.took = start.elapsed();
    Ok(all)
}

async fn talk(
    mut stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<Round> {
    let mut own = Round::default();
    let mut answer = Vec::with_capacity(4096);
    loop {
        let number = next.fetch_add(1, Relaxed);
        let Some(request) = requests.get(number) else { return Ok(own) };
        let start = now();
        stream.write_all(request).await?;
        let body = read(&mut stream, &mut answer).await?;
        own.waits.push(start.elapsed());
        if number.is_multiple_of(SAMPLE) {
            own.samples.push(answer.get(body..).unwrap_or_default().to_vec());
        }
    }
}

/// Reads one answer whole; gives where its body begins.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<usize> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the server hung up");
        let Some(head) = answer.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            bail!("refused: {}", answer.escape_ascii());
        }
        let body = head + 4;
        let length = content_length(&answer[..head]).context("an answer without a length")?;
        while answer.len() < body + length {
            ensure!(stream.read_buf(answer).await? > 0, "the server hung up");
        }
        return Ok(body);
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length:";
    let mut lines = head.split(|it| *it == b'\n');
    let line =
        lines.find(|it| it.len() > name.len() && it[..name.len()].eq_ignore_ascii_case(name));
    std::str::from_utf8(line?.get(name.len()..)?).ok()?.trim().parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn now() -> Instant {
    Instant::now()
}
