//! How long a provider asks us to wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The shortest wait. A point in time that has just passed does not mean "at once, as fast as you can".
pub const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest wait: an hour. A provider's slip must not park a queue for days.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// The wait after a 429 that does not say.
pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Reads `Retry-After` (seconds, or an HTTP date) or else `X-RateLimit-Reset` (a Unix time in seconds), kept
/// between [`MIN_RETRY_AFTER`] and [`MAX_RETRY_AFTER`]. `None` when neither can be read.
///
/// Points in time are measured against the answer's own `Date`: provider and provider agree about the time, a
/// worker whose clock is wrong does not. `now`, the local time, is only for answers without one.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let now = text(DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or(now);
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();

    let by_header = text(RETRY_AFTER.as_str()).and_then(|value| {
        seconds(value).or_else(|| httpdate::parse_http_date(value).ok().map(until))
    });
    let by_reset = || {
        let reset = seconds(text("x-ratelimit-reset")?)?;
        UNIX_EPOCH.checked_add(reset).map(until)
    };
    let wait = by_header.or_else(by_reset)?;
    Some(wait.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

/// Digits alone, rounded up past what can be counted: `99999999999999999999` is a long wait, not an unreadable one.
fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// The provider's clock: Mon, 23 Nov 2026 12:00:00 GMT.
    const DATE_TEXT: &str = "Mon, 23 Nov 2026 12:00:00 GMT";
    const DATE_UNIX: u64 = 1_795_435_200;

    fn wait(headers: &[(&'static str, &str)], now_unix: u64) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).expect("a value");
                (HeaderName::from_static(name), value)
            })
            .collect();
        let now = UNIX_EPOCH + Duration::from_secs(now_unix);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    /// Where a point in time is told, the local clock must not matter as long as there is a `Date`; here it is a
    /// year off. Without one, or with one that cannot be read, it has to do.
    fn check(name: &'static str, value: &str, expected: Option<u64>) {
        let dated = [(name, value), ("date", DATE_TEXT)];
        assert_eq!(wait(&dated, DATE_UNIX - 31_536_000), expected, "{value:?}");
        assert_eq!(wait(&dated[..1], DATE_UNIX), expected, "{value:?}");
        let misdated = [(name, value), ("date", "today")];
        assert_eq!(wait(&misdated, DATE_UNIX), expected, "{value:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, expected) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("0", Some(1)),
            ("3600", Some(3600)),
            ("3601", Some(3600)),
            ("99999999999999999999", Some(3600)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("Mon, 23 Nov 2026 12:00:30 GMT", Some(30)),
            // The two older forms that RFC 9110 wants understood.
            ("Monday, 23-Nov-26 12:00:30 GMT", Some(30)),
            ("Mon Nov 23 12:00:30 2026", Some(30)),
            // Passed already.
            ("Mon, 23 Nov 2026 11:59:00 GMT", Some(1)),
            ("Tue, 24 Nov 2026 12:00:00 GMT", Some(3600)),
        ] {
            check("retry-after", value, expected);
        }
    }

    #[test]
    fn reset_is_a_unix_time() {
        for (value, expected) in [
            (DATE_UNIX + 12, Some(12)),
            (DATE_UNIX, Some(1)),
            (DATE_UNIX - 5, Some(1)),
            (DATE_UNIX + 86_400, Some(3600)),
            (u64::MAX, None),
        ] {
            check("x-ratelimit-reset", &value.to_string(), expected);
        }
        check("x-ratelimit-reset", "never", None);
    }

    #[test]
    fn silence_is_nothing() {
        assert_eq!(wait(&[("date", DATE_TEXT)], DATE_UNIX), None);
    }

    #[test]
    fn retry_after_goes_first_when_it_can_be_read() {
        let reset = (DATE_UNIX + 50).to_string();
        for (value, expected) in [("7", Some(7)), ("soon", Some(50))] {
            let headers = [
                ("retry-after", value),
                ("x-ratelimit-reset", reset.as_str()),
            ];
            assert_eq!(wait(&headers, DATE_UNIX), expected);
        }
    }
}
