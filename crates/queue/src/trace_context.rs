//! The W3C trace context that travels with a job: `version-trace id-parent id-flags`.

/// The trace id of a trace context; `None` if that is none, which any producer may have written.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn only_an_id_is_one() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(trace_id(&format!("00-{id}-b7ad6b7169203331-01")), Some(id));
        for other in ["", "00", "00-ada@example.com-1-01", "00-0af765-b7ad-01", id] {
            assert_eq!(trace_id(other), None, "{other}");
        }
    }
}
