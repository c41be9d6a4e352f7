//! An expression in a time zone, and its ticks.

use std::fmt;

use croner::errors::CronError;
use croner::parser::{CronParser, Year};
use croner::{Cron, Direction};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;

use crate::wall::WallTime;
use crate::zone::Zone;

/// The fields, seconds first, with what may stand in them.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    (
        "day of the week",
        "0 to 7, 0 and 7 being Sunday, or SUN to SAT",
    ),
];

/// When an entry ticks: at whole seconds.
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    cron: Cron,
    zone: Zone,
    /// It has a `*` in seconds, minutes or hours.
    by_intervals: bool,
}

/// An expression that says no times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {cure}")]
pub struct InvalidSchedule {
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub cure: String,
}

impl Schedule {
    /// Reads five fields (minute, hour, day of the month, month, day of the week), or six with seconds first.
    ///
    /// # Errors
    /// When they are others, or no time matches them: the 30th of February.
    pub fn new(expression: &str, zone: Zone) -> Result<Self, InvalidSchedule> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let expected = "write five fields, minute hour day month weekday, such as `30 2 * * *`, or six with seconds first";
        let invalid = |problem: String, cure: &str| InvalidSchedule {
            problem,
            cure: cure.to_owned(),
        };
        if let [name] = fields[..]
            && let Some(same) = nickname(name)
        {
            return Err(invalid(format!("is `{name}`"), &format!("write `{same}`")));
        }
        if !(5..=6).contains(&fields.len()) {
            let count = fields.len();
            let s = if count == 1 { "" } else { "s" };
            return Err(invalid(format!("has {count} field{s}"), expected));
        }
        let text = fields.join(" ");
        let Ok(cron) = parse(&text) else {
            return Err(wrong_field(&fields)
                .unwrap_or_else(|| invalid("is no expression of cron's".to_owned(), expected)));
        };
        let time_of_day = &fields[..fields.len() - 3];
        let schedule = Self {
            by_intervals: time_of_day.iter().any(|field| field.contains('*')),
            text,
            cron,
            zone,
        };
        // From any day: within 28 years every date has been on every weekday.
        if schedule.next(0).is_none() {
            let cure = "name a day that its month has";
            return Err(invalid("matches no time at all".to_owned(), cure));
        }
        Ok(schedule)
    }

    /// The expression, with single blanks.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.text
    }

    /// What it is known by: the same text for the same times, `Europe/Oslo 30 2 * * *`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{} {}", self.zone.name(), self.text)
    }

    /// It in English words, for people: `At 02:30, on Monday`. The time zone is not in them.
    #[must_use]
    pub fn words(&self) -> String {
        let words = self.cron.describe();
        let words = words.trim_end_matches('.');
        match words.strip_prefix("At every") {
            Some(rest) => format!("Every{rest}"),
            None => words.to_owned(),
        }
    }

    /// The next so many ticks after a time, at most.
    #[must_use]
    pub fn next_few(&self, after_ms: u64, most: usize) -> Vec<u64> {
        let ticks = std::iter::successors(self.next(after_ms), |tick| self.next(*tick));
        ticks.take(most).collect()
    }

    /// The time zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first tick after a time.
    #[must_use]
    pub fn next(&self, after_ms: u64) -> Option<u64> {
        let after = i64::try_from(after_ms / 1000).ok()?;
        let tick = match self.by_intervals {
            true => self.next_by_interval(after),
            false => self.next_at_fixed_time(after),
        };
        millis(tick?)
    }

    /// The last tick at a time or before it, but after `since_ms`.
    #[must_use]
    pub fn last(&self, at_ms: u64, since_ms: u64) -> Option<u64> {
        let at = i64::try_from(at_ms / 1000).ok()?;
        let since = i64::try_from(since_ms / 1000).ok()?;
        let tick = match self.by_intervals {
            true => self.last_by_interval(at, since),
            false => self.last_at_fixed_time(at),
        };
        millis(tick?).filter(|tick| *tick > since_ms)
    }

    /// Between two changes of the clock the wall and real time go hand in hand: a match before the next change is the
    /// tick, else the search goes on from there, by the new clock.
    fn next_by_interval(&self, after: i64) -> Option<i64> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let time = timestamp(from)?;
            let offset = self.zone.rules.to_offset(time);
            let change = self.zone.rules.following(time).next();
            let change = change.map(|change| change.timestamp().as_second());
            let wall = self.search(offset.to_datetime(time), inclusive, Direction::Forward)?;
            let tick = offset.to_timestamp(wall).ok()?.as_second();
            match change {
                Some(change) if tick >= change => (from, inclusive) = (change, true),
                _ => return Some(tick),
            }
        }
    }

    fn last_by_interval(&self, at: i64, since: i64) -> Option<i64> {
        let mut upto = at;
        while upto >= since {
            let time = timestamp(upto)?;
            let offset = self.zone.rules.to_offset(time);
            let change = self.change_upto(upto);
            let wall = self.search(offset.to_datetime(time), true, Direction::Backward)?;
            let tick = offset.to_timestamp(wall).ok()?.as_second();
            match change {
                Some(change) if tick < change => upto = change - 1,
                _ => return Some(tick),
            }
        }
        None
    }

    /// Later times on the wall are never earlier ticks, so the first match whose tick is late enough is the one.
    fn next_at_fixed_time(&self, after: i64) -> Option<i64> {
        let mut wall = self.zone.rules.to_datetime(timestamp(after)?);
        loop {
            wall = self.search(wall, false, Direction::Forward)?;
            let tick = self.tick(wall)?;
            if tick > after {
                return Some(tick);
            }
        }
    }

    fn last_at_fixed_time(&self, at: i64) -> Option<i64> {
        let time = timestamp(at)?;
        let mut wall = self.zone.rules.to_datetime(time);
        // While times come for the second time, later ones on the wall have been already.
        if let Some(change) = self.change_upto(at) {
            let before = self.zone.rules.to_offset(timestamp(change - 1)?);
            wall = wall.max(before.to_datetime(time));
        }
        let mut inclusive = true;
        loop {
            wall = self.search(wall, inclusive, Direction::Backward)?;
            let tick = self.tick(wall)?;
            if tick <= at {
                return Some(tick);
            }
            inclusive = false;
        }
    }

    /// When a time on the wall is, for an entry at fixed times: the first time that it comes, or the end of the gap.
    fn tick(&self, wall: DateTime) -> Option<i64> {
        let offset = match self.zone.rules.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { before, .. } => {
                // By the old clock it is after the change.
                let past = before.to_timestamp(wall).ok()?.as_second();
                return self.change_upto(past);
            }
        };
        Some(offset.to_timestamp(wall).ok()?.as_second())
    }

    /// The last change of the clock at a time or before it.
    fn change_upto(&self, at: i64) -> Option<i64> {
        let changes = self.zone.rules.preceding(timestamp(at + 1)?);
        changes
            .map(|change| change.timestamp().as_second())
            .find(|change| *change <= at)
    }

    fn search(&self, from: DateTime, inclusive: bool, direction: Direction) -> Option<DateTime> {
        let from = WallTime(from);
        let found = match direction {
            Direction::Forward => self.cron.find_next_occurrence(&from, inclusive),
            Direction::Backward => self.cron.find_previous_occurrence(&from, inclusive),
        };
        Some(found.ok()?.0)
    }
}

fn parse(text: &str) -> Result<Cron, CronError> {
    CronParser::builder()
        .year(Year::Disallowed)
        .build()
        .parse(text)
}

/// The first field that is wrong by itself.
fn wrong_field(fields: &[&str]) -> Option<InvalidSchedule> {
    let known = &FIELDS[FIELDS.len() - fields.len()..];
    let alone = |position: usize| {
        let others = fields.iter().enumerate();
        let others = others.map(|(n, field)| if n == position { field } else { "*" });
        others.collect::<Vec<_>>().join(" ")
    };
    let position = (0..fields.len()).find(|n| parse(&alone(*n)).is_err())?;
    let (name, may_be) = known[position];
    let field: String = fields[position].chars().take(32).collect();
    Some(InvalidSchedule {
        problem: format!("its {name} is `{field}`"),
        cure: format!("use {may_be}, lists `1,5`, ranges `1-5`, steps `*/5`, or *"),
    })
}

/// What the short names of other crons stand for.
fn nickname(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => return None,
    })
}

fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

fn millis(seconds: i64) -> Option<u64> {
    u64::try_from(seconds).ok()?.checked_mul(1000)
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({}, {})", self.text, self.zone.name())
    }
}

#[cfg(test)]
mod tests;
