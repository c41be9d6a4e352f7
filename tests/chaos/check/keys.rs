//! Whether each key stands for one job.

use longshore_client::{JobId, JobState};

use crate::facts::{Facts, KeyUse};
use crate::ledger::Ledger;

/// Redis may have lost the job that had it, and its key with it.
const GONE: &str = "a key whose job went with writes that Redis lost";

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for used in &facts.keys {
        one(facts, used, ledger);
    }
}

fn one(facts: &Facts, used: &KeyUse, ledger: &mut Ledger) {
    let KeyUse { key, answers, .. } = used;
    for pair in answers.windows(2) {
        let ((first, _), (second, _)) = (pair[0], pair[1]);
        if first != second {
            let what = format!("key: {key} stood for {first}, then for {second}");
            ledger.unless(gone(facts, first), what);
        }
    }
    let Some((last, _)) = answers.last() else {
        return;
    };
    let Some(found) = facts.found.get(last) else {
        // Lost, or gone: that is said of the job.
        return;
    };
    match used.holder {
        Some(holder) if holder == *last => {}
        // One that was never sent is free at once.
        None if found.state == JobState::Cancelled => return,
        holder => {
            let what = format!("key: {key} is {last}'s, and leads to {holder:?}");
            ledger.unless(gone(facts, *last), what);
            return;
        }
    }
    if used.has_limit != (found.state == JobState::Completed) {
        let limit = if used.has_limit { "a" } else { "no" };
        let what = format!(
            "key: {key} has {limit} time limit, and its job is {}",
            found.state
        );
        ledger.fault(what);
    }
}

fn gone(facts: &Facts, id: JobId) -> Option<&'static str> {
    let mut accepted = facts.accepted.iter();
    let job = accepted.find(|job| job.id == id)?;
    facts.may_be_lost(job.asked_ms, job.at_ms).then_some(GONE)
}
