//! `yaoku audit tail`: the last events, and those that follow.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use serde::Serialize;
use yaoku_model::{
    ids::{AccessKeyId, AccountId},
    time::Timestamp,
};
use yaoku_server::audit::{Entry, Event, Tail as Place, directory};

use super::{Source, nodes};
use crate::screen::harmless;

/// How often `--follow` looks for more.
const LOOK: Duration = Duration::from_millis(250);

/// Shows the last events of all nodes, oldest first.
#[derive(Debug, Args)]
pub(super) struct Tail {
    #[command(flatten)]
    source: Source,
    /// How many events.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    number: usize,
    /// Goes on with those that follow, until it is stopped.
    #[arg(short, long)]
    follow: bool,
}

/// An event as it is written out. What is not there is left out.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    principal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
    source: String,
    user_agent: &'a str,
    action: &'a str,
    resources: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    status: u16,
    tls: bool,
    count: u64,
}

impl Tail {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.show().await {
            // Whoever reads has seen enough: `| head`.
            Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            shown => shown.map(|()| ExitCode::SUCCESS),
        }
    }

    async fn show(&self) -> anyhow::Result<()> {
        let (mut last, mut places) = (Vec::new(), Vec::new());
        for node in nodes(&self.source.data)? {
            let (entries, place) = Place::last(&directory(&self.source.data, &node), self.number)?;
            last.extend(entries);
            places.push(place);
        }
        last.sort_by_key(|it: &Entry| it.event.at.unix_ms());
        self.write(&last[last.len().saturating_sub(self.number)..])?;
        if self.follow { self.follow(places).await } else { Ok(()) }
    }

    async fn follow(&self, mut places: Vec<Place>) -> anyhow::Result<()> {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            let mut more = Vec::new();
            for place in &mut places {
                more.extend(place.more()?);
            }
            more.sort_by_key(|it| it.event.at.unix_ms());
            self.write(&more)?;
        }
    }

    fn write(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for Entry { event, .. } in entries {
            if self.source.json {
                serde_json::to_writer(&mut out, &Line::of(event))?;
                writeln!(out)?;
            } else {
                human(&mut out, event)?;
            }
        }
        Ok(out.flush()?)
    }
}

impl<'a> Line<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            at: moment(event.at),
            request_id: &event.request_id,
            account: event.account.as_ref().map(AccountId::as_str),
            principal: &event.principal,
            access_key: event.access_key.as_ref().map(AccessKeyId::as_str),
            source_identity: event.source_identity.as_deref(),
            source: event.source.to_string(),
            user_agent: event.user_agent.as_str(),
            action: &event.action,
            resources: &event.resources,
            code: event.code.as_deref(),
            status: event.status,
            tls: event.tls,
            count: event.count,
        }
    }
}

fn human(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let Event { principal, action, source, count, .. } = event;
    let account = event.account.as_ref().map_or("-", |it| it.as_str());
    let code = event.code.as_deref().unwrap_or("ok");
    let times = if *count > 1 { format!("  {count} times") } else { String::new() };
    let resources = event.resources.join(" ");
    let space = if resources.is_empty() { "" } else { "  " };
    let (at, id) = (moment(event.at), &event.request_id);
    let behind = event.source_identity.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
    let line = format!(
        "{at}  {account}  {principal}{behind}  {source}  {action}  {code}{times}{space}{resources}  {id}"
    );
    writeln!(out, "{}", harmless(&line))
}

/// `2026-11-21T21:05:20.123Z`.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), at.unix_ms().rem_euclid(1000))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let json = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::{Event, Line, human};

    #[test]
    fn who_is_behind_a_session_is_shown_beside_it_and_nothing_where_nobody_said() {
        let row = r#"{"at":0,"who":"assumed-role/ci/run","behind":"alice@corp","from":"::1"}"#;
        let named = Event::from_row(row.as_bytes()).unwrap();
        let nobody = Event { source_identity: None, ..named.clone() };
        let shown = |event: &Event| {
            let mut out = Vec::new();
            human(&mut out, event).unwrap();
            String::from_utf8(out).unwrap() + &serde_json::to_string(&Line::of(event)).unwrap()
        };
        let (named, nobody) = (shown(&named), shown(&nobody));
        assert!(named.contains("  assumed-role/ci/run (alice@corp)  ::1  "), "{named}");
        assert!(named.contains(r#""source_identity":"alice@corp""#), "{named}");
        assert!(nobody.contains("  assumed-role/ci/run  ::1  "), "{nobody}");
        assert!(!nobody.contains("source_identity"), "{nobody}");
    }
}
