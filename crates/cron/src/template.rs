//! Args in which the time of the tick may stand.

use std::fmt;

use jiff::{Span, Timestamp, ZonedDateTime};
use serde_json::Value;

use crate::zone::Zone;

/// The args of an entry's jobs. In each text in them, a placeholder stands for a time, written in RFC 3339 in UTC:
///
/// | placeholder | |
/// |---|---|
/// | `{tick}` | the tick |
/// | `{day}` | the beginning of its day, in the entry's time zone |
/// | `{tick-1h}`, `{day-1d}`, `{day+2w}` | so much before or after: `s`, `m`, `h`, `d`, `w` |
///
/// Days and weeks are those of the calendar, so that windows from `{day-1d}` to `{day}` lie side by side, also where
/// clocks are changed; those from `{tick-1d}` to `{tick}` may not, where the tick itself was moved out of a gap. Other
/// text in braces is left as it stands.
#[derive(Clone, PartialEq)]
pub struct Template(Value);

/// A placeholder that stands for no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a placeholder: write {{tick}} or {{day}}, with an offset in s, m, h, d or w if needed, such as {{day-1d}}"
)]
pub struct InvalidTemplate(pub String);

impl Template {
    /// These args.
    ///
    /// # Errors
    /// When a placeholder in them is none.
    pub fn new(args: Value) -> Result<Self, InvalidTemplate> {
        let template = Self(args);
        template.render(0, &Zone::utc())?;
        Ok(template)
    }

    /// The args for a tick, as JSON.
    ///
    /// # Errors
    /// When a placeholder stands for a time beyond all calendars.
    pub fn render(&self, tick_ms: u64, zone: &Zone) -> Result<String, InvalidTemplate> {
        let tick = i64::try_from(tick_ms).ok();
        let tick = tick.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let tick = tick.ok_or_else(|| InvalidTemplate("{tick}".to_owned()))?;
        let tick = tick.to_zoned_datetime(zone.rules.clone());
        Ok(filled(&self.0, &tick)?.to_string())
    }
}

fn filled(value: &Value, tick: &ZonedDateTime) -> Result<Value, InvalidTemplate> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, tick)?),
        Value::Array(values) => {
            let values = values.iter().map(|value| filled(value, tick));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), filled(value, tick)?)));
            Value::Object(fields.collect::<Result<_, _>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn fill(text: &str, tick: &ZonedDateTime) -> Result<String, InvalidTemplate> {
    let mut full = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        full.push_str(before);
        let letters = after.len()
            - after
                .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_')
                .len();
        let base = &after[..letters];
        if base != "tick" && base != "day" {
            full.push('{');
            rest = after;
            continue;
        }
        let (inside, later) = after.split_once('}').unwrap_or((after, ""));
        let time = time(base, &inside[letters..], tick).ok_or_else(|| {
            let shown: String = inside.chars().take(32).collect();
            InvalidTemplate(format!("{{{shown}}}"))
        })?;
        if !after.contains('}') {
            return Err(InvalidTemplate(format!("{{{base}")));
        }
        full.push_str(&time.to_string());
        rest = later;
    }
    full.push_str(rest);
    Ok(full)
}

/// The time that a placeholder stands for.
fn time(base: &str, offset: &str, tick: &ZonedDateTime) -> Option<Timestamp> {
    let from = match base {
        "day" => tick.start_of_day().ok()?,
        _ => tick.clone(),
    };
    if offset.is_empty() {
        return Some(from.timestamp());
    }
    let (sign, offset) = match offset.as_bytes()[0] {
        b'+' => (1, &offset[1..]),
        b'-' => (-1, &offset[1..]),
        _ => return None,
    };
    let unit = offset.chars().last()?;
    let digits = offset.strip_suffix(unit)?;
    if !(1..=6).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount = sign * digits.parse::<i64>().ok()?;
    let span = match unit {
        's' => Span::new().try_seconds(amount),
        'm' => Span::new().try_minutes(amount),
        'h' => Span::new().try_hours(amount),
        'd' => Span::new().try_days(amount),
        'w' => Span::new().try_weeks(amount),
        _ => return None,
    };
    Some(from.checked_add(span.ok()?).ok()?.timestamp())
}

/// Not the args: they may be personal.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(text: &str, tick: &str, zone: &str) -> String {
        let tick: Timestamp = tick.parse().unwrap();
        let template = Template::new(json!({ "a": [text, 1] })).unwrap();
        let zone = Zone::named(zone).unwrap();
        let args = template
            .render(tick.as_millisecond() as u64, &zone)
            .unwrap();
        let args: Value = serde_json::from_str(&args).unwrap();
        args["a"][0].as_str().unwrap().to_owned()
    }

    #[test]
    fn placeholders_stand_for_times_by_the_entrys_calendar() {
        // 02:30 in Oslo, on the day after clocks were put back: the day before had 25 hours.
        let tick = "2026-10-26T01:30:00Z";
        for (text, oslo, utc) in [
            ("{tick}", tick, tick),
            ("{tick-90m}", "2026-10-26T00:00:00Z", "2026-10-26T00:00:00Z"),
            ("{tick-1d}", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("{tick-2d}", "2026-10-24T00:30:00Z", "2026-10-24T01:30:00Z"),
            ("{tick-24h}", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"),
            ("{day}", "2026-10-25T23:00:00Z", "2026-10-26T00:00:00Z"),
            ("{day-1d}", "2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z"),
            ("{day+1w}", "2026-11-01T23:00:00Z", "2026-11-02T00:00:00Z"),
            (
                "{ticket} {}{ day}{",
                "{ticket} {}{ day}{",
                "{ticket} {}{ day}{",
            ),
        ] {
            assert_eq!(rendered(text, tick, "Europe/Oslo"), oslo, "{text}");
            assert_eq!(rendered(text, tick, "UTC"), utc, "{text}");
        }
        assert_eq!(
            rendered("from {tick-1s} to {tick}.", tick, "UTC"),
            "from 2026-10-26T01:29:59Z to 2026-10-26T01:30:00Z."
        );
    }

    #[test]
    fn what_looks_like_a_placeholder_and_is_none_is_refused() {
        for text in [
            "{tick",
            "{tick-}",
            "{tick-1}",
            "{tick-d}",
            "{tick-1x}",
            "{tick -1d}",
            "{day--1d}",
            "{day-1d-1h}",
            "{day-9999999d}",
            "{tick-1ø}",
            "{tick-999999w}",
        ] {
            assert!(Template::new(json!([text])).is_err(), "{text}");
        }
    }
}
