//! Listening: sockets, TLS, HTTP/1.1, and the private CA. Bytes come in here and leave as
//! [`HttpCall`]s; answers go the other way.

mod admin;
pub mod ca;
mod front;
mod head;
mod http;
mod lane;
pub mod renewal;
mod sources;
pub mod tls;

#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

pub use self::{
    admin::{ADMIN_SOCKET, AdminSocket},
    http::{Fault, Handler, HttpCall, HttpReply, Traffic},
    tls::TlsSettings,
};
use self::{
    front::Front,
    http::Connection,
    lane::Lane,
    sources::{Place, Sources},
};

/// How long to wait when the machine has no more file descriptors or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one server takes on at once, and how long it waits. All listeners share the counts. The
/// defaults are our choice.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a connection's start, or from a head's first byte, to the head's end. Default 10 s.
    pub head_timeout: Duration,
    /// Between an answer and the next head's first byte. Default 2 min: a handshake costs a hundred
    /// times what a call does (dependencies.md §3).
    pub idle_timeout: Duration,
    /// The same on a connection that has carried no call of a known caller yet. Default 5 s.
    pub stranger_timeout: Duration,
    /// From a head's end to its body's end. Large ones must come at 64 KiB/s besides. Default 20 s.
    pub body_timeout: Duration,
    /// For the client to take any more of an answer. Default 30 s.
    pub write_timeout: Duration,
    /// For the TLS handshake, waiting for its turn included. Default 10 s.
    pub handshake_timeout: Duration,
    /// For calls in flight at shutdown. Default 10 s.
    pub grace: Duration,
    /// Connections served at once; more wait, in the kernel's queue but for one per listener. No
    /// source may have more than half of them. Default 4096.
    pub max_connections: usize,
    /// TLS handshakes at once; more wait. Default 64.
    pub max_handshakes: usize,
    /// A body's bytes. Default 1 MiB: the longest that KMS knows has some 100 KB.
    pub body_bytes: usize,
    /// Heads and bodies over 64 KiB held at once; more are refused with [`Fault::Busy`]. Default 64.
    pub large: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(2),
            stranger_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            max_connections: 4096,
            max_handshakes: 64,
            body_bytes: 1024 * 1024,
            large: 64,
        }
    }
}

/// A bound address; connections queue there from now on.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    tls: Option<TlsSettings>,
}

impl Listener {
    /// Binds `address` (port 0: any free one), for TLS or for plain HTTP.
    pub async fn bind(address: SocketAddr, tls: Option<TlsSettings>) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local, tls })
    }

    /// The address with the port that was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

/// Serves until `shutdown` completes, then stops accepting, lets calls in flight finish for up to
/// [`Limits::grace`], and returns with every connection closed.
pub async fn serve<H: Handler>(
    listeners: Vec<Listener>,
    handler: Arc<H>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(());
    let server = Arc::new(Server::new(handler, limits));
    let mut doors = JoinSet::new();
    for listener in listeners {
        doors.spawn(Arc::clone(&server).open(listener, stopped.clone()));
    }
    drop(stopped);
    shutdown.await;
    close(doors, stop, limits.grace).await;
}

/// Tells the doors to close, and waits until they have.
async fn close(mut doors: JoinSet<()>, stop: watch::Sender<()>, grace: Duration) {
    drop(stop);
    let finished = async { while doors.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, finished).await.is_err() {
        tracing::warn!("calls were still running at shutdown: their connections are cut");
    }
}

/// What all connections share.
struct Server<H> {
    handler: Arc<H>,
    limits: Limits,
    connections: Arc<Semaphore>,
    sources: Arc<Sources>,
    handshakes: Semaphore,
    large: Arc<Semaphore>,
}

/// A connection's share of what there is, the source's first: it ends before the next may come.
type Room = (Place, OwnedSemaphorePermit);

/// Closed (by dropping its sender) when the server stops.
type Stopped = watch::Receiver<()>;

impl<H: Handler> Server<H> {
    fn new(handler: Arc<H>, limits: Limits) -> Self {
        Self {
            handler,
            limits,
            connections: Arc::new(Semaphore::new(limits.max_connections)),
            sources: Arc::new(Sources::new(limits.max_connections.div_ceil(2))),
            handshakes: Semaphore::new(limits.max_handshakes),
            large: Arc::new(Semaphore::new(limits.large)),
        }
    }

    /// Accepts at one listener until the server stops, then waits for its connections.
    async fn open(self: Arc<Self>, listener: Listener, mut stopped: Stopped) {
        let mut connections = JoinSet::new();
        let Listener { socket, tls, .. } = listener;
        let tls = tls.map(|it| TlsAcceptor::from(it.config));
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                accepted = self.accept(&socket) => accepted,
            };
            while connections.try_join_next().is_some() {}
            let Some((stream, peer, room)) = accepted else { continue };
            let (server, tls, stopped) = (Arc::clone(&self), tls.clone(), stopped.clone());
            connections.spawn(async move {
                server.handler.notice(Traffic::Opened);
                server.meet(stream, peer, tls, stopped).await;
                server.handler.notice(Traffic::Closed);
                drop(room);
            });
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, once there is room for it: room is taken after the connection came, so
    /// that a quiet listener holds none. A source that has its share already is turned away.
    async fn accept(&self, socket: &TcpListener) -> Option<(TcpStream, SocketAddr, Room)> {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
                let place = self.sources.take(peer.ip());
                if place.is_none() {
                    self.handler.notice(Traffic::TurnedAway);
                }
                Some((stream, peer, (place?, permit)))
            }
            Err(error) => {
                if !is_of_one_connection(&error) {
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None
            }
        }
    }

    async fn meet(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<TlsAcceptor>,
        mut stopped: Stopped,
    ) {
        // Without it answers wait for acknowledgements; an error means that the client is gone.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(tls) = tls else { return self.talk(stream, peer, false, stopped).await };
        let handshake = async {
            let _turn = self.handshakes.acquire().await;
            tls.accept(stream).await
        };
        let met = tokio::select! {
            biased;
            _ = stopped.changed() => return,
            met = tokio::time::timeout(self.limits.handshake_timeout, handshake) => met,
        };
        let done = matches!(met, Ok(Ok(_)));
        self.handler.notice(if done { Traffic::Handshake } else { Traffic::NoHandshake });
        match met {
            Ok(Ok(stream)) => self.talk(stream, peer, true, stopped).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }

    async fn talk<S>(&self, stream: S, peer: SocketAddr, tls: bool, mut stopped: Stopped)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let lane = Arc::new(Lane::default());
        let front = Front::new(stream, Arc::clone(&lane), Arc::clone(&self.large), self.limits);
        let connection = Arc::new(Connection {
            handler: Arc::clone(&self.handler),
            limits: self.limits,
            connections: Arc::clone(&self.connections),
            large: Arc::clone(&self.large),
            lane: Arc::clone(&lane),
            tls,
            peer,
        });
        let service = service_fn(move |request| Arc::clone(&connection).answer(request));
        let mut http = pin!(
            http1::Builder::new()
                // A call runs on when its client has sent all it will; the front keeps the time.
                .half_close(true)
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(front), service)
        );
        let mut stop = pin!(stopped.changed());
        let mut running = true;
        let ended = poll_fn(|context| {
            if running && stop.as_mut().poll(context).is_ready() {
                running = false;
                lane.close();
                http.as_mut().graceful_shutdown();
            }
            http.as_mut().poll(context)
        })
        .await;
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}

/// Whether the next connection may well be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
