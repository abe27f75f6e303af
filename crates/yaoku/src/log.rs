//! The log: lines on standard error, as text or as JSON. What may stand in it: docs/LOGGING.md.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use yaoku_server::gateway::CALLS;

use crate::config;

/// For programs without a configuration: text, and `RUST_LOG` says how much of it.
pub(crate) fn plain() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // One line for each call would be too much for a developer's screen.
    let filter = match format!("{CALLS}=off").parse() {
        Ok(off) if !filter.to_string().contains(CALLS) => filter.add_directive(off),
        _ => filter,
    };
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
}

/// What must live as long as there is anything to tell: traces on their way, where they are built in.
#[cfg(feature = "otel")]
pub(crate) type Guard = Option<crate::traces::Traces>;

/// What must live as long as there is anything to tell: nothing, without traces.
#[cfg(not(feature = "otel"))]
pub(crate) struct Guard;

/// As a configuration says. A line for each call only if it asks for them.
pub(crate) fn configured(log: &config::Log) -> anyhow::Result<Guard> {
    let calls = if log.calls { "info" } else { "off" };
    let filter =
        EnvFilter::try_new(format!("{},{CALLS}={calls}", log.level)).context("log.level")?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = if log.json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    let all = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    {
        let traces = crate::traces::Traces::begin().context("OpenTelemetry")?;
        all.with(traces.as_ref().map(crate::traces::Traces::layer)).init();
        Ok(traces)
    }
    #[cfg(not(feature = "otel"))]
    {
        all.init();
        Ok(Guard)
    }
}
