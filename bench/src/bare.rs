//! The bare server, which Yaoku is measured against: stock hyper, one AES-256-GCM seal with a
//! random nonce, a small answer. No signature, no permission, no audit.
//! In common with Yaoku: profile, mimalloc, one worker on the same core, `TCP_NODELAY`.

use std::{convert::Infallible, io::Write as _, sync::Arc};

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
use tokio::net::TcpListener;

type Answer = Response<Full<Bytes>>;

/// Serves until it is killed. Its address is the one line that it writes to standard output.
pub(crate) fn serve() -> anyhow::Result<()> {
    let key = Arc::new(RandomizedNonceKey::new(&AES_256_GCM, &[7; 32])?);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let accepting = async move {
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let key = Arc::clone(&key);
                let service = service_fn(move |request| answer(request, Arc::clone(&key)));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        };
        tokio::spawn(accepting).await?
    })
}

async fn answer(
    request: Request<Incoming>,
    key: Arc<RandomizedNonceKey>,
) -> Result<Answer, Infallible> {
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

/// Reads the parameters of query and form, and seals one of them.
fn seal(query: &[u8], form: &[u8], key: &RandomizedNonceKey) -> Option<String> {
    let (mut id, mut blob) = (None, None);
    for (name, value) in form_urlencoded::parse(query).chain(form_urlencoded::parse(form)) {
        match &*name {
            "KeyId" => id = Some(value),
            "Plaintext" => blob = Some(value.into_owned().into_bytes()),
            _ => {}
        }
    }
    let (id, mut blob) = (id?, blob?);
    let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut blob).ok()?;
    let sealed = BASE64_STANDARD.encode([&nonce.as_ref()[..], &blob].concat());
    Some(format!(r#"{{"KeyId":"{id}","CiphertextBlob":"{sealed}"}}"#))
}
