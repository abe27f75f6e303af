//! Whom this program trusts where it is the client: the certificates of a file, or the machine's own.

use std::path::Path;

use anyhow::Context as _;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The certificates of a file, or those of the machine (or of `SSL_CERT_FILE`), as far as they can be
/// read. May be none: what needs them then fails.
pub(crate) fn roots(ca: Option<&Path>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let read = || format!("{} holds no certificates", file.display());
        let found = CertificateDer::pem_file_iter(file).with_context(read)?;
        for certificate in found {
            roots.add(certificate.with_context(read)?).with_context(read)?;
        }
    } else {
        // Whichever can be read: a call fails if they are not enough.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}
