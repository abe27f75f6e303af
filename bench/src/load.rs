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
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::TlsConnector;

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

/// Either kind of connection.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Connection = Box<dyn Stream>;

/// Open connections to one server.
pub(crate) struct Load(Vec<Connection>);

impl Load {
    /// Opens so many: over TLS, if there is a root certificate (PEM) to trust.
    pub(crate) async fn connect(
        address: SocketAddr,
        ca: Option<&[u8]>,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let tls = ca.map(connector).transpose()?;
        let mut streams: Vec<Connection> = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            streams.push(match &tls {
                None => Box::new(stream),
                Some(tls) => Box::new(tls.connect(ServerName::from(address.ip()), stream).await?),
            });
        }
        Ok(Self(streams))
    }

    /// Sends `requests` over the connections, each the next one when it has its answer.
    ///
    /// Fails at the first answer that is not 200.
    pub(crate) async fn round(&mut self, requests: Vec<Vec<u8>>) -> anyhow::Result<Round> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let start = now();
        let mut running = JoinSet::new();
        for stream in self.0.drain(..) {
            running.spawn(talk(stream, Arc::clone(&requests), Arc::clone(&next)));
        }
        let mut all = Round::default();
        while let Some(one) = running.join_next().await {
            let (stream, one) = one??;
            self.0.push(stream);
            all.waits.extend(one.waits);
            all.samples.extend(one.samples);
        }
        all.took = start.elapsed();
        Ok(all)
    }
}

fn connector(ca: &[u8]) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca).context("the CA is no PEM")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

async fn talk(
    mut stream: Connection,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<(Connection, Round)> {
    let mut own = Round::default();
    let mut answer = Vec::with_capacity(4096);
    loop {
        let number = next.fetch_add(1, Relaxed);
        let Some(request) = requests.get(number) else { return Ok((stream, own)) };
        let start = now();
        stream.write_all(request).await?;
        stream.flush().await?;
        let body = read(&mut stream, &mut answer).await?;
        own.waits.push(start.elapsed());
        if number.is_multiple_of(SAMPLE) {
            own.samples.push(answer.get(body..).unwrap_or_default().to_vec());
        }
    }
}

/// Reads one answer whole; gives where its body begins.
async fn read(stream: &mut Connection, answer: &mut Vec<u8>) -> anyhow::Result<usize> {
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

/// The time, to measure by.
#[expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
