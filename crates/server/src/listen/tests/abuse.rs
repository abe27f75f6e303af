//! Clients that mean harm, and that others do not notice them.

use std::{net::SocketAddr, time::Duration};

use rustls::version;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep},
};

use super::{
    Client, Limits, client, connect, connect_from, get, long_target, server, sockets::start,
};

const SECOND: Duration = Duration::from_secs(1);

/// A connection from `127.0.0.host`.
async fn from(host: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// The first message of a handshake, as rustls sends it.
fn client_hello() -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn stalled_handshakes_keep_no_other_from_its_turn() {
    let server = start(Limits { max_handshakes: 1, ..Limits::default() }).await;
    let hello = client_hello();
    let garbage = [&hello[..], b"\x17\x03\x03\0\x10garbage garbage!"].concat();
    let (twice, cut) = (hello.repeat(2), &hello[..hello.len() - 1]);
    let mut stalled = Vec::new();
    for sent in [&[][..], &hello[..5], cut, &hello, &garbage, &twice].repeat(5) {
        let mut stream = TcpStream::connect(server.secure).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stalled.push(stream);
    }
    for version in [&version::TLS12, &version::TLS13] {
        let mut other = server.tls(&server.ca, "localhost", &[version]).await.unwrap();
        assert_eq!(other.ask(get("/")).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_no_tls_on_the_tls_port_ends_and_others_go_on() {
    let server = start(Limits::default()).await;
    let mut other = server.tls(&server.ca, "localhost", &[&version::TLS13]).await.unwrap();
    assert_eq!(other.ask(get("/")).await.status, 200);
    for sent in [
        b"\0".repeat(70_000),
        // Warnings and nothing else.
        b"\x15\x03\x03\0\x02\x01\x5a".repeat(1000),
        // A handshake message that says it is 16 MiB long.
        [&b"\x16\x03\x01\x40\0\x01\xff\xff\xff"[..], &[0; 16_380]].concat().repeat(10),
    ] {
        let mut client = Client::over(TcpStream::connect(server.secure).await.unwrap());
        client.try_send(sent).await;
        // An alert or a part of a handshake may come; then the end.
        while client.more().await.is_some() {}
    }
    let mut broken = server.tls(&server.ca, "localhost", &[&version::TLS13]).await.unwrap();
    assert_eq!(broken.ask(get("/")).await.status, 200);
    let (mut socket, _) = broken.stream.into_inner();
    socket.write_all(b"\x17\x03\x03\0\x10garbage garbage!").await.unwrap();
    let mut broken = Client::over(socket);
    while broken.more().await.is_some() {}
    assert_eq!(other.ask(get("/")).await.status, 200);
}

#[tokio::test]
async fn idle_strangers_leave_for_who_comes_and_the_known_stay() {
    let server = start(Limits { max_connections: 8, ..Limits::default() }).await;
    let mut known = Client::over(from(1, server.plain).await);
    assert_eq!(known.ask(get("/")).await.status, 200);
    let mut idle = Vec::new();
    for host in [2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5] {
        let mut stream = Client::over(from(host, server.plain).await);
        match host {
            3 => stream.try_send("GET / HT").await,
            4 => stream.try_send("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n").await,
            _ => {}
        }
        idle.push(stream);
    }
    let mut newcomer = Client::over(from(6, server.plain).await);
    assert_eq!(newcomer.ask(get("/")).await.status, 200);
    for _ in 0..2 {
        assert_eq!(known.ask(get("/")).await.status, 200);
        assert_eq!(newcomer.ask(get("/")).await.status, 200);
    }
    assert!(idle[0].is_closed().await, "who waited longest left");
}

#[tokio::test]
async fn a_thousand_resets_and_empty_connections_leave_nothing_behind() {
    let server = start(Limits { max_connections: 16, ..Limits::default() }).await;
    let mut known = Client::over(from(1, server.plain).await);
    assert_eq!(known.ask(get("/")).await.status, 200);
    let hello = client_hello();
    for n in 0..1000 {
        let to = if n % 5 == 4 { server.secure } else { server.plain };
        let sent: &[u8] = match n % 5 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHos",
            2 => b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nbod",
            3 => b"GET /long HTTP/1.1\r\n\r\n",
            _ => &hello,
        };
        let mut stream = from(2, to).await;
        _ = stream.write_all(sent).await;
        if n % 2 == 0 {
            stream.set_zero_linger().unwrap();
        }
    }
    assert_eq!(known.ask(get("/")).await.status, 200);
    let mut other = Client::over(from(2, server.plain).await);
    assert_eq!(other.ask(get("/")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn slow_large_bodies_of_strangers_leave_room_for_others() {
    let server = server(Limits { large: 8, ..Limits::default() });
    let large = "POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n";
    let (mut known, mut same) = (connect_from(&server, 1), connect_from(&server, 2));
    assert_eq!(known.ask(get("/")).await.status, 200);
    let mut slow = Vec::new();
    for host in [2, 2, 3, 3] {
        let mut client = connect_from(&server, host);
        client.send(large).await;
        sleep(SECOND / 100).await;
        slow.push(client);
    }
    // Their source has its share, another has not, until strangers together have theirs.
    assert_eq!(same.ask(get(&long_target(70_000))).await.status, 503);
    for host in [4, 5] {
        let mut client = connect_from(&server, host);
        client.send(large).await;
        sleep(SECOND / 100).await;
        slow.push(client);
    }
    assert_eq!(connect_from(&server, 6).ask(get(&long_target(70_000))).await.status, 503);
    assert_eq!(known.ask(get(&long_target(70_000))).await.status, 200);
    for mut client in slow {
        assert_eq!(client.answer().await.status, 408);
    }
    assert!(server.large.is_free());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_and_asks_and_never_reads_is_cut_off() {
    let start = Instant::now();
    let mut client = connect(&server(Limits::default()));
    client.try_send(get("/").repeat(100_000)).await;
    while client.more().await.is_some() {}
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_announced_and_never_sent_is_refused() {
    let (start, mut client) = (Instant::now(), client());
    let head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(client.ask(head).await.status, 100);
    assert_eq!(client.answer().await.status, 408);
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn chunks_that_are_mostly_wrapping_are_refused() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (piece, after) in [
        // Extensions without end.
        (format!("1;{}", "e".repeat(10_000)), ""),
        (format!("1;{}\r\nx\r\n", "e".repeat(1000)), ""),
        // Trailers without end.
        (format!("Trailer: {}\r\n", "t".repeat(1000)), "0\r\n"),
    ] {
        let mut client = client();
        client.send(format!("{head}{after}")).await;
        for _ in 0..100 {
            client.try_send(&piece).await;
        }
        assert_eq!(client.answer().await.status, 400, "{}", &piece[..10]);
    }
    // A byte a chunk, without end: the body's limit holds.
    let mut client = connect(&server(Limits { body_bytes: 70_000, ..Limits::default() }));
    client.try_send(format!("{head}{}", "1\r\nx\r\n".repeat(70_001))).await;
    assert_eq!(client.answer().await.status, 413);
}

#[tokio::test]
async fn line_ends_hide_no_header() {
    let two = "Content-Length: 3";
    for (head, status) in [
        // A bare LF ends a line, for us and for hyper alike. Source: RFC 9112 §2.2.
        (format!("POST / HTTP/1.1\n{two}\nTransfer-Encoding: chunked\n\nabc"), 400),
        (format!("POST / HTTP/1.1\r\nA: b\n{two}\r\n{two}\r\n\r\nabc"), 400),
        (format!("POST / HTTP/1.1\n{two}\n\nabc"), 200),
        // A bare CR is no end.
        (format!("POST / HTTP/1.1\r\nA: b\r{two}\r\n\r\n"), 400),
        (format!("POST / HTTP/1.1\rA: b\r\n{two}\r\n\r\nabc"), 400),
        (format!("POST / HTTP/1.1\r\n{two}\r\n A: b\r\n\r\nabc"), 400),
        (format!("POST / HTTP/1.1\r\n\tA: b\r\n{two}\r\n\r\nabc"), 400),
        (format!("POST / HTTP/1.1\r\n{two}\0\r\n\r\nabc"), 400),
    ] {
        let mut client = client();
        client.try_send(&head).await;
        assert_eq!(client.answer().await.status, status, "{head:?}");
    }
}

#[tokio::test]
async fn a_chat_about_http_2_ends_or_stays_http_1() {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut client = client();
    client.send(get("/")).await;
    assert_eq!(client.answer().await.status, 200);
    client.try_send(preface).await;
    assert_eq!(client.answer().await.status, 400);
    let upgrade = "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let mut client = super::client();
    client.send(format!("{upgrade}{preface}")).await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(client.answer().await.status, 400);
}
