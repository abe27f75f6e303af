//! Listening: sockets, TLS, HTTP/1.1, and the private CA. Bytes come in here and leave as
//! [`HttpCall`]s; answers go the other way.

mod admin;
pub mod ca;
mod crowd;
mod front;
mod head;
mod http;
mod lane;
mod limits;
pub mod renewal;
mod share;
pub mod tls;

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, server::Acceptor};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

pub use self::{
    admin::{ADMIN_SOCKET, AdminSocket, must_fit},
    http::{Fault, Handler, HttpCall, HttpReply, Traffic},
    limits::{Limits, OutOfRange},
    tls::TlsSettings,
};
use self::{
    crowd::{Crowd, Place},
    front::Front,
    http::Connection,
    lane::Lane,
    share::{Pool, Turns},
};

/// How long to wait when the machine has no more file descriptors or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
    crowd: Arc<Crowd>,
    handshakes: Turns,
    large: Arc<Pool>,
}

/// Closed (by dropping its sender) when the server stops.
type Stopped = watch::Receiver<()>;

impl<H: Handler> Server<H> {
    fn new(handler: Arc<H>, limits: Limits) -> Self {
        Self {
            handler,
            limits,
            crowd: Arc::new(Crowd::new(limits.max_connections)),
            handshakes: Turns::new(limits.max_handshakes),
            large: Arc::new(Pool::new(limits.large)),
        }
    }

    /// Accepts at one listener until the server stops, then waits for its connections.
    async fn open(self: Arc<Self>, listener: Listener, mut stopped: Stopped) {
        let mut connections = JoinSet::new();
        let Listener { socket, tls, .. } = listener;
        let tls = tls.map(|it| it.config);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                accepted = self.accept(&socket) => accepted,
            };
            while connections.try_join_next().is_some() {}
            let Some((stream, guest)) = accepted else { continue };
            let (server, tls, stopped) = (Arc::clone(&self), tls.clone(), stopped.clone());
            connections.spawn(async move {
                server.handler.notice(Traffic::Opened);
                server.meet(stream, guest, tls, stopped).await;
                server.handler.notice(Traffic::Closed);
            });
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, once there is room for it: room is taken after the connection came, so
    /// that a quiet listener holds none.
    async fn accept(&self, socket: &TcpListener) -> Option<(TcpStream, Guest)> {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let place = self.crowd.enter(peer.ip()).await;
                if place.is_none() {
                    self.handler.notice(Traffic::TurnedAway);
                }
                Some((stream, Guest { peer, tls: false, place: place? }))
            }
            Err(error) => {
                if !is_of_one_connection(&error) {
                    tracing::warn!(%error, "no connection can be accepted");
                    // What is short is mostly descriptors.
                    self.crowd.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None
            }
        }
    }

    async fn meet(
        &self,
        stream: TcpStream,
        mut guest: Guest,
        tls: Option<Arc<ServerConfig>>,
        mut stopped: Stopped,
    ) {
        // Without it answers wait for acknowledgements; an error means that the client is gone.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(tls) = tls else { return self.talk(stream, guest, stopped).await };
        let handshake = self.handshake(stream, guest.place.source(), tls);
        let met = tokio::select! {
            biased;
            _ = stopped.changed() => return,
            () = guest.place.sent_away() => return,
            met = tokio::time::timeout(self.limits.handshake_timeout, handshake) => met,
        };
        let done = matches!(met, Ok(Ok(_)));
        self.handler.notice(if done { Traffic::Handshake } else { Traffic::NoHandshake });
        let peer = guest.peer;
        match met {
            Ok(Ok(stream)) => {
                guest.tls = true;
                self.talk(stream, guest, stopped).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }

    /// A turn is had for computing alone, not while the client is waited for.
    async fn handshake(
        &self,
        stream: TcpStream,
        source: IpAddr,
        tls: Arc<ServerConfig>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let computed = {
            let _turn = self.handshakes.take(source).await;
            hello.into_stream(tls)
        };
        computed.await
    }

    async fn talk<S>(&self, stream: S, guest: Guest, mut stopped: Stopped)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Guest { peer, tls, place } = guest;
        let lane = Arc::new(Lane::new(place, Arc::clone(&self.large)));
        let front = Front::new(stream, Arc::clone(&lane), self.limits);
        let connection = Arc::new(Connection {
            handler: Arc::clone(&self.handler),
            limits: self.limits,
            lane: Arc::clone(&lane),
            tls,
            peer,
        });
        let service = service_fn(move |request| Arc::clone(&connection).answer(request));
        let mut http = pin!(
            http1::Builder::new()
                // A call runs on when its client has sent all it will; the front keeps the time.
                .half_close(true)
                // Answers are small: to copy one behind its head costs less than a second vector.
                .writev(false)
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
        });
        tokio::select! {
            biased;
            ended = ended => if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection broke");
            },
            () = lane.place().sent_away() => tracing::debug!(%peer, "idle, and others wait"),
        }
    }
}

/// Who is at the other end of a connection, and the place it has here.
struct Guest {
    peer: SocketAddr,
    tls: bool,
    place: Place,
}

/// Whether the next connection may well be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
