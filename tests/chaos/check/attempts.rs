//! Whether an attempt was used for anything but an answer, or the want of one.

use longshore_client::JobId;

use crate::facts::{Facts, Found, JobRun};
use crate::ledger::Ledger;

/// What uses an attempt. A worker that is lost uses none: losses are counted by themselves.
const USES_ONE: [&str; 6] = [
    "completed",
    "skipped",
    "refused",
    "failed",
    "outcome_unknown",
    "timed_out",
];

/// Words of reasons for which a job waits, and is not called.
const NOT_CALLED: [&str; 7] = [
    "breaker",
    "paused",
    "limiter",
    "Redis",
    "lease",
    "descriptors",
    "cannot connect",
];

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for (id, found) in &facts.found {
        one(facts, *id, found, ledger);
    }
}

fn one(facts: &Facts, id: JobId, found: &Found, ledger: &mut Ledger) {
    let mut next: Option<u32> = None;
    for run in &found.runs {
        if run.outcome == "replayed" {
            next = None;
            continue;
        }
        if run.outcome == "panicked" {
            ledger.fault(format!("panicked: {id}: {:?}", run.reason));
        }
        let fails = run.outcome != "completed" && run.outcome != "skipped";
        if !USES_ONE.contains(&run.outcome.as_str()) || (run.probe && fails) {
            continue;
        }
        if next.is_some_and(|next| run.attempt > next) {
            let what = format!(
                "burnt: {id} came to attempt {} at once: {:?}",
                run.attempt, found.runs
            );
            ledger.fault(what);
        }
        next = Some(run.attempt + 1);
        let sick = facts.sick.iter().any(|sick| run.worker.contains(sick));
        if run.outcome == "failed" && sick {
            let what = format!(
                "burnt: {id} lost an attempt to the sick worker {}",
                run.worker
            );
            ledger.fault(what);
        } else if fails && not_called(run) {
            let what = format!(
                "burnt: {id} lost an attempt without a call: {:?}",
                run.reason
            );
            ledger.fault(what);
        }
    }
}

fn not_called(run: &JobRun) -> bool {
    let reason = run.reason.as_deref().unwrap_or_default();
    // What its provider says in its own words says nothing of us.
    run.answer.is_none() && NOT_CALLED.iter().any(|word| reason.contains(word))
}
