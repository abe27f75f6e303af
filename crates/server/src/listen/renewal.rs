//! The certificate that is served, and how it is followed by the next one without a restart.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use yaoku_model::time::Timestamp;

use super::{
    ca::{CaError, Names, PrivateCa},
    tls::{ServerIdentity, TlsError, TlsSettings},
};
use crate::private::Privacy;

/// Where a certificate comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Two files, which somebody else renews.
    Files {
        /// The certificate chain, PEM.
        chain: PathBuf,
        /// Its key, PEM.
        key: PathBuf,
        /// Whose the key's file must be, at the start and at each renewal.
        privacy: Privacy,
    },
    /// The private CA in a directory, which issues the next one a month before the last one ends.
    PrivateCa {
        /// The directory.
        directory: PathBuf,
        /// What the server is called.
        names: Names,
    },
}

/// Why there is no certificate, or none to follow it.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// Of the private CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Of the files.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The certificate of a server.
#[derive(Debug)]
pub struct Certificate {
    origin: Origin,
    settings: TlsSettings,
    served: ServerIdentity,
    trusted_pem: String,
}

impl Certificate {
    /// Reads or makes the certificate.
    pub fn open(origin: Origin, now: Timestamp) -> Result<Self, RenewalError> {
        let (served, trusted_pem) = origin.identity(now)?;
        let settings = TlsSettings::new(&served)?;
        settings.must_be_valid_at(now)?;
        Ok(Self { origin, settings, served, trusted_pem })
    }

    /// The TLS side of the listeners that serve it.
    #[must_use]
    pub const fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    /// The certificates that clients are to trust, PEM: the private CA's root, or the chain itself.
    #[must_use]
    pub fn trusted_pem(&self) -> &str {
        &self.trusted_pem
    }

    /// Looks for the next one, and serves it from the next handshake on. `true` if there was one. On
    /// an error the old one stays.
    pub fn renew(&mut self, now: Timestamp) -> Result<bool, RenewalError> {
        let (next, _) = self.origin.identity(now)?;
        let key = |it: &ServerIdentity| it.key_pem.expose_secret().to_owned();
        if next.chain_pem == self.served.chain_pem && key(&next) == key(&self.served) {
            return Ok(false);
        }
        // Judged apart from what is served, so that a bad one changes nothing.
        TlsSettings::new(&next)?.must_be_valid_at(now)?;
        self.settings.set_identity(&next)?;
        self.served = next;
        Ok(true)
    }
}

impl Origin {
    fn identity(&self, now: Timestamp) -> Result<(ServerIdentity, String), RenewalError> {
        match self {
            Self::Files { chain, key, privacy } => {
                let identity = ServerIdentity::read(chain, key, privacy)?;
                let trusted = identity.chain_pem.clone();
                Ok((identity, trusted))
            }
            Self::PrivateCa { directory, names } => {
                let ca = PrivateCa::create_or_load(directory, names, now)?;
                Ok((ca.server, ca.ca_pem))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

    use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
    use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::{TlsAcceptor, TlsConnector};
    use yaoku_model::time::Timestamp;

    use super::{Certificate, Names, Origin, Privacy, PrivateCa};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);
    const DAY: i64 = 86_400;

    /// What a client sees that trusts `root` (and has the machine's clock switched off).
    async fn served(certificate: &Certificate, root: &str) -> Result<Vec<u8>, String> {
        let acceptor = TlsAcceptor::from(Arc::clone(&certificate.settings().config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            _ = acceptor.accept(stream).await;
        });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_details(
            Arc::new(aws_lc_rs::default_provider()),
            Arc::new(At(NOW)),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let stream = stream.map_err(|it| it.to_string())?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    }

    #[derive(Debug)]
    struct At(Timestamp);

    impl rustls::time_provider::TimeProvider for At {
        fn current_time(&self) -> Option<rustls_pki_types::UnixTime> {
            let seconds = u64::try_from(self.0.unix_seconds()).unwrap();
            Some(rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(
                seconds,
            )))
        }
    }

    fn private(directory: &Path) -> Origin {
        let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
        Origin::PrivateCa { directory: directory.to_owned(), names }
    }

    fn files(directory: &Path) -> Origin {
        let [chain, key] = ["server.pem", "server.key"].map(|it| directory.join(it));
        Origin::Files { chain, key, privacy: Privacy::default() }
    }

    #[tokio::test]
    async fn the_private_ca_renews_its_certificate_a_month_before_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        // Issued so long ago that it has 32 days left now.
        let begun = NOW.plus_seconds((32 - 397) * DAY);
        let mut it = Certificate::open(private(directory.path()), begun).unwrap();
        let root = it.trusted_pem().to_owned();
        let first = served(&it, &root).await.unwrap();
        assert!(!it.renew(NOW).unwrap(), "32 days are left");
        assert_eq!(served(&it, &root).await.unwrap(), first);
        let end = it.settings().expires().unwrap();
        assert!(it.renew(NOW.plus_seconds(3 * DAY)).unwrap(), "29 days are left");
        assert_ne!(it.settings().expires().unwrap(), end);
        // Valid from an hour before it was made: a client whose clock stands at NOW waits for it.
        let error = served(&it, &root).await.unwrap_err();
        assert!(error.contains("NotValidYet") || error.contains("not valid yet"), "{error}");
    }

    #[tokio::test]
    async fn a_bad_file_keeps_the_old_certificate_and_a_good_one_follows_it() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
        let old = PrivateCa::create_or_load(one.path(), &names, NOW).unwrap();
        let new = PrivateCa::create_or_load(two.path(), &names, NOW).unwrap();
        let mut it = Certificate::open(files(one.path()), NOW).unwrap();
        let first = served(&it, &old.ca_pem).await.unwrap();
        assert!(!it.renew(NOW).unwrap());
        fs::write(one.path().join("server.pem"), "damaged").unwrap();
        it.renew(NOW).unwrap_err();
        // The chain of one and the key of the other, as while files are being replaced.
        fs::copy(two.path().join("server.pem"), one.path().join("server.pem")).unwrap();
        let error = it.renew(NOW).unwrap_err().to_string();
        assert!(error.starts_with("the key is not that of the certificate"), "{error}");
        assert_eq!(served(&it, &old.ca_pem).await.unwrap(), first);
        let key = one.path().join("server.key");
        fs::copy(two.path().join("server.key"), &key).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        let error = it.renew(NOW).unwrap_err().to_string();
        assert!(error.contains("may be opened by others (mode 0640)"), "{error}");
        assert_eq!(served(&it, &old.ca_pem).await.unwrap(), first);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(it.renew(NOW).unwrap());
        assert_ne!(served(&it, &new.ca_pem).await.unwrap(), first);
    }

    #[test]
    fn a_certificate_that_is_over_is_not_served() {
        let directory = tempfile::tempdir().unwrap();
        let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
        PrivateCa::create_or_load(directory.path(), &names, NOW).unwrap();
        let open = |now| Certificate::open(files(directory.path()), now);
        let error = |now| open(now).unwrap_err().to_string();
        assert_eq!(
            error(NOW.plus_seconds(400 * DAY)),
            "the certificate ended 2027-12-20T10:06:40Z"
        );
        let early = error(NOW.plus_seconds(-DAY));
        assert!(early.starts_with("the certificate begins only 2026-11-1"), "{early}");
        let mut it = Certificate::open(files(directory.path()), NOW).unwrap();
        PrivateCa::create_or_load(directory.path(), &names, NOW.plus_seconds(500 * DAY)).unwrap();
        it.renew(NOW).unwrap_err();
    }
}
