//! Times as people and JSON have them.

use jiff::Timestamp;

/// RFC 3339 in UTC with milliseconds: `2026-11-23T03:04:05.678Z`.
pub(crate) fn rfc3339(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| format!("{ms} ms"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_763_912_345_678), "2025-11-23T15:39:05.678Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(u64::MAX), "18446744073709551615 ms");
    }
}
