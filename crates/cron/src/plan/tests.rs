use super::*;
use crate::Zone;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// 2026-11-23T00:00:00Z.
const NOW: u64 = 1_795_392_000_000;

fn hourly() -> Schedule {
    Schedule::new("0 * * * *", Zone::utc()).unwrap()
}

#[test]
fn each_policy_at_each_lateness() {
    use CatchUp::{All, None, Once};
    let hours = |count: u64| {
        (0..count)
            .rev()
            .map(|ago| NOW - ago * HOUR)
            .collect::<Vec<_>>()
    };
    for (policy, mark, now, run, skipped) in [
        // In time, and a minute late.
        (None, NOW - MINUTE, NOW, hours(1), 0),
        (None, NOW - MINUTE, NOW + MINUTE, hours(1), 0),
        (Once, NOW - MINUTE, NOW + MINUTE, hours(1), 0),
        (All, NOW - MINUTE, NOW + MINUTE, hours(1), 0),
        // Later.
        (None, NOW - MINUTE, NOW + MINUTE + 1, vec![], 1),
        (Once, NOW - MINUTE, NOW + MINUTE + 1, hours(1), 0),
        (All, NOW - MINUTE, NOW + MINUTE + 1, hours(1), 0),
        // Three were missed, the fourth is in time: one run makes up for all.
        (None, NOW - 3 * HOUR - 1, NOW, hours(1), 3),
        (Once, NOW - 3 * HOUR - 1, NOW, hours(1), 3),
        (All, NOW - 3 * HOUR - 1, NOW, hours(4), 0),
        // A tick at the mark itself has been dealt with.
        (All, NOW, NOW + 1, vec![], 0),
        (All, NOW - 1, NOW - 1, vec![], 0),
        // A hundred at the most, the newest.
        (All, NOW - 150 * HOUR, NOW, hours(100), 50),
        (All, 0, NOW, hours(100), 1000),
        (None, 0, NOW + 2 * MINUTE, vec![], 1000),
    ] {
        let plan = policy.plan(&hourly(), Some(mark), now);
        assert_eq!(
            (plan.run, plan.skipped),
            (run, skipped),
            "{policy} {mark} {now}"
        );
        assert_eq!(plan.until, now);
    }
}

#[test]
fn a_new_entry_begins_now() {
    for policy in [CatchUp::None, CatchUp::Once, CatchUp::All] {
        let plan = policy.plan(&hourly(), None, NOW);
        assert_eq!((plan.run, plan.skipped, plan.until), (vec![], 0, NOW));
    }
}

#[test]
fn a_clock_that_was_set_back_neither_doubles_nor_stops_for_long() {
    let plan = |mark| CatchUp::All.plan(&hourly(), Some(mark), NOW);
    // By a little: what was dealt with stays dealt with.
    assert_eq!(plan(NOW + 1).until, NOW + 1);
    assert_eq!(plan(NOW + 5000).until, NOW + 5000);
    assert!(!plan(NOW + 5000).set_back);
    // By more: it begins now.
    for ahead in [5001, HOUR, 24 * HOUR] {
        let far = plan(NOW + ahead);
        assert_eq!((far.run, far.until, far.set_back), (vec![], NOW, true));
    }
}

#[test]
fn a_second_of_many_is_as_good_as_a_minute_of_many() {
    let seconds = Schedule::new("* * * * * *", Zone::utc()).unwrap();
    let plan = CatchUp::None.plan(&seconds, Some(NOW - 5000), NOW);
    assert_eq!(plan.run, [4000, 3000, 2000, 1000, 0].map(|ago| NOW - ago));
    // A year of them is no more work than a thousand.
    let plan = CatchUp::Once.plan(&seconds, Some(NOW - 365 * 24 * HOUR), NOW);
    assert_eq!((plan.run, plan.skipped), (vec![NOW], 1000));
}

#[test]
fn the_words_are_read() {
    for policy in [CatchUp::None, CatchUp::Once, CatchUp::All] {
        assert_eq!(policy.as_str().parse(), Ok(policy));
    }
    assert!("some".parse::<CatchUp>().is_err());
}
