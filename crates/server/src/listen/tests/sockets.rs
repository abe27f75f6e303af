//! Real sockets and real TLS on loopback.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::aws_lc_rs, version};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};
use yaoku_model::time::Timestamp;

use super::{Client, Echo, get, long_target};
use crate::listen::{
    Limits, Listener,
    ca::{Names, PrivateCa},
    serve,
    tls::TlsSettings,
};

pub(super) struct Running {
    echo: Arc<Echo>,
    pub(super) plain: SocketAddr,
    pub(super) secure: SocketAddr,
    tls: TlsSettings,
    pub(super) ca: PrivateCa,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// The machine's time: TLS clients judge certificates by it.
fn now() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap())
}

fn ca() -> PrivateCa {
    let dir = tempfile::tempdir().unwrap();
    let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
    PrivateCa::create_or_load(dir.path(), &names, now()).unwrap()
}

pub(super) async fn start(limits: Limits) -> Running {
    let (echo, ca) = (Arc::new(Echo::default()), ca());
    let tls = TlsSettings::new(&ca.server).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let plain = Listener::bind(any, None).await.unwrap();
    let secure = Listener::bind(any, Some(tls.clone())).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let addresses = (plain.local_addr(), secure.local_addr());
    let shutdown = async { drop(stopped.await) };
    let served = tokio::spawn(serve(vec![plain, secure], Arc::clone(&echo), limits, shutdown));
    Running { echo, plain: addresses.0, secure: addresses.1, tls, ca, stop, served }
}

impl Running {
    pub(super) async fn plain(&self) -> Client<TcpStream> {
        Client::over(TcpStream::connect(self.plain).await.unwrap())
    }

    pub(super) async fn tls(
        &self,
        ca: &PrivateCa,
        name: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.ca_pem.as_bytes()).unwrap()).unwrap();
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TcpStream::connect(self.secure).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(Client::over)
    }
}

#[tokio::test]
async fn clients_of_either_tls_version_connect_by_every_name() {
    let server = start(Limits::default()).await;
    let target = long_target(100_000);
    for version in [&version::TLS12, &version::TLS13] {
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "kst-hzz65f1.cryptoservice.kms.aliyuncs.com",
            "kms.cn-hangzhou.aliyuncs.com",
            "kms-vpc.cn-hangzhou.aliyuncs.com",
            "ram.aliyuncs.com",
            "sts.aliyuncs.com",
            "sts.cn-hangzhou.aliyuncs.com",
        ] {
            let mut client = server.tls(&server.ca, name, &[version]).await.unwrap();
            let session = client.stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(client.ask(get(&target)).await.body, format!("GET {target} "));
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_our_root_or_our_name_stops() {
    let server = start(Limits::default()).await;
    assert!(server.tls(&ca(), "localhost", &[&version::TLS13]).await.is_err());
    assert!(server.tls(&server.ca, "kms.example.com", &[&version::TLS13]).await.is_err());
}

#[tokio::test]
async fn the_certificate_can_be_changed_while_serving() {
    let (server, other) = (start(Limits::default()).await, ca());
    let mut before = server.tls(&server.ca, "localhost", &[&version::TLS13]).await.unwrap();
    server.tls.set_identity(&other.server).unwrap();
    assert!(server.tls(&server.ca, "localhost", &[&version::TLS13]).await.is_err());
    let mut after = server.tls(&other, "localhost", &[&version::TLS13]).await.unwrap();
    assert_eq!(before.ask(get("/")).await.status, 200);
    assert_eq!(after.ask(get("/")).await.status, 200);
}

#[tokio::test]
async fn plain_http_on_the_tls_port_ends_at_once() {
    let server = start(Limits::default()).await;
    let mut client = Client::over(TcpStream::connect(server.secure).await.unwrap());
    client.send(get("/")).await;
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_ended() {
    let limits = Limits {
        handshake_timeout: Duration::from_millis(50),
        max_handshakes: 1,
        ..Limits::default()
    };
    let server = start(limits).await;
    let mut silent = Client::over(TcpStream::connect(server.secure).await.unwrap());
    assert!(silent.is_closed().await);
}

#[tokio::test]
async fn a_long_target_arrives_over_a_socket() {
    let server = start(Limits::default()).await;
    let target = long_target(256 * 1024);
    let mut client = server.plain().await;
    assert_eq!(client.ask(get(&target)).await.body, format!("GET {target} "));
}

#[tokio::test]
async fn a_refusal_survives_what_the_client_still_sends() {
    let server = start(Limits::default()).await;
    for request in [
        format!("POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n{}", "b".repeat(4_000_000)),
        get(&long_target(4_000_000)),
    ] {
        let mut client = server.plain().await;
        client.send(&request).await;
        assert!(matches!(client.answer().await.status, 413 | 414));
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_one_to_end() {
    let server = start(Limits { max_connections: 1, ..Limits::default() }).await;
    let mut first = server.plain().await;
    assert_eq!(first.ask(get("/")).await.status, 200);
    let mut second = server.plain().await;
    second.send(get("/")).await;
    assert_eq!(first.ask(get("/")).await.status, 200);
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

#[tokio::test]
async fn a_stop_finishes_calls_and_refuses_connections() {
    let server = start(Limits::default()).await;
    let mut idle = server.plain().await;
    assert_eq!(idle.ask(get("/")).await.status, 200);
    let mut slow = server.tls(&server.ca, "localhost", &[&version::TLS13]).await.unwrap();
    slow.send(get("/wait")).await;
    server.echo.entered.notified().await;
    server.stop.send(()).unwrap();
    assert!(idle.is_closed().await);
    while TcpStream::connect(server.plain).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.echo.gate.notify_one();
    assert_eq!(slow.answer().await.body, "GET /wait ");
    slow.stream.shutdown().await.unwrap();
    server.served.await.unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_is_cut_after_the_grace() {
    let server = start(Limits { grace: Duration::from_millis(50), ..Limits::default() }).await;
    let mut stuck = server.plain().await;
    stuck.send(get("/wait")).await;
    server.echo.entered.notified().await;
    server.stop.send(()).unwrap();
    server.served.await.unwrap();
    assert_eq!(stuck.next().await, None);
}
