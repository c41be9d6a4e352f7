//! Spans: what a run did, and the calls that it made, as OpenTelemetry has them.
//!
//! Here is only the seam. A program that sends traces somewhere sets a tracer ([`set_tracer`]); without one nothing is made, and
//! each function here costs a load. The span of a run is current while its handler runs ([`Span::around`]), so what the handler
//! calls by a library with OpenTelemetry of its own stands in the same trace.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{
    FutureExt, SpanBuilder, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, WithContext,
};

pub use opentelemetry::trace::SpanKind;
pub use opentelemetry::{KeyValue, Value};

use crate::JobId;

/// A longer `tracestate` may be dropped, says the W3C.
const LONGEST_STATE: usize = 512;

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

thread_local! {
    /// The id of the trace that is begun next on this thread.
    static NEXT_TRACE: Cell<Option<u128>> = const { Cell::new(None) };
}

/// Makes spans from here on by this tracer. The first one of a process stays.
pub fn set_tracer(tracer: BoxedTracer) {
    let _ = TRACER.set(tracer);
}

/// Whether spans are made.
#[must_use]
pub fn is_on() -> bool {
    TRACER.get().is_some()
}

/// The id of the trace that is being begun, where a job gives it its own: for the tracer's generator of ids.
#[must_use]
pub fn next_trace_id() -> Option<u128> {
    NEXT_TRACE.take()
}

/// What a span is part of.
#[derive(Debug, Clone, Copy)]
pub enum Parent<'a> {
    /// The span that is current here. If none is, no span is made.
    Current,
    /// The W3C trace context that somebody sent: `traceparent` and `tracestate`.
    Remote(&'a str, Option<&'a str>),
    /// Nothing: it begins the trace of this job, whose id is that of the trace. So all attempts of a job are one trace.
    Job(JobId),
    /// Nothing: it begins a trace.
    Nothing,
}

/// A span. It ends when the last clone of it is dropped, if it has not been ended before.
#[derive(Clone)]
pub struct Span(Context);

impl Span {
    /// Begins a span; `None` while no spans are made, or it has no parent of the kind that it needs. A trace context that is none
    /// counts as nothing.
    pub fn begin<A>(
        kind: SpanKind,
        name: impl Into<Cow<'static, str>>,
        parent: Parent<'_>,
        attributes: A,
    ) -> Option<Self>
    where
        A: IntoIterator<Item = KeyValue>,
    {
        let tracer = TRACER.get()?;
        let parent = match parent {
            Parent::Current => Some(Context::current()).filter(Context::has_active_span)?,
            Parent::Remote(traceparent, tracestate) => remote(traceparent, tracestate),
            Parent::Job(id) => {
                NEXT_TRACE.set(Some(id.bits()));
                Context::new()
            }
            Parent::Nothing => Context::new(),
        };
        let span = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_attributes(attributes)
            .start_with_context(tracer, &parent);
        NEXT_TRACE.set(None);
        Some(Self(parent.with_span(span)))
    }

    /// Sets an attribute.
    pub fn set(&self, name: &'static str, value: impl Into<Value>) {
        self.0.span().set_attribute(KeyValue::new(name, value));
    }

    /// Notes that it failed: `what` is one of a few words, and no text from elsewhere.
    pub fn fail(&self, what: impl Into<Cow<'static, str>>) {
        let what = what.into();
        self.set("error.type", what.clone());
        self.0.span().set_status(Status::error(what));
    }

    /// Ends it.
    pub fn end(&self) {
        self.0.span().end();
    }

    /// Runs a future with this as the current span.
    pub fn around<F>(&self, future: F) -> WithContext<F> {
        future.with_context(self.0.clone())
    }

    /// `traceparent` and `tracestate` for what follows from it.
    #[must_use]
    pub fn trace_context(&self) -> (String, Option<String>) {
        let span = self.0.span();
        let of = span.span_context();
        let flags = of.trace_flags().to_u8();
        let parent = format!("00-{}-{}-{flags:02x}", of.trace_id(), of.span_id());
        let state = of.trace_state().header();
        let is_kept = !state.is_empty() && state.len() <= LONGEST_STATE;
        (parent, is_kept.then_some(state))
    }

    /// The trace that it is part of.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }

    /// Its own id, if it is sent somewhere.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let span = self.0.span();
        let of = span.span_context();
        of.is_sampled().then(|| of.span_id().to_string())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span")
            .field(&self.trace_context().0)
            .finish()
    }
}

fn remote(traceparent: &str, tracestate: Option<&str>) -> Context {
    let Some((trace, span, flags)) = parts(traceparent) else {
        return Context::new();
    };
    let state = tracestate.and_then(|state| TraceState::from_str(state).ok());
    let of = SpanContext::new(trace, span, flags, true, state.unwrap_or_default());
    match of.is_valid() {
        true => Context::new().with_remote_span_context(of),
        false => Context::new(),
    }
}

/// `version-trace id-parent id-flags`, all in hexadecimal. Later versions may say more behind that.
fn parts(traceparent: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut parts = traceparent.split('-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        (part.len() == digits && is_hex).then_some(part)
    };
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    if version == "ff" {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let trace = TraceId::from_hex(trace).ok()?;
    Some((trace, SpanId::from_hex(span).ok()?, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_tracer_nothing_is_made() {
        assert!(!is_on());
        let span = Span::begin(SpanKind::Client, "GET", Parent::Nothing, []);
        assert!(span.is_none());
        assert_eq!(next_trace_id(), None);
    }

    #[test]
    fn what_is_no_trace_context_is_nobodys() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let (trace, span, flags) = parts(good).expect("parts");
        assert_eq!(trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.to_string(), "b7ad6b7169203331");
        assert!(flags.is_sampled());
        assert!(remote(good, Some("vendor=1")).has_active_span());
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(remote(later, Some("no state")).has_active_span());
        for other in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-ada@example.com-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(!remote(other, None).has_active_span(), "{other}");
        }
    }
}
