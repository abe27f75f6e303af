//! The bare server, which Yaoku is measured against: stock hyper, one AES-256-GCM seal with a random
//! nonce or one signature, a small answer; over HTTP and TLS. No signed calls, no permission, no audit.
//! In common with Yaoku: profile, mimalloc, rustls settings, one worker on the core, `TCP_NODELAY`.

use std::{convert::Infallible, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::library::{sign_p256, sign_rsa_2048};

type Answer = Response<Full<Bytes>>;
type Key = Arc<RandomizedNonceKey>;

/// A new key, the same for all connections.
pub(crate) fn key() -> anyhow::Result<Key> {
    Ok(Arc::new(RandomizedNonceKey::new(&AES_256_GCM, &[7; 32])?))
}

/// Accepts until the process is killed.
pub(crate) async fn serve(at: TcpListener, tls: Option<TlsAcceptor>, key: Key) {
    while let Ok((stream, _)) = at.accept().await {
        let (tls, key) = (tls.clone(), Arc::clone(&key));
        tokio::spawn(async move {
            stream.set_nodelay(true).ok()?;
            match tls {
                None => talk(stream, key).await,
                Some(tls) => talk(tls.accept(stream).await.ok()?, key).await,
            }
        });
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S, key: Key) -> Option<()> {
    let service = service_fn(move |request| answer(request, Arc::clone(&key)));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok()
}

async fn answer(request: Request<Incoming>, key: Key) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let text = text(head.uri.query().unwrap_or_default().as_bytes(), &body, &key);
    let status = if text.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut answer = Response::new(Full::new(text.unwrap_or_default().into()));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

/// Reads the parameters of query and form, and signs the digest or seals the longest; names the first.
fn text(query: &[u8], form: &[u8], key: &RandomizedNonceKey) -> Option<String> {
    let pairs = form_urlencoded::parse(query).chain(form_urlencoded::parse(form));
    let pairs: Vec<_> = pairs.collect();
    let value = |name: &str| pairs.iter().find(|it| it.0 == name).map(|it| &*it.1);
    let digest = || BASE64_STANDARD.decode(value("Digest")?).ok();
    let (id, longest) =
        (&pairs.first()?.1, pairs.iter().map(|it| &it.1).max_by_key(|it| it.len())?);
    let made = match value("Algorithm") {
        Some("ECDSA_SHA_256") => sign_p256(&digest()?)?,
        Some(_) => sign_rsa_2048(&digest()?)?,
        None => {
            let mut blob = longest.as_bytes().to_vec();
            let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut blob).ok()?;
            [&nonce.as_ref()[..], &blob].concat()
        }
    };
    let made = BASE64_STANDARD.encode(made);
    Some(format!(r#"{{"KeyId":"{id}","Made":"{made}"}}"#))
}
