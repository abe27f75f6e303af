//! How a target is reached: a connection, TLS where it is asked for, and an end to waiting.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use yaoku_model::target::{Target, TlsMode};

use crate::{Fault, PATIENCE, text::said};

/// Waits for something, but not for ever.
pub(crate) async fn patiently<T>(
    what: impl Future<Output = Result<T, Fault>> + Send,
) -> Result<T, Fault> {
    tokio::time::timeout(PATIENCE, what).await.unwrap_or(Err(Fault::TimedOut))
}

/// A connection, as the target wants it.
pub(crate) async fn open(target: &Target) -> Result<Stream, Fault> {
    let stream = reach(target).await?;
    match Secure::of(target)? {
        None => Ok(Stream::plain(stream)),
        Some(secure) => secure.handshake(stream).await.map_err(|error| broken(&error)),
    }
}

/// A connection with nothing on it yet.
pub(crate) async fn reach(target: &Target) -> Result<TcpStream, Fault> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let stream = stream.map_err(|error| broken(&error))?;
    stream.set_nodelay(true).map_err(|error| broken(&error))?;
    Ok(stream)
}

/// TLS with the server that a target names.
pub(crate) struct Secure {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Secure {
    /// What it takes; `None` if the target is reached without.
    pub(crate) fn of(target: &Target) -> Result<Option<Self>, Fault> {
        if target.tls == TlsMode::Off {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities(target)?);
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(target.host.clone());
        let name = name.map_err(|_| Fault::NotTrusted("its host is no name".to_owned()))?;
        Ok(Some(Self { connector: TlsConnector::from(Arc::new(config)), name }))
    }

    /// Agrees on keys, and looks who it is.
    pub(crate) async fn handshake(self, stream: TcpStream) -> io::Result<Stream> {
        let stream = self.connector.connect(self.name, stream).await?;
        Ok(Stream::over(Way::Secure(Box::new(stream))))
    }
}

/// The authorities that a target's certificate may be by. Those of the machine are read once: a
/// change of them is seen after a restart.
pub(crate) fn authorities(target: &Target) -> Result<Vec<CertificateDer<'static>>, Fault> {
    static MACHINE: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    let Some(ca) = &target.ca else {
        let read = || {
            let usable = |it: &CertificateDer<'_>| RootCertStore::empty().add(it.clone()).is_ok();
            rustls_native_certs::load_native_certs().certs.into_iter().filter(usable).collect()
        };
        return Ok(MACHINE.get_or_init(read).clone());
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(ca.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Fault::NotTrusted("its authorities are no certificates in PEM".to_owned())),
    }
}

/// The longest answer that is read, in bytes: all that comes before the next that is written. Our
/// choice; the longest that is asked for is Redis's list of accounts.
pub(crate) const LONGEST_ANSWER: usize = 4 << 20;

/// A connection, with TLS or without, that ends when the server says too much: what libraries read
/// they keep, and a server may be anybody's.
pub(crate) struct Stream {
    way: Way,
    /// How much more may be read.
    left: usize,
}

enum Way {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Without TLS.
    pub(crate) const fn plain(stream: TcpStream) -> Self {
        Self::over(Way::Plain(stream))
    }

    const fn over(way: Way) -> Self {
        Self { way, left: LONGEST_ANSWER }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        ready!(match &mut this.way {
            Way::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Way::Secure(stream) => Pin::new(stream).poll_read(cx, into),
        })?;
        let left = this.left.checked_sub(into.filled().len() - before);
        this.left = left.ok_or_else(|| io::Error::other("its answer is too long"))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.left = LONGEST_ANSWER;
        match &mut this.way {
            Way::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Way::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Way::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().way {
            Way::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// What an error below the protocol is: TLS does not trust who answers, or nobody does.
pub(crate) fn broken(error: &(dyn Error + 'static)) -> Fault {
    let (mut next, mut last) = (Some(error), error);
    while let Some(error) = next {
        last = error;
        // An error that `io::Error` wraps is not its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|it| it.downcast_ref::<rustls::Error>());
        if let Some(tls) = inner.or_else(|| error.downcast_ref()) {
            return Fault::NotTrusted(match tls {
                // What came is no record of TLS at all.
                rustls::Error::InvalidMessage(_) => "it speaks no TLS on this port".to_owned(),
                _ => said(&tls.to_string(), None),
            });
        }
        next = error.source();
    }
    // The innermost says most.
    Fault::Unreachable(said(&last.to_string(), None))
}
