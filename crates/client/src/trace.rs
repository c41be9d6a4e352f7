//! The W3C trace context of the current span.

/// `traceparent` and `tracestate`.
pub(crate) type TraceContext = (String, Option<String>);

/// `traceparent` and `tracestate` of the current span, when there is a valid one and the feature `opentelemetry` is on.
#[must_use]
#[cfg(feature = "opentelemetry")]
pub fn trace_context() -> (Option<String>, Option<String>) {
    use opentelemetry::trace::TraceContextExt;

    let context = opentelemetry::Context::current();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return (None, None);
    }
    let flags = span.trace_flags().to_u8();
    let parent = format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id());
    let state = span.trace_state().header();
    // The W3C limit; a longer one may be dropped.
    let state = (!state.is_empty() && state.len() <= 512).then_some(state);
    (Some(parent), state)
}

/// `traceparent` and `tracestate` of the current span, when there is a valid one and the feature `opentelemetry` is on.
#[must_use]
#[cfg(not(feature = "opentelemetry"))]
pub fn trace_context() -> (Option<String>, Option<String>) {
    (None, None)
}
