//! Whether a queue's keys agree with each other, once all has ended.

use std::collections::HashSet;

use longshore_client::JobState;

use crate::facts::{Facts, Sets};
use crate::ledger::Ledger;

/// Sets of jobs that are to be carried out: empty, once all has ended.
const TO_DO: [&str; 6] = [
    "lanes",
    "scheduled",
    "retryable",
    "inflight",
    "parked",
    "lane",
];

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for sets in &facts.sets {
        one(sets, ledger);
    }
}

fn one(sets: &Sets, ledger: &mut Ledger) {
    let none = HashSet::new();
    let of = |name: &str| sets.members.get(name).unwrap_or(&none);
    let queue = sets.queue;
    for name in TO_DO.iter().filter(|name| !of(name).is_empty()) {
        let what = format!("sets: {queue}: {name} still has {} jobs", of(name).len());
        ledger.fault(what);
    }
    // An id may stay in the waiting list after its job has gone elsewhere: claims pass it over.
    let waiting = of("active").iter();
    let waits = waiting.filter(|id| sets.jobs.get(*id) == Some(&JobState::Pending));
    if waits.clone().count() > 0 {
        ledger.fault(format!("sets: {queue}: {} jobs wait", waits.count()));
    }
    for (name, state) in [
        ("dead", JobState::Dead),
        ("letters", JobState::Dead),
        ("completed", JobState::Completed),
        ("completions", JobState::Completed),
        ("cancelled", JobState::Cancelled),
    ] {
        let listed = of(name);
        let is_there = |(id, is): (&String, &JobState)| *is == state && !listed.contains(id);
        for (id, _) in sets.jobs.iter().filter(|(id, is)| is_there((id, is))) {
            ledger.fault(format!("sets: {queue}: {id} is {state}, and not in {name}"));
        }
        for id in listed
            .iter()
            .filter(|id| sets.jobs.get(*id) != Some(&state))
        {
            let is = sets.jobs.get(id).map_or("nowhere", |state| state.as_str());
            ledger.fault(format!("sets: {queue}: {id} is in {name}, and is {is}"));
        }
    }
}
