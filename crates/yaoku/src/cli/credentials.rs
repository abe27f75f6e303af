//! `yaoku credentials serve`: short-lived credentials for the programs of this machine, from loopback.
//!
//! Answers what `ALIBABA_CLOUD_CREDENTIALS_URI` asks for in every official client: a session of a
//! role, begun with the caller's own access key and renewed in time, so that no program needs a
//! long-lived key. Source: clients.md A.5; identity.md §1.9.

use std::{convert::Infallible, io::Write as _, net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{net::TcpListener, net::TcpStream, sync::Mutex, sync::Semaphore};
use yaoku_model::time::{Clock as _, Timestamp};
use yaoku_server::{api::Product, client::sha256, process::SystemRandom};

use super::{
    client::Client,
    finish, misuse,
    options::{NOTES, Reach},
    output::print,
};
use crate::{clock::MachineClock, exchange::Refused, screen::harmless};

/// Connections that are held at once. More wait. Our choice.
const CONNECTIONS: usize = 64;

/// Seconds that what is handed out must be good for at least, if no new one can be had. Our choice.
const SPARE: i64 = 60;

/// Hands out short-lived credentials to the programs of this machine.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Credentials {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(Serve),
}

/// Serves sessions of a role on loopback, for `ALIBABA_CLOUD_CREDENTIALS_URI`, until it is stopped.
///
/// The first line that it writes is the variable to set. Whoever on this machine knows the address
/// gets the credentials: so it ends in a secret, new at each start.
#[derive(Debug, Args)]
struct Serve {
    /// The role that programs act as.
    #[arg(long, value_name = "ARN")]
    role_arn: String,
    /// What its sessions are called, in the audit journal too.
    #[arg(long, value_name = "NAME", default_value = "yaoku-credentials")]
    session_name: String,
    /// How long a session lasts. Programs get one with at least half of it left.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "3600",
        value_parser = clap::value_parser!(i64).range(900..=43_200)
    )]
    duration: i64,
    /// Where to serve: loopback only. Port 0 takes any free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What the address ends in, instead of a secret: every user of this machine can then ask.
    #[arg(long, value_name = "TEXT")]
    path: Option<String>,
}

impl Credentials {
    /// Serves until it is stopped.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        let Verb::Serve(serve) = self.verb;
        if !serve.listen.ip().is_loopback() {
            let told =
                format!("--listen {}: credentials are served on loopback only", serve.listen);
            return Err(misuse(told));
        }
        let path = match &serve.path {
            Some(text) => plain(text)?.to_owned(),
            None => format!("/{}", yaoku_model::ids::uuid(&SystemRandom)?.replace('-', "")),
        };
        let listener = TcpListener::bind(serve.listen).await;
        let listener = listener.with_context(|| format!("--listen {}", serve.listen))?;
        let at = listener.local_addr()?;
        let source = Arc::new(Source {
            client: Client::open(&self.reach)?,
            path: sha256(path.as_bytes()),
            held: Mutex::default(),
            serve,
        });
        // What is wrong is told at once, not to the first program that asks.
        source.credentials().await?;
        print(&format!("ALIBABA_CLOUD_CREDENTIALS_URI=http://{at}{path}\n"))?;
        source.answer_all(listener).await
    }
}

/// A path that needs no escapes.
fn plain(text: &str) -> anyhow::Result<&str> {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"/._-".contains(&it);
    if text.starts_with('/') && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(misuse("--path begins with / and has letters, digits and /._- only"))
    }
}

/// Where credentials come from.
struct Source {
    client: Client,
    serve: Serve,
    /// The path, hashed: comparing hashes tells nobody how much of a guess was right.
    path: Vec<u8>,
    held: Mutex<Option<Held>>,
}

/// The session that is handed out.
struct Held {
    /// As clients read it.
    json: Bytes,
    /// When the next one is begun: half of its time is then left.
    renew: Timestamp,
    expires: Timestamp,
}

impl Source {
    async fn answer_all(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<ExitCode> {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let place = Arc::clone(&places).acquire_owned().await?;
            let (stream, _) = listener.accept().await?;
            let source = Arc::clone(&self);
            tokio::spawn(async move {
                source.talk(stream).await;
                drop(place);
            });
        }
    }

    /// One connection, one answer: a program asks once in a while.
    async fn talk(&self, stream: TcpStream) {
        let answer = service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(self.answer(&request).await)
        });
        let mut http = http1::Builder::new();
        http.keep_alive(false).timer(TokioTimer::new());
        // A client that goes away is its own affair.
        _ = http.serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !is_here(request) || sha256(request.uri().path().as_bytes()) != self.path {
            return response(StatusCode::NOT_FOUND, Bytes::new());
        }
        if request.method() != Method::GET {
            return response(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
        }
        match self.credentials().await {
            Ok(json) => response(StatusCode::OK, json),
            Err(error) => {
                _ = writeln!(std::io::stderr(), "yaoku: {}", harmless(&format!("{error:#}")));
                let refused = error.downcast_ref::<Refused>();
                let code = refused.map_or("ServiceUnavailable", |it| &it.code);
                let message = refused.map_or("No session can be begun.", |it| &it.message);
                let json = json!({ "Code": code, "Message": message });
                response(StatusCode::BAD_GATEWAY, json.to_string().into())
            }
        }
    }

    /// The session that is held, or a new one if half of its time is over.
    async fn credentials(&self) -> anyhow::Result<Bytes> {
        let mut held = self.held.lock().await;
        let now = MachineClock.now();
        if let Some(it) = held.as_ref().filter(|it| now < it.renew) {
            return Ok(it.json.clone());
        }
        match (self.begin(now).await, &*held) {
            (Ok(fresh), _) => Ok(held.insert(fresh).json.clone()),
            (Err(_), Some(old)) if now.plus_seconds(SPARE) < old.expires => Ok(old.json.clone()),
            (Err(error), _) => Err(error),
        }
    }

    async fn begin(&self, now: Timestamp) -> anyhow::Result<Held> {
        let Serve { role_arn, session_name, duration, .. } = &self.serve;
        let seconds = duration.to_string();
        let params = [
            ("RoleArn", &**role_arn),
            ("RoleSessionName", session_name),
            ("DurationSeconds", &seconds),
        ];
        let answer = self.client.call(Product::Sts, "AssumeRole", &params).await?;
        let text = |name: &str| answer.text(&format!("/Credentials/{name}")).to_owned();
        let json = json!({
            "Code": "Success",
            "AccessKeyId": text("AccessKeyId"),
            "AccessKeySecret": text("AccessKeySecret"),
            "SecurityToken": text("SecurityToken"),
            "Expiration": text("Expiration"),
        });
        let expires = text("Expiration").parse().ok().context("the server gave no Expiration")?;
        Ok(Held { json: json.to_string().into(), renew: now.plus_seconds(duration / 2), expires })
    }
}

/// Whether a request names this machine: a page in a browser that was led here by a name of its own
/// does not.
fn is_here(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let authority = host.and_then(|it| it.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|it| {
        let host = it.host().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
    })
}

fn response(status: StatusCode, json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
