//! How long ago something was, as people read it.

use jiff::Timestamp;

/// `12s ago`, `3m ago`, `5h ago`, `3d ago` for a time in RFC 3339 as operators' views have it. By this machine's clock.
pub(crate) fn ago(time: &str) -> String {
    since(time, Timestamp::now())
}

fn since(time: &str, now: Timestamp) -> String {
    let Ok(time) = time.parse::<Timestamp>() else {
        return time.to_owned();
    };
    // The clock may be behind Redis's.
    let seconds = (now.as_second() - time.as_second()).max(0);
    format!("{} ago", rough(seconds))
}

/// `12s`, `3m`, `5h`, `3d`: two digits are enough to know what to do.
pub(crate) fn rough(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down_to_a_unit() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
        for (time, age) in [
            ("2026-11-23T12:00:00.500Z", "0s ago"),
            ("2026-11-23T12:00:07Z", "0s ago"),
            ("2026-11-23T11:58:01.000Z", "119s ago"),
            ("2026-11-23T11:58:00.000Z", "2m ago"),
            ("2026-11-23T10:00:00.000Z", "2h ago"),
            ("2026-11-21T12:00:00.000Z", "2d ago"),
            ("18446744073709551615 ms", "18446744073709551615 ms"),
        ] {
            assert_eq!(since(time, now), age, "{time}");
        }
    }
}
