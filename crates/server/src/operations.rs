//! The operations view: `/healthz`, `/readyz` and `/metrics`, on a listener of their own.
//!
//! It asks nobody who they are, so it shows nothing but numbers and words of ours.

use std::{net::SocketAddr, sync::Arc};

use http::Method;
use yaoku_crypto::random::SystemRandom;

use crate::{
    api::Effect,
    listen::{Fault, Handler, HttpCall, HttpReply},
    metrics::text::{CONTENT_TYPE, Kind, Page},
    node::Node,
    shelf::Vitals,
    standing::Standing,
    throttle::Class,
};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What answers on the operations listener.
pub struct Operations {
    standing: Arc<Standing>,
}

impl Operations {
    /// A view of a program.
    #[must_use]
    pub const fn new(standing: Arc<Standing>) -> Self {
        Self { standing }
    }

    /// 200 if calls may be sent here, 503 if not; the body says what is in the way.
    fn ready(&self) -> HttpReply {
        let unready = self.standing.unready();
        let words: Vec<_> = unready.iter().map(|it| format!("\"{}\"", it.word())).collect();
        let ready = words.is_empty();
        let body = format!("{{\"ready\":{ready},\"reasons\":[{}]}}\n", words.join(","));
        reply(if ready { 200 } else { 503 }, JSON, body)
    }
}

impl Handler for Operations {
    async fn handle(&self, call: HttpCall) -> HttpReply {
        if call.method != Method::GET && call.method != Method::HEAD {
            return reply(405, TEXT, "only GET\n");
        }
        let path = call.target.split(|it| *it == b'?').next().unwrap_or_default();
        match path {
            b"/healthz" => reply(200, TEXT, "ok\n"),
            b"/readyz" => self.ready(),
            b"/metrics" => reply(200, CONTENT_TYPE, metrics(&self.standing)),
            _ => reply(404, TEXT, "/healthz, /readyz or /metrics\n"),
        }
    }

    fn refuse(&self, _: Fault, _: SocketAddr) -> HttpReply {
        reply(400, TEXT, "not a request that is answered here\n")
    }
}

fn reply(status: u16, content_type: &'static str, body: impl Into<String>) -> HttpReply {
    HttpReply {
        status,
        content_type,
        // As every answer has one; nobody writes it down.
        request_id: yaoku_model::ids::uuid(&SystemRandom).unwrap_or_default(),
        headers: Vec::new(),
        body: body.into().into(),
        // Whoever asks is a stranger: one that idles leaves for who comes.
        known: false,
    }
}

/// Everything that is counted, as Prometheus reads it. `docs/operations-view.md` lists the names.
#[must_use]
pub fn metrics(standing: &Standing) -> String {
    let mut page = Page::default();
    program(&mut page, standing);
    process::families(&mut page, standing.started);
    if let Some(node) = standing.node() {
        calls(&mut page, node);
        throttle(&mut page, node);
        store(&mut page, node);
        audit(&mut page, node);
        page.family("yaoku_root_key_generation", Kind::Gauge, "The root key's generation.");
        page.value(node.keyring.generations().last().map_or(0, |it| it.0));
    }
    page.finish()
}

fn program(page: &mut Page, standing: &Standing) {
    use crate::standing::Unready;
    page.family("yaoku_build_info", Kind::Gauge, "The program's version; always 1.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("yaoku_unready", Kind::Gauge, "1 for each reason not to send calls here.");
    let unready = standing.unready();
    for reason in Unready::ALL {
        page.sample(&[("reason", reason.word())], u8::from(unready.contains(reason)));
    }
    page.family("yaoku_connections", Kind::Gauge, "Connections that are open.");
    page.value(standing.connections.value());
    page.family("yaoku_connections_total", Kind::Counter, "Connections, by what became of them.");
    page.sample(&[("result", "accepted")], standing.accepted.value());
    page.sample(&[("result", "turned_away")], standing.turned_away.value());
    page.family("yaoku_tls_handshakes_total", Kind::Counter, "TLS handshakes, by how they ended.");
    page.sample(&[("result", "done")], standing.handshakes.value());
    page.sample(&[("result", "failed")], standing.no_handshakes.value());
    page.family(
        "yaoku_tls_certificate_expiry_timestamp_seconds",
        Kind::Gauge,
        "When the certificate that is served ends.",
    );
    if let Some(end) = standing.tls.as_ref().and_then(crate::listen::TlsSettings::expires) {
        page.value(end.unix_seconds());
    }
}

fn calls(page: &mut Page, node: &Node) {
    page.family("yaoku_calls_total", Kind::Counter, "Calls of known callers.");
    for (entry, calls) in node.metrics.calls() {
        let action = entry.spec.action().to_string();
        for (class, count) in
            [("2xx", &calls.served), ("4xx", &calls.refused), ("5xx", &calls.failed)]
        {
            page.sample(&[("action", &action), ("class", class)], count.value());
        }
    }
    page.family("yaoku_call_duration_seconds", Kind::Histogram, "How long those took.");
    for (word, effect) in [("use", Effect::Use), ("read", Effect::Read), ("write", Effect::Write)] {
        page.histogram(("effect", word), node.metrics.duration(effect));
    }
    page.family("yaoku_strangers_refused_total", Kind::Counter, "Refusals of unknown callers.");
    for (code, count) in node.metrics.strangers().filter(|(_, count)| count.value() > 0) {
        page.sample(&[("code", code.wire())], count.value());
    }
    page.family("yaoku_nonces", Kind::Gauge, "Nonces that are remembered.");
    page.value(node.nonces.len());
}

/// The limits that there are, and how often somebody met one.
fn throttle(page: &mut Page, node: &Node) {
    const HOLDERS: [&str; 2] = ["account", "principal"];
    let limits = node.throttle.limits();
    page.family(
        "yaoku_throttle_limit",
        Kind::Gauge,
        "Calls a second that one account or caller may make; without a limit, nothing stands here.",
    );
    for (holder, limits) in HOLDERS.into_iter().zip([&limits.account, &limits.principal]) {
        for class in Class::ALL {
            if let Some(calls) = limits.of(class) {
                page.sample(&[("class", class.word()), ("of", holder)], calls);
            }
        }
    }
    page.family("yaoku_throttled_total", Kind::Counter, "Calls refused for being too many.");
    for (class, counts) in node.throttle.counts() {
        for (holder, count) in HOLDERS.into_iter().zip(counts) {
            page.sample(&[("class", class.word()), ("of", holder)], count);
        }
    }
}

fn store(page: &mut Page, node: &Node) {
    let metrics = &node.metrics;
    page.family(
        "yaoku_store_transactions_total",
        Kind::Counter,
        "Transactions that calls opened, those that fill caches among them.",
    );
    page.sample(&[("kind", "read")], metrics.store_reads.value() + node.caches.loads());
    page.sample(&[("kind", "write")], metrics.store_writes.value());
    page.family("yaoku_store_conflicts_total", Kind::Counter, "Writes that began again.");
    page.value(metrics.store_conflicts.value());
    page.family("yaoku_other_nodes", Kind::Gauge, "Other nodes on the store.");
    page.value(node.peers.count());
    page.family(
        "yaoku_write_waits_total",
        Kind::Counter,
        "Writes that waited until other nodes knew of them.",
    );
    page.sample(&[("result", "seen")], metrics.waits_seen.value());
    page.sample(&[("result", "bound")], metrics.waits_bound.value());
    page.family("yaoku_store_errors_total", Kind::Counter, "Calls that the store failed.");
    page.value(metrics.store_errors.value());
    page.family(
        "yaoku_feed_age_seconds",
        Kind::Gauge,
        "How long ago the last answered poll of the change feed was sent.",
    );
    let age = node.lease.age_ms();
    page.value(format_args!("{}.{:03}", age / 1000, (age % 1000).abs()));
    page.family("yaoku_cache_bytes", Kind::Gauge, "What cached things weigh, roughly.");
    for (cache, it) in caches(node) {
        page.sample(&[("cache", cache)], it.bytes);
    }
    page.family("yaoku_cache_items", Kind::Gauge, "Things that are cached.");
    for (cache, it) in caches(node) {
        page.sample(&[("cache", cache)], it.items);
    }
    page.family("yaoku_cache_lookups_total", Kind::Counter, "Look-ups, by whether it was there.");
    for (cache, it) in caches(node) {
        page.sample(&[("cache", cache), ("result", "hit")], it.hits);
        page.sample(&[("cache", cache), ("result", "miss")], it.misses);
    }
}

/// How each cache does, by its name.
fn caches(node: &Node) -> impl Iterator<Item = (&'static str, Vitals)> {
    node.caches.vitals().into_iter().chain([("sessions", node.sessions.vitals())])
}

fn audit(page: &mut Page, node: &Node) {
    let vitals = node.journal.vitals();
    page.family("yaoku_audit_records_total", Kind::Counter, "Records since the journal began.");
    page.value(vitals.written);
    page.family("yaoku_audit_unsynced", Kind::Gauge, "Records that are not on the medium yet.");
    page.value(vitals.written.saturating_sub(vitals.synced));
    page.family("yaoku_audit_segment", Kind::Gauge, "The segment that is written.");
    page.value(vitals.segment);
    page.family(
        "yaoku_audit_refusals_total",
        Kind::Counter,
        "Calls that were refused because their event could not be written.",
    );
    page.value(node.metrics.audit_refusals.value());
}

mod process {
    //! What the kernel says of the process, under the names that all programs use.

    use yaoku_model::time::Timestamp;

    use super::{Kind, Page};

    /// All families.
    pub(super) fn families(page: &mut Page, started: Timestamp) {
        page.family("process_start_time_seconds", Kind::Gauge, "When the process was started.");
        page.value(started.unix_seconds());
        page.family("process_resident_memory_bytes", Kind::Gauge, "Memory in use.");
        if let Some(bytes) = resident() {
            page.value(bytes);
        }
        page.family("process_cpu_seconds_total", Kind::Counter, "Processor time spent.");
        if let Some(ticks) = ticks() {
            let each = rustix::param::clock_ticks_per_second();
            page.value(format_args!("{}.{:02}", ticks / each, ticks % each * 100 / each));
        }
    }

    fn resident() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// Processor time of user and kernel together. Source: proc(5), fields 14 and 15.
    fn ticks() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name in the second field may hold anything, a bracket too.
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields =
            rest.split_ascii_whitespace().skip(11).map_while(|it| it.parse::<u64>().ok());
        Some(fields.next()? + fields.next()?)
    }
}
