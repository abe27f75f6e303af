//! Traces for OpenTelemetry: a span for each call, made of the one log event that a call has. So a
//! call costs nothing more when there are none.
//!
//! Where they go is told by the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, …), which the
//! exporter reads by itself. Over HTTP in the clear: to a collector on the same machine.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    KeyValue,
    trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};
use yaoku_model::time::Clock as _;
use yaoku_server::gateway::CALLS;

use crate::clock::{MachineClock, environment};

/// The variables that ask for traces.
const ASKED: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Traces on their way; dropped, it sends the last.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins, if the environment asks for it.
    pub(crate) fn begin() -> anyhow::Result<Option<Self>> {
        let is_set = |name: &str| environment().any(|(it, value)| it == *name && !value.is_empty());
        if !ASKED.iter().any(|it| is_set(it)) {
            return Ok(None);
        }
        let mut resource = Resource::builder();
        if !is_set("OTEL_SERVICE_NAME") {
            resource = resource.with_service_name("yaoku");
        }
        let exporter = SpanExporter::builder().with_http().build()?;
        let provider = SdkTracerProvider::builder();
        let provider = provider.with_batch_exporter(exporter).with_resource(resource.build());
        Ok(Some(Self(provider.build())))
    }

    /// What makes spans of events.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let calls = Targets::new().with_target(CALLS, Level::INFO);
        Spans(self.0.tracer("yaoku")).with_filter(calls)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

struct Spans(SdkTracer);

impl<S: Subscriber> Layer<S> for Spans {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut call = Call::default();
        event.record(&mut call);
        let end = SystemTime::UNIX_EPOCH
            + Duration::from_millis(MachineClock.now().unix_ms().unsigned_abs());
        let start = end.checked_sub(Duration::from_micros(call.duration_us)).unwrap_or(end);
        // Whoever is not known has called nothing.
        let name = if call.action.is_empty() { "refused".to_owned() } else { call.action };
        let mut span = self
            .0
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_start_time(start)
            .with_attributes([
                KeyValue::new("yaoku.request_id", call.request_id),
                KeyValue::new("yaoku.code", call.code),
                KeyValue::new("client.address", call.source),
            ])
            .start(&self.0);
        span.end_with_timestamp(end);
    }
}

/// The fields of a call's event.
#[derive(Default)]
struct Call {
    request_id: String,
    action: String,
    code: String,
    source: String,
    duration_us: u64,
}

impl Visit for Call {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "duration_us" {
            self.duration_us = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let into = match field.name() {
            "request_id" => &mut self.request_id,
            "action" => &mut self.action,
            "code" => &mut self.code,
            _ => return,
        };
        value.clone_into(into);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "source" {
            self.source = format!("{value:?}");
        }
    }
}
