//! The bare server, which Yaoku is measured against: stock hyper, one AES-256-GCM seal with a random
//! nonce, a small answer; over HTTP and TLS. No signature, no permission, no audit. In common with
//! Yaoku: profile, mimalloc, rustls settings, one worker on the same core, `TCP_NODELAY`.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

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
    let text = seal(head.uri.query().unwrap_or_default().as_bytes(), &body, &key);
    let status = if text.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut answer = Response::new(Full::new(text.unwrap_or_default().into()));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

/// Reads the parameters of query and form, and seals the longest; the answer names the first.
fn seal(query: &[u8], form: &[u8], key: &RandomizedNonceKey) -> Option<String> {
    let pairs = form_urlencoded::parse(query).chain(form_urlencoded::parse(form));
    let values: Vec<Cow<'_, str>> = pairs.map(|(_, value)| value).collect();
    let (id, longest) = (values.first()?, values.iter().max_by_key(|it| it.len())?);
    let mut blob = longest.as_bytes().to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut blob).ok()?;
    let sealed = BASE64_STANDARD.encode([&nonce.as_ref()[..], &blob].concat());
    Some(format!(r#"{{"KeyId":"{id}","CiphertextBlob":"{sealed}"}}"#))
}
