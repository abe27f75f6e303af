//! The admin socket: a Unix socket that only the one who runs the program may open.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{Mode, fchmod};
use tokio::{
    net::{UnixListener, UnixSocket, UnixStream},
    sync::watch,
    task::JoinSet,
};

use super::{ACCEPT_PAUSE, Guest, Handler, Limits, Server, Stopped, close};

/// The socket's name in the data directory.
pub const ADMIN_SOCKET: &str = "admin.sock";

/// Bytes of the longest path of a socket. Source: unix(7), `sun_path`, less the zero at its end.
const MAX_PATH: usize = 107;

/// Connections that the kernel keeps waiting. Our choice.
const BACKLOG: u32 = 64;

/// Where calls through the socket come from, as far as events are concerned: from this machine.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A bound admin socket; connections queue there from now on. Its file goes when it is dropped.
#[derive(Debug)]
pub struct AdminSocket {
    socket: UnixListener,
    _file: SocketFile,
}

impl AdminSocket {
    /// Binds the socket in `data`, mode 0600. One that a dead process has left there is removed.
    ///
    /// The caller has locked the directory, so that nobody alive listens there.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(ADMIN_SOCKET);
        must_fit(data)?;
        remove_stale(&path)?;
        let socket = UnixSocket::new_stream()?;
        // Before it has a name: at no time may anybody else open it.
        fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        socket.bind(&path)?;
        let file = SocketFile(path);
        Ok(Self { socket: socket.listen(BACKLOG)?, _file: file })
    }

    /// Serves as [`super::serve`] does.
    pub async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) {
        let (stop, stopped) = watch::channel(());
        let server = Arc::new(Server::new(handler, limits));
        let mut doors = JoinSet::new();
        doors.spawn(server.open_admin(self, stopped));
        shutdown.await;
        close(doors, stop, limits.grace).await;
    }

    async fn accept(&self) -> Option<UnixStream> {
        match self.socket.accept().await {
            Ok((stream, _)) => Some(stream),
            Err(error) => {
                tracing::warn!(%error, "no connection to the admin socket can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
        }
    }
}

impl<H: Handler> Server<H> {
    /// Accepts until the server stops, then waits for the connections.
    async fn open_admin(self: Arc<Self>, socket: AdminSocket, mut stopped: Stopped) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                accepted = socket.accept() => accepted,
            };
            while connections.try_join_next().is_some() {}
            let Some(stream) = accepted else { continue };
            let Some(place) = self.crowd.enter(PEER.ip()).await else { continue };
            let (server, stopped) = (Arc::clone(&self), stopped.clone());
            let guest = Guest { peer: PEER, tls: false, place };
            connections.spawn(async move { server.talk(stream, guest, stopped).await });
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }
}

/// Fails if the path of a directory is so long that the socket in it cannot have a name.
pub fn must_fit(data: &Path) -> io::Result<()> {
    let most = MAX_PATH - ADMIN_SOCKET.len() - 1;
    let length = data.as_os_str().len();
    if length > most {
        let what = format!(
            "{}: the path of a data directory may have {most} bytes, for the admin socket lies in \
             it, and this one has {length}",
            data.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(())
}

/// Removes a socket that nobody listens at any more; anything else of that name stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(it) if it.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The name of a socket, removed when it is dropped.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If it is gone already, all is well.
        _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixStream,
        sync::oneshot,
    };

    use super::{ADMIN_SOCKET, AdminSocket, Arc, Limits, SocketAddr, io};
    use crate::listen::{Fault, Handler, HttpCall, HttpReply};

    struct Echo;

    impl Handler for Echo {
        async fn handle(&self, call: HttpCall) -> HttpReply {
            reply(call.target)
        }

        fn refuse(&self, _: Fault, _: SocketAddr) -> HttpReply {
            reply("refused".into())
        }
    }

    fn reply(body: bytes::Bytes) -> HttpReply {
        HttpReply {
            status: 200,
            content_type: "text/plain",
            request_id: String::new(),
            headers: Vec::new(),
            body,
            known: true,
        }
    }

    #[tokio::test]
    async fn what_is_no_socket_is_not_removed() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(ADMIN_SOCKET), "mine").unwrap();
        let error = AdminSocket::bind(data.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_for_a_socket_is_refused_with_the_limit() {
        let home = tempfile::tempdir().unwrap();
        let length = 96 - home.path().as_os_str().len() - 1;
        let [fits, longer] = [length, length + 1].map(|it| home.path().join("d".repeat(it)));
        for data in [&fits, &longer] {
            std::fs::create_dir(data).unwrap();
        }
        AdminSocket::bind(&fits).unwrap();
        let error = AdminSocket::bind(&longer).unwrap_err().to_string();
        assert!(error.contains("may have 96 bytes") && error.ends_with("has 97"), "{error}");
    }

    #[tokio::test]
    async fn nobody_else_may_open_it_and_one_left_behind_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(ADMIN_SOCKET);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = AdminSocket::bind(data.path()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn calls_are_answered_until_it_stops() {
        let data = tempfile::tempdir().unwrap();
        let socket = AdminSocket::bind(data.path()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async { _ = stopped.await };
        let served = tokio::spawn(socket.serve(Arc::new(Echo), Limits::default(), until));
        let mut stream = UnixStream::connect(data.path().join(ADMIN_SOCKET)).await.unwrap();
        let call =
            b"POST /?a=b HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(call).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\n/?a=b"), "{answer}");
        stop.send(()).unwrap();
        served.await.unwrap();
        assert!(UnixStream::connect(data.path().join(ADMIN_SOCKET)).await.is_err());
    }
}
