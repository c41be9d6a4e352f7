use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::collection::btree_set;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn schedule(expression: &str, zone: &str) -> Schedule {
    let zone = Zone::named(zone).unwrap();
    Schedule::new(expression, zone).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

fn ms(time: &str) -> u64 {
    let time: Timestamp = time.parse().unwrap();
    time.as_millisecond().unsigned_abs()
}

/// The ticks after `from` up to `to`, found forwards; and the same found backwards.
fn ticks(schedule: &Schedule, from: u64, to: u64) -> Vec<u64> {
    let forwards: Vec<u64> =
        std::iter::successors(schedule.next(from), |tick| schedule.next(*tick))
            .take_while(|tick| *tick <= to)
            .collect();
    let before = |tick: &u64| schedule.last(tick - 1, from);
    let mut backwards: Vec<u64> = std::iter::successors(schedule.last(to, from), before).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards, "{schedule:?}");
    forwards
}

#[track_caller]
fn check(expression: &str, zone: &str, day: &str, expected: &[&str]) {
    let from = ms(&format!("{day}T00:00:00Z")) - 1;
    let found = ticks(&schedule(expression, zone), from, from + 24 * 3_600_000);
    let shown: Vec<_> = found
        .iter()
        .map(|tick| {
            let time = Timestamp::from_millisecond(tick.cast_signed()).unwrap();
            time.to_string()[11..19].to_owned()
        })
        .collect();
    assert_eq!(shown, expected, "{expression} in {zone} on {day}, by UTC");
}

#[test]
fn what_a_day_without_a_change_has() {
    let day = "2026-11-23";
    check("30 2 * * *", "UTC", day, &["02:30:00"]);
    check("30 2 * * *", "Europe/Oslo", day, &["01:30:00"]);
    check(
        "15,45 */8 * * *",
        "UTC",
        day,
        &[
            "00:15:00", "00:45:00", "08:15:00", "08:45:00", "16:15:00", "16:45:00",
        ],
    );
    check(
        "*/20 0 3 * * *",
        "UTC",
        day,
        &["03:00:00", "03:00:20", "03:00:40"],
    );
    // A Monday, by its three names; no Tuesday.
    for monday in ["0 9 * * 1", "0 9 * * MON", "0 9 * * 1-5"] {
        check(monday, "UTC", day, &["09:00:00"]);
    }
    check("0 9 * * 2", "UTC", day, &[]);
    // The 24th or a Monday: one of the two is enough.
    check("0 9 24 * 1", "UTC", day, &["09:00:00"]);
    check("0 9 24 * *", "UTC", day, &[]);
    check("0 9 L * *", "UTC", "2026-11-30", &["09:00:00"]);
    check("0 9 29 2 *", "UTC", "2028-02-29", &["09:00:00"]);
}

/// Oslo, 2026-03-29: from 02:00 to 03:00 at 01:00 UTC.
#[test]
fn what_the_gap_of_spring_skips() {
    let day = "2026-03-29";
    let oslo = "Europe/Oslo";
    // At fixed times: once, at the first moment after the gap.
    check("30 2 * * *", oslo, day, &["01:00:00"]);
    check("0,30 2 * * *", oslo, day, &["01:00:00"]);
    check("0 2,14 * * *", oslo, day, &["01:00:00", "12:00:00"]);
    check("30 2,3 * * *", oslo, day, &["01:00:00", "01:30:00"]);
    // Together with one that is there anyway it is one tick.
    check("0 2,3 * * *", oslo, day, &["01:00:00"]);
    check("30 1 * * *", oslo, day, &["00:30:00", "23:30:00"]);
    // By intervals: not run.
    check("*/30 2 * * *", oslo, day, &[]);
    check(
        "*/30 1-3 * * *",
        oslo,
        day,
        &[
            "00:00:00", "00:30:00", "01:00:00", "01:30:00", "23:00:00", "23:30:00",
        ],
    );
    check(
        "59 * * * *",
        "America/New_York",
        "2026-03-08",
        &[
            "00:59:00", "01:59:00", "02:59:00", "03:59:00", "04:59:00", "05:59:00", "06:59:00",
            "07:59:00", "08:59:00", "09:59:00", "10:59:00", "11:59:00", "12:59:00", "13:59:00",
            "14:59:00", "15:59:00", "16:59:00", "17:59:00", "18:59:00", "19:59:00", "20:59:00",
            "21:59:00", "22:59:00", "23:59:00",
        ],
    );
    // Half an hour, and two hours.
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03",
        &["15:30:00"],
    );
    check(
        "15 1 * * *",
        "Antarctica/Troll",
        day,
        &["01:00:00", "23:15:00"],
    );
    // At midnight.
    check("0 0 * * *", "Africa/Cairo", "2026-04-23", &["22:00:00"]);
}

/// Oslo, 2026-10-25: from 03:00 back to 02:00 at 01:00 UTC.
#[test]
fn what_comes_twice_in_autumn() {
    let day = "2026-10-25";
    let oslo = "Europe/Oslo";
    // At fixed times: once, the first of the two.
    check("30 2 * * *", oslo, day, &["00:30:00"]);
    check(
        "0,30 2,3 * * *",
        oslo,
        day,
        &["00:00:00", "00:30:00", "02:00:00", "02:30:00"],
    );
    // By intervals: twice.
    check(
        "*/30 2 * * *",
        oslo,
        day,
        &["00:00:00", "00:30:00", "01:00:00", "01:30:00"],
    );
    check(
        "0 */6 * * *",
        oslo,
        day,
        &["05:00:00", "11:00:00", "17:00:00", "23:00:00"],
    );
    check(
        "15 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04",
        &["14:15:00"],
    );
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04",
        &["14:45:00"],
    );
    check(
        "30 1 * * *",
        "America/New_York",
        "2026-11-01",
        &["05:30:00"],
    );
}

#[test]
fn what_says_no_times_is_answered_with_what_would() {
    for (expression, problem, cure) in [
        ("", "has 0 fields", "five fields"),
        ("daily", "has 1 field;", "five fields"),
        ("@daily", "is `@daily`", "`0 0 * * *`"),
        ("* * * *", "has 4 fields", "six with seconds first"),
        ("0 0 * * * * 2027", "has 7 fields", "five fields"),
        ("30 25 * * *", "its hour is `25`", "0 to 23"),
        ("60 * * * * *", "its second is `60`", "0 to 59"),
        ("0 0 0 * *", "its day of the month is `0`", "1 to 31"),
        ("0 0 * 13 *", "its month is `13`", "JAN to DEC"),
        ("0 0 * * 8", "its day of the week is `8`", "Sunday"),
        (
            "0 0 * * ONSDAG",
            "its day of the week is `ONSDAG`",
            "SUN to SAT",
        ),
        ("5-1 * * * *", "its minute is `5-1`", "ranges"),
        ("*/0 * * * *", "its minute is `*/0`", "steps"),
        ("0 0 30 2 *", "matches no time", "name a day"),
        ("* * 31 4,6 *", "matches no time", "name a day"),
    ] {
        let error = Schedule::new(expression, Zone::utc())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(problem) && error.contains(cure),
            "{expression}: {error}"
        );
    }
}

/// A field's text and what it means.
type Field = (String, BTreeSet<i8>);

fn field(from: i8, to: i8) -> impl Strategy<Value = Field> {
    let list = btree_set(from..=to, 1..4).prop_map(|set| {
        let text: Vec<_> = set.iter().map(i8::to_string).collect();
        (text.join(","), set)
    });
    let steps = (2..30i8).prop_map(move |step| {
        let set = (from..=to).step_by(step.unsigned_abs().into());
        (format!("*/{step}"), set.collect())
    });
    let range = (from..=to, from..=to).prop_map(|(a, b)| {
        let (a, b) = (a.min(b), a.max(b));
        (format!("{a}-{b}"), (a..=b).collect())
    });
    let any = Just(("*".to_owned(), (from..=to).collect()));
    prop_oneof![4 => list, 1 => steps, 1 => range, 2 => any]
}

/// Zones and days on which their clocks are changed, or not.
const DAYS: [(&str, &str); 10] = [
    ("UTC", "2026-03-29"),
    ("Europe/Oslo", "2026-03-29"),
    ("Europe/Oslo", "2026-10-25"),
    ("Europe/Oslo", "2026-07-01"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-03"),
    ("Australia/Lord_Howe", "2026-04-04"),
    ("Antarctica/Troll", "2026-10-25"),
    ("Africa/Cairo", "2026-10-29"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beside a look at every minute of two days, by nothing but what the wall says at it.
    #[test]
    fn ticks_are_those_of_a_look_at_every_minute(
        (minute, hour, day) in (field(0, 59), field(0, 23), select(DAYS.as_slice())),
    ) {
        let schedule = schedule(&format!("{} {} * * *", minute.0, hour.0), day.0);
        let from = ms(&format!("{}T00:00:00Z", day.1)) - 12 * 3_600_000 - 1;
        let to = from + 48 * 3_600_000;
        let matches = |wall: &DateTime| minute.1.contains(&wall.minute()) && hour.1.contains(&wall.hour());
        // Every minute: what the wall says, and when it says so first. Half a day more at either end.
        let around = from + 1 - 12 * 3_600_000..to + 12 * 3_600_000;
        let looks: Vec<(u64, DateTime)> = around
            .step_by(60_000)
            .map(|at| (at, schedule.zone.rules.to_datetime(timestamp(at.cast_signed() / 1000).unwrap())))
            .collect();
        let expected: BTreeSet<u64> = if minute.0.contains('*') || hour.0.contains('*') {
            looks.iter().filter(|(_, wall)| matches(wall)).map(|(at, _)| *at).collect()
        } else {
            let mut first: BTreeMap<DateTime, u64> = BTreeMap::new();
            for (at, wall) in &looks {
                first.entry(*wall).or_insert(*at);
            }
            let (start, end) = (*first.keys().next().unwrap(), *first.keys().last().unwrap());
            let walls = std::iter::successors(Some(start), |wall| wall.checked_add(SignedDuration::from_mins(1)).ok());
            walls
                .take_while(|wall| *wall <= end)
                .filter(matches)
                .filter_map(|wall| first.range(wall..).next().map(|(_, at)| *at))
                .collect()
        };
        let expected: Vec<u64> = expected.into_iter().filter(|at| (from + 1..=to).contains(at)).collect();
        prop_assert_eq!(ticks(&schedule, from, to), expected);
    }

    /// Whatever the times between which it is asked, no tick is lost or found twice.
    #[test]
    fn ticks_do_not_depend_on_when_one_looks(
        (minute, hour, day) in (field(0, 59), field(0, 23), select(DAYS.as_slice())),
        cuts in btree_set(0u64..48 * 3600, 1..20),
    ) {
        let schedule = schedule(&format!("{} {} * * *", minute.0, hour.0), day.0);
        let from = ms(&format!("{}T00:00:00Z", day.1)) - 12 * 3_600_000;
        let to = from + 48 * 3_600_000;
        let mut parts = Vec::new();
        let mut since = from;
        for cut in cuts.into_iter().map(|cut| from + cut * 1000).chain([to]) {
            parts.extend(ticks(&schedule, since, cut));
            since = cut;
        }
        prop_assert_eq!(parts, ticks(&schedule, from, to));
    }
}

#[test]
fn people_read_it_in_words_and_see_its_next_ticks() {
    for (expression, words) in [
        ("30 2 * * *", "At 02:30"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0 9 * * MON", "At 09:00, on Monday"),
    ] {
        assert_eq!(schedule(expression, "UTC").words(), words);
    }
    let leap = schedule("0 0 29 2 *", "UTC");
    let ticks = leap.next_few(ms("2024-01-01T00:00:00Z"), 2);
    assert_eq!(
        ticks,
        [ms("2024-02-29T00:00:00Z"), ms("2028-02-29T00:00:00Z")]
    );
}

/// Parts of expressions, right and wrong ones.
const PARTS: [&str; 26] = [
    "*", "0", "59", "60", "*/5", "1-5", "5-1", "1,2,3", "MON-FRI", "L", "L-3", "15W", "LW", "1#2",
    "?", "*/0", "-", ",", "/", "@daily", "2/", "0-59/7", "FEB", "31", "7", "ø",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("LONGSHORE_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(128),
        failure_persistence: Some(Box::new(proptest::test_runner::FileFailurePersistence::Direct("fuzz-corpus.txt"))),
        ..ProptestConfig::default()
    })]

    /// Whatever an expression is, it is refused, or each tick comes after the one before.
    #[test]
    fn fuzz_any_expression_is_a_schedule_or_refused(
        parts in proptest::collection::vec(select(&PARTS[..]), 0..8),
        noise in proptest::option::weighted(0.2, ".{0,20}"),
        after in 0_u64..4_000_000_000_000,
    ) {
        let expression = noise.unwrap_or_else(|| parts.join(" "));
        let zone = Zone::named("Europe/Oslo").unwrap();
        if let Ok(schedule) = Schedule::new(&expression, zone) {
            let _ = schedule.words();
            let next = schedule.next_few(after, 3);
            let all: Vec<_> = [after].into_iter().chain(next).collect();
            prop_assert!(all.is_sorted_by(|a, b| a < b), "{expression}: {all:?}");
        }
    }
}
