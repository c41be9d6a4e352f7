//! The W3C trace context of the current span.

/// `traceparent` and `tracestate`.
pub(crate) type TraceContext = (String, Option<String>);

/// `traceparent` and `tracestate`, when there is a valid span.
#[cfg(feature = "opentelemetry")]
pub(crate) fn current() -> (Option<String>, Option<String>) {
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

/// `traceparent` and `tracestate`, when there is a valid span.
#[cfg(not(feature = "opentelemetry"))]
pub(crate) fn current() -> (Option<String>, Option<String>) {
    (None, None)
}
