//! Time spans as people type them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `90s`, `30m`, `2h`, `7d`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let of = match unit.trim() {
        "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    // A hundred years are enough for everybody, and fit everywhere.
    let seconds = number
        .checked_mul(of)
        .filter(|seconds| *seconds < 3_200_000_000)?;
    Some(Duration::from_secs(seconds))
}

/// So long ago, in ms since the epoch.
pub(crate) fn ago_ms(since: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let then = now.unwrap_or_default().saturating_sub(since);
    // 0 means any time.
    u64::try_from(then.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_type_them() {
        for (text, expected) in [
            ("90s", Some(90)),
            (" 30 min", Some(1_800)),
            ("2h", Some(7_200)),
            ("7d", Some(604_800)),
            ("", None),
            ("7", None),
            ("h", None),
            ("1 year", None),
            ("99999999999d", None),
        ] {
            assert_eq!(span(text), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
