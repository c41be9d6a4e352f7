//! What a run is called in logs and traces.

use longshore_job::trace::{self, KeyValue, Parent, Span, SpanKind};
use longshore_queue::Fate;
use tracing::Instrument;

use super::{End, JobRun};
use crate::entry::Entry;

impl JobRun {
    /// Puts all log lines of a run into one span, and begins the one that traces show of it.
    pub(super) async fn trace(&self, rest: impl Future<Output = End>) -> End {
        let Self { station, entry } = self;
        if trace::is_on()
            && let Some(span) = begin(station.queue.name(), entry)
        {
            let _ = entry.span.set(span);
        }
        let trace_id = entry.trace_id();
        let span = tracing::info_span!(
            "job",
            queue = station.queue.name(),
            job_id = %entry.claimed.id,
            // Known once its payload is read.
            kind = tracing::field::Empty,
            attempt = entry.claimed.run.used + 1,
            trace_id = trace_id.as_deref(),
            span_id = entry.span.get().and_then(Span::id),
        );
        rest.instrument(span).await
    }
}

/// A run is a child of its producer's span, though it may come much later: whoever follows a trace wants to see it there.
fn begin(queue: &str, entry: &Entry) -> Option<Span> {
    let claimed = &entry.claimed;
    let id = claimed.id.job_id();
    let parent = match (&claimed.traceparent, id) {
        (Some(parent), _) => Parent::Remote(parent, claimed.tracestate.as_deref()),
        (None, Some(id)) => Parent::Job(id),
        (None, None) => Parent::Nothing,
    };
    let text = |name: &'static str, value: &str| KeyValue::new(name, value.to_owned());
    let count = |name: &'static str, value: u64| KeyValue::new(name, value.cast_signed());
    let waited_ms = claimed.claimed_at_ms.saturating_sub(claimed.first_due_ms);
    let attributes = [
        Some(text("messaging.system", "longshore")),
        Some(text("messaging.operation.type", "process")),
        Some(text("messaging.operation.name", "process")),
        Some(text("messaging.destination.name", queue)),
        // What is no id of ours may be anything.
        id.map(|id| text("messaging.message.id", &id.to_string())),
        Some(count(
            "longshore.job.attempt",
            u64::from(claimed.run.used) + 1,
        )),
        // Of a retry it would say how long ago the first run was.
        (claimed.run.used == 0).then(|| count("longshore.job.waited_ms", waited_ms)),
    ];
    let name = format!("process {queue}");
    Span::begin(
        SpanKind::Consumer,
        name,
        parent,
        attributes.into_iter().flatten(),
    )
}

/// Ends the span of a run, if there is one. `outcome` is one of our own words.
pub(super) fn end(entry: &Entry, outcome: &'static str, fate: Option<&Fate>) {
    let Some(span) = entry.span.get() else {
        return;
    };
    if let Some(kind) = entry.kind.get() {
        span.set("longshore.job.kind", *kind);
    }
    span.set("longshore.job.outcome", outcome);
    // What is only put off has not failed.
    if matches!(fate, None | Some(Fate::Retry { .. } | Fate::Dead { .. })) {
        span.fail(outcome);
    }
    span.end();
}
