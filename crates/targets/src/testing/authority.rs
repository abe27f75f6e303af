//! An authority for certificates, and a server's certificate by it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

/// An authority, and the certificate of a server on this machine.
pub struct Authority {
    certificate: String,
    leaf: String,
    leaf_key: String,
}

impl Authority {
    /// One that nobody else has.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn new() -> Self {
        match Self::make() {
            Ok(it) => it,
            Err(error) => panic!("no certificates for the test servers: {error}"),
        }
    }

    /// Its own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A server's certificate, for 127.0.0.1 alone, and its key, PEM.
    pub(super) fn leaf(&self) -> (&str, &str) {
        (&self.leaf, &self.leaf_key)
    }

    fn make() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate()?;
        let mut leaf = CertificateParams::default();
        leaf.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let leaf = leaf.signed_by(&leaf_key, &issuer)?.pem();
        Ok(Self { certificate, leaf, leaf_key: leaf_key.serialize_pem() })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
