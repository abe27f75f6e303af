//! Webhooks, against a server that speaks HTTPS on loopback.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_rustls::TlsAcceptor;

use super::{BadWebhook, Reach, Webhook, fits};
use crate::testing::Kms;

const SECRET: &[u8] = b"sixteen bytes or more";

/// A server that is told, and what it was told.
struct Listener {
    url: String,
    roots: RootCertStore,
    told: UnboundedReceiver<(HeaderMap, String)>,
    /// What it answers next; then 200.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

/// A socket on loopback that speaks TLS as `localhost`, and what it is trusted by.
pub(crate) async fn socket() -> (TcpListener, TlsAcceptor, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (socket, TlsAcceptor::from(Arc::new(settings)), roots)
}

impl Listener {
    async fn new() -> Self {
        let (socket, acceptor, roots) = socket().await;
        let port = socket.local_addr().unwrap().port();
        let (tell, told) = unbounded_channel();
        let answers = Arc::default();
        tokio::spawn(listen(socket, acceptor, tell, Arc::clone(&answers)));
        Self { url: format!("https://localhost:{port}/told?by=us"), roots, told, answers }
    }

    fn answers(self, codes: &[u16]) -> Self {
        self.answers.lock().unwrap().extend(codes);
        self
    }

    fn webhook(&self, names: &[&str]) -> Webhook {
        let names = names.iter().map(ToString::to_string).collect();
        let reach = Reach { roots: self.roots.clone(), private: true };
        Webhook::new(&self.url, names, SECRET, reach).unwrap()
    }
}

async fn listen(
    socket: TcpListener,
    acceptor: TlsAcceptor,
    tell: UnboundedSender<(HeaderMap, String)>,
    answers: Arc<Mutex<VecDeque<u16>>>,
) {
    loop {
        let (stream, _) = socket.accept().await.unwrap();
        let Ok(stream) = acceptor.accept(stream).await else { continue };
        let (tell, answers) = (tell.clone(), Arc::clone(&answers));
        let service = service_fn(move |request: Request<Incoming>| {
            let (tell, answers) = (tell.clone(), Arc::clone(&answers));
            async move {
                let (head, body) = request.into_parts();
                assert_eq!((head.method.as_str(), &*head.uri.to_string()), ("POST", "/told?by=us"));
                let body = body.collect().await.unwrap().to_bytes();
                _ = tell.send((head.headers, String::from_utf8(body.into()).unwrap()));
                let code = answers.lock().unwrap().pop_front().unwrap_or(200);
                let answer = Response::builder().status(code).header("location", "https://a.b");
                Ok::<_, Infallible>(answer.body(Empty::<Bytes>::new()).unwrap())
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Leaves a notice: a secret is deleted.
async fn leave(kms: &Kms, name: &str) {
    let make = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "x")];
    kms.call("CreateSecret", make).await.unwrap();
    let force = [("SecretName", name), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", force).await.unwrap();
}

/// How many webhooks are to be told yet of each notice, the last notice first.
async fn waiting(kms: &Kms) -> Vec<String> {
    let listed = kms.call("ListNotices", []).await.unwrap();
    let path = |nth| format!("Notices.Notice.{nth}.WebhooksWaiting");
    let count = listed.count("Notices.Notice").unwrap();
    (0..count).map(|nth| listed.get(&path(nth)).unwrap().to_owned()).collect()
}

async fn until_all_is_told(kms: &Kms) {
    while waiting(kms).await.iter().any(|it| it != "0") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_short_secret_or_another_url_than_https_is_refused() {
    let reach = || Reach { roots: RootCertStore::empty(), private: false };
    let of = |url: &str, secret: &[u8]| Webhook::new(url, Vec::new(), secret, reach()).err();
    assert!(matches!(of("https://a.example", b"fifteen bytes.."), Some(BadWebhook::Secret)));
    for url in ["http://a.example", "https://user@a.example", "https://a.example/#b", "a.example"] {
        assert!(matches!(of(url, SECRET), Some(BadWebhook::Url)), "{url}");
    }
    assert!(of("https://a.example/b?token=c", SECRET).is_none());
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, fitting) in [
        ("Secret:RotateSecret:Failure", true),
        ("*", true),
        ("Secret:*", true),
        ("*:Failure", true),
        ("Secret:*:Failure", true),
        ("Secret", false),
        ("Key:*", false),
        ("Secret:RotateSecret:Fail*Failure", false),
    ] {
        assert_eq!(fits(pattern, "Secret:RotateSecret:Failure"), fitting, "{pattern}");
    }
}

#[tokio::test]
async fn it_is_told_once_and_can_check_by_whom() {
    let mut listener = Listener::new().await;
    let kms = Kms::with_webhooks(vec![listener.webhook(&["Secret:*"])]).await;
    let key = kms.key().await;
    let later = [("KeyId", key.as_str()), ("PendingWindowInDays", "7")];
    kms.call("ScheduleKeyDeletion", later).await.unwrap();
    assert_eq!(waiting(&kms).await, ["0"], "it does not want to know");
    leave(&kms, "a").await;
    let (headers, body) = listener.told.recv().await.unwrap();
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(header("x-yaoku-timestamp"), "1767323045");
    let signed = format!("1767323045.{body}");
    let signature = hex::decode(header("x-yaoku-signature").strip_prefix("v1=").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["name"], "Secret:DeleteSecret:Success");
    assert_eq!(told["content"]["eventId"], header("x-yaoku-event-id"));
    until_all_is_told(&kms).await;
    kms.clock.advance_seconds(3600);
    leave(&kms, "b").await;
    let (_, next) = listener.told.recv().await.unwrap();
    assert!(next.contains("secret/b"), "and nothing was told twice: {next}");
}

#[tokio::test]
async fn it_is_told_again_until_it_takes_it() {
    // A redirect is not followed.
    let mut listener = Listener::new().await.answers(&[500, 307]);
    let kms = Kms::with_webhooks(vec![listener.webhook(&[])]).await;
    leave(&kms, "a").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let (headers, _) = listener.told.recv().await.unwrap();
        told.push(headers["x-yaoku-event-id"].clone());
        // Longer than the pause, and than the time for which a node has it.
        kms.clock.advance_seconds(60);
    }
    assert!(told.iter().all(|it| *it == told[0]), "it can see that these are one: {told:?}");
    until_all_is_told(&kms).await;
    assert!(listener.told.try_recv().is_err());
}

#[tokio::test]
async fn one_that_is_dead_holds_up_no_other_and_is_given_up_in_the_end() {
    let mut listener = Listener::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("https://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let reach = Reach { roots: listener.roots.clone(), private: true };
    let dead = Webhook::new(&dead, Vec::new(), SECRET, reach).unwrap();
    let kms = Kms::with_webhooks(vec![dead, listener.webhook(&[])]).await;
    for name in ["a", "b", "c"] {
        leave(&kms, name).await;
        listener.told.recv().await.unwrap();
    }
    drop(silent);
    assert!(waiting(&kms).await.iter().all(|it| it != "0"), "the dead one still waits");
    while waiting(&kms).await.iter().any(|it| it != "0") {
        kms.clock.advance_seconds(3600);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_not_public_is_not_called_unless_the_operator_wants_it() {
    let mut listener = Listener::new().await;
    let reach = Reach { roots: listener.roots.clone(), private: false };
    let hook = Webhook::new(&listener.url, Vec::new(), SECRET, reach).unwrap();
    let kms = Kms::with_webhooks(vec![hook]).await;
    leave(&kms, "a").await;
    let hook = Arc::clone(&kms.node.webhooks[0]);
    let tried = async || {
        let due = kms.node.store.read().await.unwrap();
        let now = crate::testing::NOW.plus_seconds(86_400);
        let mut due = due;
        due.due_deliveries(hook.id(), now, 1).await.unwrap()[0].tries
    };
    while tried().await == 0 {
        kms.clock.advance_seconds(60);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(listener.told.try_recv().is_err(), "nobody came");
}

#[tokio::test]
async fn what_was_not_told_before_a_stop_is_told_after_the_next_start() {
    let mut listener = Listener::new().await.answers(&[503]);
    let kms = Kms::with_webhooks(vec![listener.webhook(&[])]).await;
    leave(&kms, "a").await;
    let (first, _) = listener.told.recv().await.unwrap();
    let kms = kms.started_again(vec![listener.webhook(&[])]).await;
    kms.clock.advance_seconds(60);
    let (second, _) = listener.told.recv().await.unwrap();
    assert_eq!(first["x-yaoku-event-id"], second["x-yaoku-event-id"]);
}
