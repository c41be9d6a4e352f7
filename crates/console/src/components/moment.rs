//! Times: absolute, with how long ago beside it; durations in words.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::foreign::Short;
use crate::view::View;

/// A time in RFC 3339, as operators' views have it. What is none is shown as it stands.
pub(crate) fn moment(view: &View, rfc3339: &str) -> Markup {
    let Ok(time) = rfc3339.parse::<Timestamp>() else {
        return html! { (Short(rfc3339, 40)) };
    };
    let seconds = view.now.as_second() - time.as_second();
    html! {
        time datetime=(rfc3339) title={ (absolute(time)) " UTC" } {
            span class="at" { (near(view.now, time)) }
            " " span class="ago" data-ago { (relative(seconds)) }
        }
    }
}

/// A time to come, which counts down.
pub(crate) fn until(view: &View, rfc3339: &str) -> Markup {
    let Ok(time) = rfc3339.parse::<Timestamp>() else {
        return html! { (Short(rfc3339, 40)) };
    };
    let left = time.as_second() - view.now.as_second();
    html! {
        time datetime=(rfc3339) title={ (absolute(time)) " UTC" } data-until { (rough(left.max(0))) }
    }
}

/// `4 min ago`, `in 3 h`
pub(crate) fn relative(seconds: i64) -> String {
    match seconds {
        -4..=4 => "now".to_owned(),
        ..-4 => format!("in {}", rough(-seconds)),
        _ => format!("{} ago", rough(seconds)),
    }
}

/// `45 s`, `9 min`, `3 h`, `5 days`
pub(crate) fn rough(seconds: i64) -> String {
    match seconds {
        ..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

fn absolute(time: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%d %H:%M:%S", time).unwrap_or_default()
}

/// Today the time is enough.
fn near(now: Timestamp, time: Timestamp) -> String {
    let day = |time| jiff::fmt::strtime::format("%Y-%m-%d", time).unwrap_or_default();
    let format = match day(now) == day(time) {
        true => "%H:%M:%S",
        false => "%Y-%m-%d %H:%M",
    };
    jiff::fmt::strtime::format(format, time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_one_unit() {
        for (seconds, said) in [
            (0, "now"),
            (45, "45 s ago"),
            (600, "10 min ago"),
            (-600, "in 10 min"),
            (7_200, "2 h ago"),
            (86_400, "24 h ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(relative(seconds), said);
        }
    }
}
