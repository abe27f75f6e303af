//! `yaoku credentials serve`: short-lived credentials for the programs of this machine, from loopback.
//!
//! Answers what `ALIBABA_CLOUD_CREDENTIALS_URI` asks for in every official client: a session of a
//! role, begun with the caller's own access key and renewed in time, so that no program needs a
//! long-lived key. Source: clients.md A.5; identity.md §1.9.

use std::{
    collections::VecDeque, convert::Infallible, io::Write as _, net::SocketAddr, process::ExitCode,
    sync::Arc, time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use yaoku_model::time::{Clock as _, Timestamp};
use yaoku_server::{api::Product, client::sha256, process::SystemRandom};

use super::{
    client::Client,
    finish, misuse,
    options::{NOTES, Reach},
    output::print,
};
use crate::{clock::MachineClock, exchange::Refused, screen::harmless};

/// Connections that are held at once. For one more, the one that is there for longest goes. Our choice.
const CONNECTIONS: usize = 64;

/// How long a program may take to say what it wants. Our choice.
const HEAD: Duration = Duration::from_secs(2);

/// Seconds that what is handed out must be good for at least, if no new one can be had. Our choice.
const SPARE: i64 = 60;

/// How often it is looked whether a new session is due: by the clock, for a machine may sleep. Our
/// choice.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds between two tries to begin one, unless a program waits for it. Our choice.
const PAUSE: i64 = 10;

/// What is said besides when the server lets nobody take the role on.
const HINT: &str = "\
yaoku: an account's own access key (root's, as in dev.json and in what `yaoku init` writes) can take no
yaoku: role on. It takes the key of a user whose policies allow sts:AssumeRole (the system policy
yaoku: AliyunSTSAssumeRoleAccess does), and a role whose trust policy names that user or its account:
yaoku: docs/cli.md, \"Credentials for programs\".";

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
        let ended = self.call().await;
        let refused = ended.as_ref().err().and_then(|it| it.downcast_ref::<Refused>());
        let barred = refused.is_some_and(|it| it.code == "NoPermission");
        let ended = finish(ended);
        if barred {
            writeln!(std::io::stderr(), "{HINT}")?;
        }
        ended
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
            state: watch::Sender::default(),
            wanted: Notify::new(),
            serve,
        });
        // What is wrong is told at once, not to the first program that asks.
        let first = source.begin(MachineClock.now()).await?;
        source.state.send_modify(|it| it.held = Some(first));
        print(&format!("ALIBABA_CLOUD_CREDENTIALS_URI=http://{at}{path}\n"))?;
        tokio::select! {
            never = source.renew() => never,
            ended = source.answer_all(listener) => ended,
        }
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
    state: watch::Sender<State>,
    /// That a program waits for a session.
    wanted: Notify,
}

/// What there is, and how the last try to renew it ended.
#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The code and message of what failed.
    failed: Option<(String, String)>,
    /// As many tries as have ended.
    tries: u64,
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
    async fn answer_all(self: &Arc<Self>, listener: TcpListener) -> anyhow::Result<ExitCode> {
        let mut talks: VecDeque<JoinHandle<()>> = VecDeque::new();
        loop {
            let (stream, _) = listener.accept().await?;
            talks.retain(|it| !it.is_finished());
            // Whoever only holds connections must not keep programs out.
            if talks.len() >= CONNECTIONS
                && let Some(longest) = talks.pop_front()
            {
                longest.abort();
            }
            let source = Arc::clone(self);
            talks.push_back(tokio::spawn(async move { source.talk(stream).await }));
        }
    }

    /// One connection, one answer: a program asks once in a while.
    async fn talk(&self, stream: TcpStream) {
        let answer = service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(self.answer(&request).await)
        });
        let mut http = http1::Builder::new();
        http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
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
            Err((code, message)) => {
                let json = json!({ "Code": code, "Message": message });
                response(StatusCode::BAD_GATEWAY, json.to_string().into())
            }
        }
    }

    /// The session that is held, at once; only if its time is up, what the next try to begin one
    /// brings.
    async fn credentials(&self) -> Result<Bytes, (String, String)> {
        let mut state = self.state.subscribe();
        let tries = {
            let state = state.borrow();
            if let Some(json) = state.good(MachineClock.now()) {
                return Ok(json);
            }
            state.tries
        };
        self.wanted.notify_one();
        // The sender is our own.
        _ = state.wait_for(|it| it.tries > tries).await;
        let state = state.borrow();
        let unknown = || ("ServiceUnavailable".to_owned(), "No session can be begun.".to_owned());
        state.good(MachineClock.now()).ok_or_else(|| state.failed.clone().unwrap_or_else(unknown))
    }

    /// Begins the next session in time, for ever. Each failure is told.
    async fn renew(&self) -> anyhow::Result<ExitCode> {
        let mut next = Timestamp::from_unix_seconds(0);
        loop {
            let wanted = timeout(LOOK, self.wanted.notified()).await.is_ok();
            let now = MachineClock.now();
            let (due, good) = {
                let state = self.state.borrow();
                let due = state.held.as_ref().is_none_or(|it| it.renew <= now);
                (due, state.good(now).is_some())
            };
            // Who wanted one may have been given it meanwhile.
            let is_needed = (wanted && !good) || (due && now >= next);
            if !is_needed {
                continue;
            }
            let begun = self.begin(now).await;
            next = MachineClock.now().plus_seconds(PAUSE);
            self.state.send_modify(|it| {
                it.tries += 1;
                match begun {
                    Ok(fresh) => (it.held, it.failed) = (Some(fresh), None),
                    Err(error) => it.failed = Some(told(&error)),
                }
            });
            // Programs that ask again and again do not make the server hear of each.
            sleep(LOOK).await;
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

impl State {
    /// The session, if it is good for a while yet.
    fn good(&self, now: Timestamp) -> Option<Bytes> {
        let held = self.held.as_ref().filter(|it| now.plus_seconds(SPARE) < it.expires)?;
        Some(held.json.clone())
    }
}

/// Tells the screen what failed; answers what programs are told.
fn told(error: &anyhow::Error) -> (String, String) {
    let refused = error.downcast_ref::<Refused>();
    let text = refused.map_or_else(
        || format!("{error:#}"),
        |it| format!("{}: {} ({})", it.code, it.message, it.request_id),
    );
    _ = writeln!(std::io::stderr(), "yaoku: no new session: {}", harmless(&text));
    match refused {
        Some(it) => (it.code.clone(), it.message.clone()),
        None => ("ServiceUnavailable".to_owned(), "No session can be begun.".to_owned()),
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

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _, Parser};
    use tokio::net::TcpListener;
    use yaoku_model::time::Clock as _;

    use super::{Bytes, Client, Held, MachineClock, Notify, Reach, Serve, Source, State, watch};

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        serve: Serve,
    }

    /// One whose server is at `endpoint`, and which holds a session for so many seconds.
    fn source(endpoint: &str, seconds: i64) -> Source {
        let key = tempfile::NamedTempFile::new().unwrap();
        let text = r#"{"access_key_id":"id","access_key_secret":"s"}"#;
        std::fs::write(key.path(), text).unwrap();
        let command = Reach::augment_args(clap::Command::new("x").no_binary_name(true));
        let words = ["--endpoint", endpoint, "--access-key", key.path().to_str().unwrap()];
        let reach = Reach::from_arg_matches(&command.get_matches_from(words)).unwrap();
        let now = MachineClock.now();
        let held = Held {
            json: Bytes::from_static(b"held"),
            renew: now,
            expires: now.plus_seconds(seconds),
        };
        Source {
            client: Client::open(&reach).unwrap(),
            serve: Words::parse_from(["x", "--role-arn", "acs:ram::1:role/a"]).serve,
            path: Vec::new(),
            state: watch::Sender::new(State { held: Some(held), ..State::default() }),
            wanted: Notify::new(),
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_server_that_does_not_answer() {
        // It takes connections, and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = source(&format!("http://{}", silent.local_addr().unwrap()), 3600);
        tokio::select! {
            biased;
            _ = source.renew() => panic!("it never ends"),
            given = source.credentials() => assert_eq!(given.unwrap(), "held"),
        }
    }

    #[tokio::test]
    async fn once_its_time_is_up_programs_are_told_why_there_is_no_other() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let source = source(&format!("http://{gone}"), 30);
        tokio::select! {
            _ = source.renew() => panic!("it never ends"),
            given = source.credentials() => {
                assert_eq!(given.unwrap_err().0, "ServiceUnavailable");
            }
        }
    }
}
