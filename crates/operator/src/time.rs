//! Times as people and JSON have them.

use jiff::Timestamp;

/// RFC 3339 in UTC with milliseconds: `2026-11-23T03:04:05.678Z`.
pub(crate) fn rfc3339(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| format!("{ms} ms"), |time| format!("{time:.3}"))
}

/// What [`rfc3339`] wrote, in ms since the epoch.
pub(crate) fn ms_of(time: &str) -> Option<u64> {
    let time: Timestamp = time.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

/// The same to the minute, as people read it: `2026-11-23 03:04 UTC`.
pub(crate) fn minute(time: &str) -> String {
    let to_the_minute = time.get(..16).map(|minute| minute.replace('T', " "));
    match (ms_of(time), to_the_minute) {
        (Some(_), Some(minute)) => format!("{minute} UTC"),
        _ => time.to_owned(),
    }
}

/// A time span in its two largest units at the most: `9 min`, `1 h 5 min`, `3 d`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: String, small: u64, unit: &str| match small {
        0 => large,
        small => format!("{large} {small} {unit}"),
    };
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => two(format!("{hours} h"), minutes % 60, "min"),
        _ => two(format!("{days} d"), hours % 24, "h"),
    }
}

/// A number as people read it: `2,342`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 job`, `2,342 jobs`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_763_912_345_678), "2025-11-23T15:39:05.678Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(u64::MAX), "18446744073709551615 ms");
        assert_eq!(ms_of("2025-11-23T15:39:05.678Z"), Some(1_763_912_345_678));
        assert_eq!(ms_of("x"), None);
        assert_eq!(minute("2025-11-23T15:39:05.678Z"), "2025-11-23 15:39 UTC");
        assert_eq!(minute("soon"), "soon");
    }

    #[test]
    fn spans_have_two_units_at_the_most() {
        for (ms, text) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (540_000, "9 min"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
            (90_000_000, "1 d 1 h"),
            (259_200_000, "3 d"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(counted(1, "job"), "1 job");
        assert_eq!(counted(999, "job"), "999 jobs");
        assert_eq!(counted(2_342_000, "job"), "2,342,000 jobs");
    }
}
