//! TLS on the real program: a client that trusts one root, and the change of a certificate.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use rustix::process::Signal;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use yaoku_server::listen::ca::{Names, PrivateCa};

use crate::harness::{Deployment, key_file, now};

/// Connects as a client that trusts `root`.
async fn connect(address: SocketAddr, root: &str) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Sends a request, and reads until the server closes.
pub(crate) async fn exchange(address: SocketAddr, root: &str, request: &[u8]) -> String {
    let mut stream = connect(address, root).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut read = Vec::new();
    _ = stream.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}

fn ca(directory: &Path) -> PrivateCa {
    fs::create_dir(directory).unwrap();
    let names = Names { region: "cn-hangzhou".to_owned(), ..Names::default() };
    PrivateCa::create_or_load(directory, &names, now()).unwrap()
}

#[tokio::test]
async fn sighup_serves_the_new_certificate_and_keeps_the_old_one_if_that_is_bad() {
    let it = Deployment::new(&format!(
        "[tls]\ncertificate = \"HOME/old/server.pem\"\nkey = \"HOME/old/server.key\"\n{}",
        key_file("main", "one")
    ));
    let (old, new) = (ca(&it.path("old")), ca(&it.path("new")));
    let it = it.made();
    let mut server = it.serve();
    let address = server.address("https");
    connect(address, &old.ca_pem).await.unwrap();
    connect(address, &new.ca_pem).await.unwrap_err();
    fs::write(it.path("old/server.pem"), "damaged").unwrap();
    server.signal(Signal::HUP);
    server.wait_for("no new certificate");
    connect(address, &old.ca_pem).await.unwrap();
    for file in ["server.pem", "server.key"] {
        fs::copy(it.path("new").join(file), it.path("old").join(file)).unwrap();
    }
    server.signal(Signal::HUP);
    server.wait_for("a new certificate is served");
    connect(address, &new.ca_pem).await.unwrap();
    connect(address, &old.ca_pem).await.unwrap_err();
    assert!(server.stop().success());
}
