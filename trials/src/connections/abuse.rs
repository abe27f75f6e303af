//! What hostile connections do, each kind for as long as it is let.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::Mutex,
    time::{Interval, MissedTickBehavior, interval, sleep, timeout},
};

use crate::program::Dev;

/// The longest that an abuser of a kind that holds on does so.
const FOREVER: Duration = Duration::from_hours(1);

/// Turns that 400 KB take besides their connection's: without optimisation the server reads some tens
/// of MB a second on one processor, and a thousand of them would be 400.
const READ_SLOWLY: u32 = if cfg!(debug_assertions) { 7 } else { 0 };

/// Whom to abuse, and how fast.
pub(super) struct Target {
    http: SocketAddr,
    https: SocketAddr,
    hello: Vec<u8>,
    pace: Mutex<Interval>,
}

impl Target {
    /// With `rate` new connections a second, of all abusers together.
    pub(super) fn of(dev: &Dev, rate: u64) -> anyhow::Result<Self> {
        let mut pace = interval(Duration::from_secs(1) / u32::try_from(rate.max(1))?);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            http: dev.http()?,
            https: dev.text("endpoint")?.parse()?,
            hello: client_hello()?,
            pace: Mutex::new(pace),
        })
    }

    /// Takes so many turns.
    async fn pause(&self, turns: u32) {
        for _ in 0..turns {
            self.pace.lock().await.tick().await;
        }
    }

    /// A connection from an address of loopback's 16 million, once it is due.
    async fn connect(&self, to: SocketAddr, rng: &mut Rng) -> anyhow::Result<TcpStream> {
        self.pace.lock().await.tick().await;
        let socket = TcpSocket::new_v4()?;
        let from = Ipv4Addr::new(127, rng.u8(1..), rng.u8(..), rng.u8(1..255));
        socket.bind((from, 0).into())?;
        Ok(socket.connect(to).await?)
    }
}

/// The first message of a handshake.
fn client_hello() -> anyhow::Result<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut session = rustls::ClientConnection::new(config.into(), "localhost".try_into()?)?;
    let mut hello = Vec::new();
    session.write_tls(&mut hello)?;
    Ok(hello)
}

/// A kind of abuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Abuse {
    Silent,
    SlowHead,
    SlowBody,
    SlowLargeBody,
    Announced,
    HalfOpen,
    Reset,
    Empty,
    Oversized,
    EndlessChunks,
    NeverReads,
    Malformed,
    WrongProtocol,
    StalledHandshake,
    HandshakeFlood,
    Alerts,
    /// Anonymous calls and all that is cheap to send.
    Flood,
}

impl Abuse {
    /// All but the flood, which has a time of its own.
    pub(super) const ALL: &'static [Self] = &[
        Self::Silent,
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowLargeBody,
        Self::Announced,
        Self::HalfOpen,
        Self::Reset,
        Self::Empty,
        Self::Oversized,
        Self::EndlessChunks,
        Self::NeverReads,
        Self::Malformed,
        Self::WrongProtocol,
        Self::StalledHandshake,
        Self::HandshakeFlood,
        Self::Alerts,
    ];

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::SlowHead => "slow-head",
            Self::SlowBody => "slow-body",
            Self::SlowLargeBody => "slow-large-body",
            Self::Announced => "announced-body",
            Self::HalfOpen => "half-open",
            Self::Reset => "reset",
            Self::Empty => "empty",
            Self::Oversized => "oversized",
            Self::EndlessChunks => "endless-chunks",
            Self::NeverReads => "never-reads",
            Self::Malformed => "malformed",
            Self::WrongProtocol => "wrong-protocol",
            Self::StalledHandshake => "stalled-handshake",
            Self::HandshakeFlood => "handshake-flood",
            Self::Alerts => "alerts",
            Self::Flood => "flood",
        }
    }

    /// One abuser, until it is stopped.
    pub(super) async fn run(self, target: Arc<Target>, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        loop {
            // Whatever the server does to it, it comes again.
            _ = self.once(&target, &mut rng).await;
        }
    }

    async fn once(self, target: &Target, rng: &mut Rng) -> anyhow::Result<()> {
        let tls = match self {
            Self::StalledHandshake | Self::HandshakeFlood | Self::Alerts => true,
            Self::Silent | Self::Reset | Self::Empty | Self::WrongProtocol => rng.bool(),
            _ => false,
        };
        let to = if tls { target.https } else { target.http };
        let mut stream = target.connect(to, rng).await?;
        match self {
            Self::Silent => wait_for_end(&mut stream).await,
            Self::SlowHead => drip(&mut stream, "GET / HTTP/1.1\r\nHost: a", b'a', 1).await,
            Self::SlowBody => drip(&mut stream, &post(100_000), b'b', 1).await,
            Self::SlowLargeBody => drip(&mut stream, &post(1_000_000), b'b', 66_000).await,
            Self::Announced => {
                let head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
                send_and_hold(&mut stream, head.as_bytes()).await
            }
            Self::HalfOpen => {
                let all = format!("{}body", post(4));
                stream.write_all(&all.as_bytes()[..rng.usize(..all.len())]).await?;
                stream.shutdown().await?;
                wait_for_end(&mut stream).await
            }
            Self::Reset => {
                let first = if tls { &target.hello[..] } else { b"GET / HTTP/1.1\r\nHost: a" };
                stream.write_all(&first[..rng.usize(..first.len())]).await?;
                Ok(stream.set_zero_linger()?)
            }
            Self::Empty => Ok(()),
            Self::Oversized => {
                target.pause(READ_SLOWLY).await;
                send_and_read(&mut stream, &oversized(rng)).await
            }
            Self::EndlessChunks => endless_chunks(&mut stream, rng).await,
            Self::NeverReads => {
                let calls = "GET /?Action=ListKeys&Version=2016-01-20 HTTP/1.1\r\n\r\n".repeat(500);
                loop {
                    stream.write_all(calls.as_bytes()).await?;
                }
            }
            Self::Malformed => send_and_read(&mut stream, &malformed(rng)).await,
            Self::WrongProtocol => {
                let bytes =
                    if tls { &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..] } else { &target.hello };
                send_and_read(&mut stream, bytes).await
            }
            Self::StalledHandshake => send_and_hold(&mut stream, &target.hello).await,
            Self::HandshakeFlood => {
                stream.write_all(&target.hello).await?;
                // Until the server has computed its part.
                _ = stream.read_u8().await?;
                Ok(())
            }
            Self::Alerts => loop {
                stream.write_all(&b"\x15\x03\x03\0\x02\x01\x5a".repeat(100)).await?;
            },
            Self::Flood => flood(&mut stream, rng).await,
        }
    }
}

fn post(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n")
}

async fn send_and_hold(stream: &mut TcpStream, bytes: &[u8]) -> anyhow::Result<()> {
    stream.write_all(bytes).await?;
    wait_for_end(stream).await
}

/// Sends, and reads what comes for a while.
async fn send_and_read(stream: &mut TcpStream, bytes: &[u8]) -> anyhow::Result<()> {
    _ = stream.write_all(bytes).await;
    _ = timeout(Duration::from_secs(2), wait_for_end(stream)).await;
    Ok(())
}

async fn wait_for_end(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut some = [0; 4096];
    timeout(FOREVER, async {
        while stream.read(&mut some).await? > 0 {}
        anyhow::Ok(())
    })
    .await?
}

/// `start`, then `count` bytes each second.
async fn drip(stream: &mut TcpStream, start: &str, byte: u8, count: usize) -> anyhow::Result<()> {
    stream.write_all(start.as_bytes()).await?;
    let piece = vec![byte; count];
    loop {
        stream.write_all(&piece).await?;
        sleep(Duration::from_secs(1)).await;
    }
}

fn oversized(rng: &mut Rng) -> Vec<u8> {
    let long = "x".repeat(400_000);
    match rng.u8(..4) {
        0 => format!("GET /?{long} HTTP/1.1\r\n\r\n"),
        1 => format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"),
        2 => format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5000)),
        _ => format!("{}{long}", post(400_000_000)),
    }
    .into_bytes()
}

async fn endless_chunks(stream: &mut TcpStream, rng: &mut Rng) -> anyhow::Result<()> {
    stream.write_all(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
    let chunk = match rng.u8(..3) {
        0 => "1\r\nx\r\n".repeat(100),
        1 => format!("1;{}\r\nx\r\n", "e".repeat(500)),
        _ => format!("3e8\r\n{}\r\n", "x".repeat(1000)),
    };
    loop {
        stream.write_all(chunk.as_bytes()).await?;
        sleep(Duration::from_millis(100)).await;
    }
}

fn malformed(rng: &mut Rng) -> Vec<u8> {
    const HEADS: [&str; 8] = [
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\nA: b\rContent-Length: 1\n\nGET /next HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
        "GET http://other/?Action=Encrypt HTTP/1.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    ];
    if rng.bool() {
        return rng.choice(HEADS).unwrap_or_default().as_bytes().to_vec();
    }
    (0..rng.usize(1..400)).map(|_| rng.u8(..)).collect()
}

/// A few anonymous calls: without a signature, by unknown keys, of unknown operations.
async fn flood(stream: &mut TcpStream, rng: &mut Rng) -> anyhow::Result<()> {
    for _ in 0..rng.u8(1..6) {
        let key = rng.u64(..);
        let query = match rng.u8(..3) {
            0 => "Action=Encrypt&Version=2016-01-20".to_owned(),
            1 => format!("Action=Nothing{key}&Version=2016-01-20"),
            _ => format!(
                "Action=Encrypt&Version=2016-01-20&AccessKeyId=LTAI{key:016x}&SignatureMethod=\
                 HMAC-SHA1&SignatureVersion=1.0&SignatureNonce={key}&Signature=AAAA"
            ),
        };
        stream.write_all(format!("GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await?;
        let mut some = [0; 4096];
        anyhow::ensure!(timeout(FOREVER, stream.read(&mut some)).await?? > 0, "closed");
    }
    Ok(())
}
