//! The private CA: many clients talk TLS only, so a fresh server makes its own root and certificate.
//! Source: clients.md §0.4 and A.2.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::aws_lc_rs,
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use yaoku_model::time::Timestamp;

use super::tls::{ServerIdentity, certified};

/// The root certificate's file in its directory.
pub const CA_FILE: &str = "ca.pem";

const DAY: i64 = 24 * 3600;
/// The root: ten years. It is not renewed by itself, since every client holds it.
const ROOT_DAYS: i64 = 3652;
/// A day less than the longest that clients accept for a server (398, the rule of the public Web).
const SERVER_DAYS: i64 = 397;
/// A server certificate with less than this left is issued anew.
const RENEW_DAYS: i64 = 30;
/// Certificates begin this much early, for clients whose clocks are slow: our choice.
const EARLY: i64 = 3600;

/// What the server is called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The region, as in `kms.<region>.aliyuncs.com`.
    pub region: String,
    /// The machine's name, if known.
    pub hostname: Option<String>,
    /// Addresses listened on. Unspecified ones (`0.0.0.0`, `::`) name no host and are left out.
    pub addresses: Vec<IpAddr>,
    /// What else clients call it: names or addresses.
    pub others: Vec<String>,
}

impl Names {
    /// Every DNS name and address that the certificate carries; loopback is always among them.
    /// Source: clients.md §0.4, identity.md §1.9.
    #[must_use]
    pub fn subject_alt_names(&self) -> Vec<String> {
        let region = &self.region;
        let mut names = vec![
            "localhost".to_owned(),
            "*.cryptoservice.kms.aliyuncs.com".to_owned(),
            format!("kms.{region}.aliyuncs.com"),
            format!("kms-vpc.{region}.aliyuncs.com"),
            "ram.aliyuncs.com".to_owned(),
            "sts.aliyuncs.com".to_owned(),
            format!("sts.{region}.aliyuncs.com"),
            IpAddr::V4(Ipv4Addr::LOCALHOST).to_string(),
            IpAddr::V6(Ipv6Addr::LOCALHOST).to_string(),
        ];
        let others = self.hostname.iter().chain(&self.others).map(|it| it.to_ascii_lowercase());
        let addresses = self.addresses.iter().filter(|it| !it.is_unspecified());
        for name in others.chain(addresses.map(ToString::to_string)) {
            if ServerName::try_from(name.as_str()).is_ok() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Why there is no CA or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// `ca.pem` or `ca.key` is damaged, or they do not belong together. Nothing is overwritten:
    /// clients trust this root.
    #[error("ca.pem and ca.key cannot be used together")]
    Root,
    /// A certificate could not be made.
    #[error("a certificate could not be made")]
    Issue(#[source] rcgen::Error),
}

/// The root and the certificate it issued, as they lie in their directory.
#[derive(Debug)]
pub struct PrivateCa {
    /// Path of the root certificate (PEM), which clients are to trust.
    pub ca_file: PathBuf,
    /// The root certificate.
    pub ca_pem: String,
    /// What to serve.
    pub server: ServerIdentity,
    /// Whether the server's certificate was issued just now.
    pub issued: bool,
}

impl PrivateCa {
    /// Loads `ca.pem` (0644), `ca.key` (0600), `server.pem` (0644) and `server.key` (0600) from `dir`,
    /// which must exist. Makes what is missing; the server's certificate also when it has less than 30
    /// days left, lacks one of `names`, or is not of this root. Files are replaced whole, and are on
    /// disk when this returns. One process at a time: the caller holds the directory's lock.
    pub fn create_or_load(dir: &Path, names: &Names, now: Timestamp) -> Result<Self, CaError> {
        let ca_file = dir.join(CA_FILE);
        let root_key = Key::load_or_make(&dir.join("ca.key"))?;
        let ca_pem = root_pem(&ca_file, &root_key.0, now)?;
        let der = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|_| CaError::Root)?;
        root_key.check(&ca_pem)?;
        let names = names.subject_alt_names();
        let (chain, key) = (dir.join("server.pem"), dir.join("server.key"));
        if let (Some(chain_pem), Some(key_pem)) = (read(&chain)?, read(&key)?) {
            let server = ServerIdentity { chain_pem, key_pem: key_pem.into() };
            if is_good(&server, &der, &names, now) {
                return Ok(Self { ca_file, ca_pem, server, issued: false });
            }
        }
        let issuer = Issuer::from_ca_cert_der(&der, root_key.0).map_err(|_| CaError::Root)?;
        let server = issue(&issuer, names, now).map_err(CaError::Issue)?;
        write(&key, server.key_pem.expose_secret().as_bytes(), 0o600)?;
        write(&chain, server.chain_pem.as_bytes(), 0o644)?;
        Ok(Self { ca_file, ca_pem, server, issued: true })
    }
}

/// The root's key.
struct Key(KeyPair);

impl Key {
    fn load_or_make(path: &Path) -> Result<Self, CaError> {
        if let Some(pem) = read(path)? {
            return KeyPair::from_pem(&pem).map(Self).map_err(|_| CaError::Root);
        }
        // Never beside a root certificate whose key is lost.
        if path.with_extension("pem").exists() {
            return Err(CaError::Root);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::Issue)?;
        let pem = SecretString::from(key.serialize_pem());
        write(path, pem.expose_secret().as_bytes(), 0o600)?;
        Ok(Self(key))
    }

    fn check(&self, ca_pem: &str) -> Result<(), CaError> {
        let pair =
            ServerIdentity { chain_pem: ca_pem.to_owned(), key_pem: self.0.serialize_pem().into() };
        certified(&pair, &aws_lc_rs::default_provider()).map(drop).map_err(|_| CaError::Root)
    }
}

fn root_pem(path: &Path, key: &KeyPair, now: Timestamp) -> Result<String, CaError> {
    if let Some(pem) = read(path)? {
        return Ok(pem);
    }
    let pem = root(key, now).map_err(CaError::Issue)?;
    write(path, pem.as_bytes(), 0o644)?;
    Ok(pem)
}

fn root(key: &KeyPair, now: Timestamp) -> Result<String, rcgen::Error> {
    let mut params = params("Yaoku private CA", now, ROOT_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params.self_signed(key)?.pem())
}

fn issue(
    issuer: &Issuer<'_, KeyPair>,
    names: Vec<String>,
    now: Timestamp,
) -> Result<ServerIdentity, rcgen::Error> {
    let mut params = params("Yaoku", now, SERVER_DAYS);
    params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    // Explicit, because it also brings the subject key identifier.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let chain_pem = params.signed_by(&key, issuer)?.pem();
    Ok(ServerIdentity { chain_pem, key_pem: key.serialize_pem().into() })
}

/// Valid from an hour ago, for `days` in all.
fn params(name: &str, now: Timestamp, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(now.plus_seconds(-EARLY));
    params.not_after = date(now.plus_seconds(days * DAY - EARLY));
    params
}

fn date(moment: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(moment.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Whether a client that trusts `root` will take this certificate now and for a month, by every name.
fn is_good(
    server: &ServerIdentity,
    root: &CertificateDer<'_>,
    names: &[String],
    now: Timestamp,
) -> bool {
    let provider = aws_lc_rs::default_provider();
    let Ok(key) = certified(server, &provider) else { return false };
    let mut roots = RootCertStore::empty();
    let (Some(leaf), Ok(())) = (key.cert.first(), roots.add(root.clone().into_owned())) else {
        return false;
    };
    let Ok(leaf) = ParsedCertificate::try_from(leaf) else { return false };
    let valid_at = |moment: Timestamp| {
        let seconds = u64::try_from(moment.unix_seconds()).unwrap_or_default();
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&leaf, &roots, &[], moment, algorithms).is_ok()
    };
    let answers_to = |name: &String| {
        ServerName::try_from(name.replace('*', "any"))
            .is_ok_and(|it| verify_server_name(&leaf, &it).is_ok())
    };
    valid_at(now) && valid_at(now.plus_seconds(RENEW_DAYS * DAY)) && names.iter().all(answers_to)
}

fn read(path: &Path) -> Result<Option<String>, CaError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CaError::File { path: path.to_owned(), source }),
    }
}

/// The whole file or the old one, also after a power cut.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), CaError> {
    let replace = || {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    replace().map_err(|source| CaError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use yaoku_model::time::Timestamp;

    use super::{CaError, DAY, Names, PrivateCa};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn names() -> Names {
        Names { region: "cn-hangzhou".to_owned(), ..Names::default() }
    }

    fn load(dir: &Path, names: &Names, days: i64) -> Result<PrivateCa, CaError> {
        PrivateCa::create_or_load(dir, names, NOW.plus_seconds(days * DAY))
    }

    #[test]
    fn a_root_without_its_key_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let before = load(dir.path(), &names(), 0).unwrap();
        fs::remove_file(dir.path().join("ca.key")).unwrap();
        assert!(matches!(load(dir.path(), &names(), 0), Err(CaError::Root)));
        assert_eq!(fs::read_to_string(&before.ca_file).unwrap(), before.ca_pem);
    }

    #[test]
    fn a_root_with_another_roots_key_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&one, &two] {
            load(dir.path(), &names(), 0).unwrap();
        }
        fs::copy(one.path().join("ca.key"), two.path().join("ca.key")).unwrap();
        assert!(matches!(load(two.path(), &names(), 0), Err(CaError::Root)));
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        assert!(matches!(load(Path::new("/nowhere"), &names(), 0), Err(CaError::File { .. })));
    }

    #[test]
    fn keys_are_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        load(dir.path(), &names(), 0).unwrap();
        let mut files: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|it| it.unwrap())
            .map(|it| (it.file_name(), it.metadata().unwrap().permissions().mode() & 0o777))
            .collect();
        files.sort();
        let expected =
            [("ca.key", 0o600), ("ca.pem", 0o644), ("server.key", 0o600), ("server.pem", 0o644)];
        assert_eq!(files, expected.map(|(name, mode)| (name.into(), mode)));
    }

    #[test]
    fn a_restart_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(dir.path(), &names(), 0).unwrap();
        let second = load(dir.path(), &names(), 300).unwrap();
        assert!(first.issued && !second.issued);
        assert_eq!(first.ca_pem, second.ca_pem);
        assert_eq!(first.server.chain_pem, second.server.chain_pem);
    }

    #[test]
    fn what_no_longer_serves_is_issued_anew_by_the_same_root() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(dir.path(), &names(), 0).unwrap();
        let more = Names {
            hostname: Some("KMS-1.example.com".to_owned()),
            addresses: vec!["192.0.2.7".parse().unwrap(), "0.0.0.0".parse().unwrap()],
            ..names()
        };
        for (names, days) in [(&more, 0), (&more, 368), (&names(), 5000)] {
            let again = load(dir.path(), names, days).unwrap();
            assert!(again.issued, "{days}");
            assert_eq!(again.ca_pem, first.ca_pem);
            assert!(!load(dir.path(), names, days).unwrap().issued, "{days}");
        }
        fs::remove_file(dir.path().join("server.key")).unwrap();
        assert!(load(dir.path(), &more, 5000).unwrap().issued);
        fs::write(dir.path().join("server.pem"), "damaged").unwrap();
        assert!(load(dir.path(), &more, 5000).unwrap().issued);
    }

    #[test]
    fn a_server_certificate_of_another_root_is_replaced() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&one, &two] {
            load(dir.path(), &names(), 0).unwrap();
        }
        for file in ["server.pem", "server.key"] {
            fs::copy(one.path().join(file), two.path().join(file)).unwrap();
        }
        assert!(load(two.path(), &names(), 0).unwrap().issued);
    }

    #[test]
    fn names_that_no_certificate_can_carry_are_left_out() {
        let names = Names { hostname: Some("my machine".to_owned()), ..names() };
        assert!(!names.subject_alt_names().iter().any(|it| it.contains(' ')));
    }

    #[test]
    fn the_key_is_not_in_debug_output() {
        let dir = tempfile::tempdir().unwrap();
        let ca = load(dir.path(), &names(), 0).unwrap();
        assert!(!format!("{ca:?}").contains("PRIVATE KEY"));
    }
}
