//! Listening, from the client's side.

mod abuse;
mod refusals;
mod requests;
mod sockets;
mod waits;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    sync::{Notify, watch},
};

use super::{Fault, Guest, Handler, HttpCall, HttpReply, Limits, Server};

/// Answers with what it was asked. `/wait` waits until the gate opens, `/long` answers a megabyte.
/// Who asks for `/stranger` is not known.
#[derive(Default)]
struct Echo {
    gate: Notify,
    entered: Notify,
}

impl Handler for Echo {
    async fn handle(&self, call: HttpCall) -> HttpReply {
        let mut body = format!("{} ", call.method).into_bytes();
        body.extend_from_slice(&call.target);
        body.push(b' ');
        body.extend_from_slice(&call.body);
        if call.target.starts_with(b"/wait") {
            self.entered.notify_one();
            self.gate.notified().await;
        }
        if call.target.starts_with(b"/long") {
            body = vec![b'x'; 1024 * 1024];
        }
        HttpReply { known: !call.target.starts_with(b"/stranger"), ..reply(200, body) }
    }

    fn refuse(&self, fault: Fault, _: SocketAddr) -> HttpReply {
        let status = match fault {
            Fault::BadRequest => 400,
            Fault::HeadTimeout | Fault::BodyTimeout => 408,
            Fault::BodyTooLarge => 413,
            Fault::TargetTooLong => 414,
            Fault::HeadTooLarge => 431,
            Fault::Busy => 503,
        };
        reply(status, format!("{{\"Code\":\"{fault:?}\"}}").into_bytes())
    }
}

fn reply(status: u16, body: Vec<u8>) -> HttpReply {
    HttpReply {
        status,
        content_type: "application/json;charset=utf-8",
        request_id: "0A1B".to_owned(),
        headers: Vec::new(),
        body: Bytes::from(body),
        known: false,
    }
}

fn server(limits: Limits) -> Arc<Server<Echo>> {
    Arc::new(Server::new(Arc::default(), limits))
}

/// One connection to a server, without sockets, so that the clock can be the test's.
struct Client<S = DuplexStream> {
    stream: S,
    read: Vec<u8>,
    /// Dropped, it stops the server.
    stop: Option<watch::Sender<()>>,
}

fn connect(server: &Arc<Server<Echo>>) -> Client {
    connect_from(server, 1)
}

/// From `127.0.0.host`.
fn connect_from(server: &Arc<Server<Echo>>, host: u8) -> Client {
    let (stream, far) = duplex(64 * 1024);
    let (stop, stopped) = watch::channel(());
    let server = Arc::clone(server);
    let peer = SocketAddr::from(([127, 0, 0, host], 9));
    tokio::spawn(async move {
        let Some(place) = server.crowd.enter(peer.ip()).await else { return };
        server.talk(far, Guest { peer, tls: false, place }, stopped).await;
    });
    Client { stream, read: Vec::new(), stop: Some(stop) }
}

fn client() -> Client {
    connect(&server(Limits::default()))
}

#[derive(Debug, Eq, PartialEq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn has(&self, line: &str) -> bool {
        self.head.to_ascii_lowercase().lines().any(|it| it == line)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn over(stream: S) -> Self {
        Self { stream, read: Vec::new(), stop: None }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends as far as the server takes it.
    async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        _ = self.stream.write_all(bytes.as_ref()).await;
    }

    async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        self.next().await.expect("the connection closed without an answer")
    }

    /// The next answer (to anything but HEAD), or `None` at the end.
    async fn next(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        };
        let length: usize = head.lines().find_map(length).unwrap_or(0);
        while self.read.len() < length {
            self.more().await?;
        }
        let body = String::from_utf8_lossy(&self.read[..length]).into_owned();
        self.read.drain(..length);
        Some(Answer { status, head, body })
    }

    async fn more(&mut self) -> Option<()> {
        let len = self.stream.read_buf(&mut self.read).await.ok()?;
        (len > 0).then_some(())
    }

    async fn is_closed(&mut self) -> bool {
        self.next().await.is_none() && self.read.is_empty()
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: kms\r\n\r\n")
}

fn post(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn long_target(len: usize) -> String {
    let mut target = "/?SecretData=".to_owned();
    target.extend(
        (0..).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).take(len - target.len()),
    );
    target
}
