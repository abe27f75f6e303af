//! The known caller: Encrypt at a steady pace, on connections that it keeps and on new ones, over
//! HTTP and over TLS.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{client::Client, program::Dev};

/// How long an answer may take before the call counts as failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Between two calls of each of the four ways.
const PACE: Duration = Duration::from_millis(100);

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Where and how to connect.
#[derive(Clone)]
struct Way {
    client: Client,
    key: String,
    tls: Option<TlsConnector>,
}

/// How one call went.
enum Went {
    Well(Duration),
    Refused,
    Failed,
}

/// What came of the calls of some time.
#[derive(Debug, Default)]
pub(super) struct Goodput {
    scheduled: u64,
    good: u64,
    /// Answered, but not with success.
    pub(super) refused: u64,
    times: Vec<Duration>,
}

impl Goodput {
    /// What [`fmt::Display`] shows, and what is beside it.
    pub(super) const HEADING: &'static str =
        "abuse                  good %  calls    p50 ms    p99 ms  MiB RSS  files";

    /// The good part of those that were due.
    #[expect(clippy::cast_precision_loss, reason = "few calls")]
    pub(super) fn ratio(&self) -> f64 {
        self.good as f64 / self.scheduled.max(1) as f64
    }

    fn count(&mut self, went: &Went) {
        match went {
            Went::Well(time) => {
                self.good += 1;
                self.times.push(*time);
            }
            Went::Refused => self.refused += 1,
            Went::Failed => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.scheduled += other.scheduled;
        self.good += other.good;
        self.refused += other.refused;
        self.times.extend(other.times);
        self.times.sort_unstable();
    }

    /// The time within which `part` of a hundred were answered, in milliseconds.
    fn percentile(&self, part: usize) -> f64 {
        let at = (self.times.len() * part / 100).min(self.times.len().saturating_sub(1));
        self.times.get(at).map_or(f64::NAN, |it| it.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Goodput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        write!(f, "{:>6.1} {:>6} {p50:>9.1} {p99:>9.1}", self.ratio() * 100.0, self.scheduled)
    }
}

/// The caller, with the connections that it keeps.
pub(super) struct Victim {
    ways: [Way; 2],
    kept: [Option<Box<dyn Wire>>; 2],
}

impl Victim {
    /// Not connected yet.
    pub(super) fn of(dev: &Dev) -> anyhow::Result<Self> {
        let way = |address, tls| -> anyhow::Result<Way> {
            let client = Client { address, key: dev.root_key()? };
            Ok(Way { client, key: dev.text("key_id")?.to_owned(), tls })
        };
        let https: SocketAddr = dev.text("endpoint")?.parse()?;
        let ways = [way(dev.http()?, None)?, way(https, Some(connector(dev.text("ca")?)?))?];
        Ok(Self { ways, kept: [None, None] })
    }

    /// Calls for some time, on new and on kept connections.
    pub(super) async fn calls_for(&mut self, time: Duration) -> Goodput {
        let [http, https] = &self.ways;
        let [kept_http, kept_https] = &mut self.kept;
        let all = tokio::join!(
            fresh(http, time),
            fresh(https, time),
            keeping(http, kept_http, time),
            keeping(https, kept_https, time),
        );
        let mut sum = Goodput::default();
        for part in [all.0, all.1, all.2, all.3] {
            sum.add(part);
        }
        sum
    }
}

fn connector(ca: &str) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A whole handshake each time.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Each call on a connection of its own; late ones do not hold up the next.
async fn fresh(way: &Way, time: Duration) -> Goodput {
    let mut sum = Goodput::default();
    let mut calls = JoinSet::new();
    let mut pace = interval(PACE);
    let end = Instant::now() + time;
    while pace.tick().await < end {
        sum.scheduled += 1;
        let way = way.clone();
        calls.spawn(async move { way.call(&mut None).await });
    }
    while let Some(went) = calls.join_next().await {
        sum.count(&went.unwrap_or(Went::Failed));
    }
    sum
}

/// One call after another on one connection. What is late is scheduled all the same.
async fn keeping(way: &Way, kept: &mut Option<Box<dyn Wire>>, time: Duration) -> Goodput {
    let mut sum = Goodput::default();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + time;
    while pace.tick().await < end {
        sum.scheduled += 1;
        sum.count(&way.call(kept).await);
    }
    sum
}

impl Way {
    /// One call on `kept`, which is opened if it is not there, and dropped if it breaks.
    async fn call(&self, kept: &mut Option<Box<dyn Wire>>) -> Went {
        let begun = Instant::now();
        let params = [("KeyId", &*self.key), ("Plaintext", "paced")];
        let request = self.client.sign("Encrypt", &params, false);
        let talk = async {
            let mut wire = match kept.take() {
                Some(wire) => wire,
                None => self.connect().await?,
            };
            wire.write_all(&request).await?;
            let status = status(&mut wire).await?;
            anyhow::Ok((status, wire))
        };
        match timeout(PATIENCE, talk).await {
            Ok(Ok((200, wire))) => {
                *kept = Some(wire);
                Went::Well(begun.elapsed())
            }
            Ok(Ok(_)) => Went::Refused,
            _ => Went::Failed,
        }
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Wire>> {
        let stream = TcpStream::connect(self.client.address).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        Ok(Box::new(tls.connect(ServerName::try_from("localhost")?, stream).await?))
    }
}

/// Reads one answer; its status.
async fn status(wire: &mut Box<dyn Wire>) -> anyhow::Result<u16> {
    let mut read = Vec::new();
    loop {
        if let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = std::str::from_utf8(&read[..at])?.to_ascii_lowercase();
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
            let length: usize = length.context("no length")?.parse()?;
            if read.len() >= at + 4 + length {
                return Ok(head.split(' ').nth(1).context("no status")?.parse()?);
            }
        }
        anyhow::ensure!(wire.read_buf(&mut read).await? > 0, "closed");
    }
}
