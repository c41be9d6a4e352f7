//! The W3C trace context that a request comes with.

use axum::http::HeaderMap;

/// The longest `tracestate`, by W3C's limit.
const MOST_STATE: usize = 512;

/// `traceparent` and `tracestate`, if the first is one.
pub(crate) fn of(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let parent = headers.get("traceparent")?.to_str().ok()?;
    if !is_parent(parent) {
        return None;
    }
    let state = headers
        .get("tracestate")
        .and_then(|state| state.to_str().ok());
    let state = state.filter(|state| !state.is_empty() && state.len() <= MOST_STATE);
    Some((parent.to_owned(), state.map(str::to_owned)))
}

fn is_parent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_some = |part: &str| part.bytes().any(|b| b != b'0');
    match parts[..] {
        // The version that there is; another one may have more parts.
        ["00", trace, span, flags] => {
            hex(trace, 32) && hex(span, 16) && hex(flags, 2) && is_some(trace) && is_some(span)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_context_is_taken_for_one() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_parent(good));
        for wrong in [
            "",
            "00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert!(!is_parent(wrong), "{wrong}");
        }
    }
}
