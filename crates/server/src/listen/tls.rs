//! TLS as we serve it: 1.2 and 1.3, HTTP/1.1 only, with a certificate that can be changed while running.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    InconsistentKeys, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use yaoku_model::time::Timestamp;

use crate::private::{NotPrivate, Privacy};

/// A certificate chain with its private key, both PEM.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    /// The server's certificate first, then any between it and the root.
    pub chain_pem: String,
    /// PKCS#8, PKCS#1 or SEC 1.
    pub key_pem: SecretString,
}

impl ServerIdentity {
    /// Reads both files. That of the key must be private.
    pub fn read(chain: &Path, key: &Path, privacy: &Privacy) -> Result<Self, TlsError> {
        let unread = |path: &Path, source| TlsError::File { path: path.into(), source };
        let chain_pem = fs::read_to_string(chain).map_err(|it| unread(chain, it))?;
        privacy.check(key, &key.metadata().map_err(|it| unread(key, it))?)?;
        let key_pem = fs::read_to_string(key).map_err(|it| unread(key, it))?;
        Ok(Self { chain_pem, key_pem: key_pem.into() })
    }
}

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Not PEM, or no certificate or key in it. The text never quotes the input.
    #[error("not a PEM certificate chain with its key")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// Two files that do not belong together, as while they are being replaced.
    #[error("the key is not that of the certificate: one of the two files is another one's")]
    OtherKey,
    /// It is over.
    #[error("the certificate ended {0}")]
    Ended(Timestamp),
    /// It has not begun.
    #[error("the certificate begins only {0}")]
    NotBegun(Timestamp),
    /// Others may open the key's file.
    #[error("the key: {0}")]
    NotPrivate(#[from] NotPrivate),
    /// The certificate or the key is of a kind that rustls cannot use.
    #[error("the certificate or its key is of a kind that cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
}

/// The TLS side of a listener. Clones share one certificate: changing it changes it for all.
#[derive(Clone)]
pub struct TlsSettings {
    pub(super) config: Arc<ServerConfig>,
    current: Arc<Current>,
}

impl TlsSettings {
    /// Serves `identity`, until another is [set](Self::set_identity). Sessions resume by tickets whose
    /// keys live in this process and change every six hours.
    pub fn new(identity: &ServerIdentity) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(ArcSwap::from_pointee(certified(identity, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Unusable)?;
        Ok(Self { config: Arc::new(config), current })
    }

    /// When the certificate that is served now ends.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.validity().map(|(_, end)| end)
    }

    /// Fails unless the certificate that is served now has begun and not ended.
    pub fn must_be_valid_at(&self, now: Timestamp) -> Result<(), TlsError> {
        let undated = || TlsError::Unusable(rustls::CertificateError::BadEncoding.into());
        let (begin, end) = self.validity().ok_or_else(undated)?;
        if now.unix_seconds() < begin.unix_seconds() {
            return Err(TlsError::NotBegun(begin));
        }
        if now.unix_seconds() > end.unix_seconds() {
            return Err(TlsError::Ended(end));
        }
        Ok(())
    }

    fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        let current = self.current.0.load();
        let (_, leaf) = x509_parser::parse_x509_certificate(current.cert.first()?).ok()?;
        let (from, to) = (leaf.validity().not_before, leaf.validity().not_after);
        let moment = Timestamp::from_unix_seconds;
        Some((moment(from.timestamp()), moment(to.timestamp())))
    }

    /// The settings as rustls has them: for another server that shall do TLS exactly as this one.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Handshakes that begin after this are served `identity`; on an error the old one stays.
    pub fn set_identity(&self, identity: &ServerIdentity) -> Result<(), TlsError> {
        self.current.0.store(Arc::new(certified(identity, self.config.crypto_provider())?));
        Ok(())
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings").finish_non_exhaustive()
    }
}

/// The certificate, checked to fit its key.
pub(super) fn certified(
    identity: &ServerIdentity,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(TlsError::Pem)?;
    if chain.is_empty() {
        return Err(TlsError::Pem(rustls_pki_types::pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose_secret().as_bytes())
        .map_err(TlsError::Pem)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::OtherKey,
        other => TlsError::Unusable(other),
    })
}

/// Every name gets the one certificate: clients reach us by addresses and names of all sorts.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}
