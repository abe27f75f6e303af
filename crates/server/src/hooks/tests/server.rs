//! Servers as hooks: one that speaks HTTPS on loopback, checks who calls, and does the step.

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
use rustls::RootCertStore;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use yaoku_model::hook::{Hook, Way};

use super::{Hooks, ROLE, at, hooks, kms, notices, over, rotate, secret, work};
use crate::{
    testing::Kms,
    webhooks::{Reach, tests::socket},
};

const KEY: &str = "sixteen bytes or more";

/// What such a server does and has seen.
#[derive(Default)]
struct Seen {
    /// The step, the id and the answer of each call.
    calls: Mutex<Vec<(String, String, u16)>>,
    /// What it answers next instead of doing anything.
    answers: Mutex<VecDeque<u16>>,
}

/// A server that nobody calls yet.
struct Server {
    socket: TcpListener,
    acceptor: TlsAcceptor,
    roots: RootCertStore,
    url: String,
}

impl Server {
    async fn new() -> Self {
        let (socket, acceptor, roots) = socket().await;
        let url = format!("https://localhost:{}/rotate", socket.local_addr().unwrap().port());
        Self { socket, acceptor, roots, url }
    }

    /// A node with this server as the hook of `db`, and `value` to sign with.
    async fn begin(self, hooks: Hooks, value: &str, answers: &[u16]) -> (Kms, Arc<Seen>) {
        let kms = kms(hooks).await;
        secret(&kms, "key", value).await;
        let params =
            [("SecretName", "db"), ("Url", &*self.url), ("SigningSecret", "key"), ("Role", ROLE)];
        kms.as_operator().call("PutHook", params).await.unwrap();
        let seen = Arc::new(Seen::default());
        seen.answers.lock().unwrap().extend(answers);
        tokio::spawn(serve(self.socket, self.acceptor, Arc::new(kms.as_operator()), seen.clone()));
        (kms, seen)
    }
}

async fn serve(socket: TcpListener, acceptor: TlsAcceptor, kms: Arc<Kms>, seen: Arc<Seen>) {
    loop {
        let (stream, _) = socket.accept().await.unwrap();
        let Ok(stream) = acceptor.accept(stream).await else { continue };
        let (kms, seen) = (kms.clone(), seen.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (kms, seen) = (kms.clone(), seen.clone());
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let code = answer(&kms, &seen, &head.headers, &body).await;
                let answer = Response::builder().status(code).header("location", "https://a.b");
                Ok::<_, Infallible>(answer.body(Empty::<Bytes>::new()).unwrap())
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(kms: &Kms, seen: &Seen, headers: &HeaderMap, body: &[u8]) -> u16 {
    let header = |name: &str| headers[name].to_str().unwrap();
    let event: serde_json::Value = serde_json::from_slice(body).unwrap();
    let next = seen.answers.lock().unwrap().pop_front();
    let code = match next {
        _ if !is_signed(headers, body) => 401,
        Some(code) => code,
        None => {
            work(kms, &event).await;
            204
        }
    };
    let step = event["Step"].as_str().unwrap().to_owned();
    seen.calls.lock().unwrap().push((step, header("x-yaoku-event-id").to_owned(), code));
    code
}

fn is_signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap();
    let signed = [header("x-yaoku-timestamp").as_bytes(), b".", body].concat();
    let tag = hex::decode(header("x-yaoku-signature").strip_prefix("v1=").unwrap()).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), &signed, &tag).is_ok()
}

impl Seen {
    fn answers(&self, step: &str) -> Vec<u16> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(it, ..)| it == step).map(|(.., code)| *code).collect()
    }
}

#[tokio::test]
async fn a_receiver_notices_that_somebody_else_has_signed() {
    let server = Server::new().await;
    let hooks = hooks(&[], server.roots.clone());
    let (kms, seen) = server.begin(hooks, "another secret of length", &[]).await;
    rotate(&kms, "v2").await.unwrap();
    while seen.answers("new").len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        kms.clock.advance_seconds(1);
    }
    assert!(seen.answers("new").iter().all(|it| *it == 401));
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v1");
    // The operator puts it right, and it goes on by itself.
    let put = [("SecretName", "key"), ("VersionId", "v2"), ("SecretData", KEY)];
    kms.call("PutSecretValue", put).await.unwrap();
    over(&kms).await;
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "v2");
}

#[tokio::test]
async fn without_a_secret_that_is_long_enough_nothing_is_sent() {
    for value in ["fifteen bytes..", ""] {
        let server = Server::new().await;
        let hooks = hooks(&[], server.roots.clone());
        let value = if value.is_empty() { KEY } else { value };
        let (kms, seen) = server.begin(hooks, value, &[]).await;
        if value == KEY {
            let now = [("SecretName", "key"), ("ForceDeleteWithoutRecovery", "true")];
            kms.call("DeleteSecret", now).await.unwrap();
        }
        rotate(&kms, "v2").await.unwrap();
        over(&kms).await;
        assert!(seen.calls.lock().unwrap().is_empty());
        let told = notices(&kms).await;
        assert_eq!(told[0]["content"]["failureInfo"]["errorCode"], "NoSigningSecret");
    }
}

#[tokio::test]
async fn what_is_not_public_is_not_called_though_it_was_when_the_hook_was_put() {
    let server = Server::new().await;
    let reach = Reach { roots: server.roots.clone(), private: false };
    let kms = kms(Hooks::new(reach, Vec::new(), None).unwrap()).await;
    secret(&kms, "key", KEY).await;
    let (now, key) = (kms.clock_now(), "key".parse().unwrap());
    let hook = Hook {
        account: kms.account.clone(),
        secret: "db".parse().unwrap(),
        way: Way::Webhook { url: server.url.clone(), key },
        role: ROLE.parse().unwrap(),
        interval: None,
        last_rotation: None,
        next_rotation: None,
        created: now,
        updated: now,
    };
    let mut tx = kms.node.store.write().await.unwrap();
    tx.put_hook(&hook).await.unwrap();
    tx.commit().await.unwrap();
    let seen = Arc::new(Seen::default());
    let operator = Arc::new(kms.as_operator());
    tokio::spawn(serve(server.socket, server.acceptor, operator, seen.clone()));
    rotate(&kms, "v2").await.unwrap();
    while notices(&kms).await.is_empty() {
        kms.clock.advance_seconds(60);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = notices(&kms).await;
    let message = told[0]["content"]["failureInfo"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("localhost has no public address"), "{message}");
    assert!(seen.calls.lock().unwrap().is_empty(), "nobody came");
}

#[tokio::test]
async fn a_server_is_called_again_until_it_has_done_the_step() {
    let server = Server::new().await;
    let hooks = hooks(&[], server.roots.clone());
    // A redirect is not followed.
    let (kms, seen) = server.begin(hooks, KEY, &[503, 307]).await;
    rotate(&kms, "a/b").await.unwrap();
    over(&kms).await;
    assert_eq!(at(&kms, "ACSCurrent").await.unwrap(), "a/b");
    assert_eq!(seen.answers("new"), [503, 307, 204]);
    for step in ["set", "test", "end"] {
        assert_eq!(seen.answers(step), [204], "{step}");
    }
    let calls = seen.calls.lock().unwrap();
    assert!(calls[..3].iter().all(|(_, id, _)| id == "a/b/new"), "{calls:?}");
}
