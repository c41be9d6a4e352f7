//! What may have become of each job, given what was done to it. Pure: facts in, a ledger out.

mod attempts;
mod audit;
mod cron;
mod keys;
mod memory;
mod operators;
mod posts;
mod recovery;
mod sets;

use longshore_client::{JobId, JobState};

use crate::facts::{Accepted, Command, Facts, JobRun};
use crate::ledger::Ledger;
use crate::sort::Sort;

/// How long a fleet goes on repairing what Redis forgot: a worker that is killed meanwhile takes what it knows along.
const REPAIR_MS: u64 = 20_000;

/// Says what became of everything, and what of it must not be.
pub(crate) fn check(facts: &Facts) -> Ledger {
    let mut ledger = Ledger {
        accepted: facts.accepted.len(),
        ..Ledger::default()
    };
    for job in &facts.accepted {
        one(facts, job, &mut ledger);
    }
    for id in &facts.rolled_back {
        let effects = facts.effects.get(&id.to_string());
        if facts.found.contains_key(id) || effects.is_some_and(|effects| !effects.is_empty()) {
            let what = format!("uncommitted: {id} was rolled back, and is there");
            ledger.faults.push(what);
        }
    }
    for (id, told) in &facts.told {
        if told.iter().any(|told| told.queue == "events") {
            let what = format!("echo: {id} is of the queue events, and was told of");
            ledger.faults.push(what);
        }
    }
    ledger.faults.extend(facts.misbehaved.iter().cloned());
    let stuck = facts.unsettled.iter().map(|what| format!("stuck: {what}"));
    ledger.faults.extend(stuck);
    for check in [
        attempts::check,
        audit::check,
        cron::check,
        keys::check,
        memory::check,
        operators::check,
        posts::check,
        recovery::check,
        sets::check,
    ] {
        check(facts, &mut ledger);
    }
    ledger
}

fn one(facts: &Facts, job: &Accepted, ledger: &mut Ledger) {
    let id = job.id;
    let none = Vec::new();
    let effects = facts.effects.get(&id.to_string()).unwrap_or(&none);
    let of_kind = ledger.kinds.entry(job.kind).or_default();
    of_kind.0 += 1;
    let Some(found) = facts.found.get(&id) else {
        nowhere(facts, job, ledger);
        doubled(facts, job, &[], effects, ledger);
        return;
    };
    match found.state {
        JobState::Completed => {
            of_kind.1 += 1;
            ledger.completed += 1;
            if effects.is_empty() && job.sort.has_effect() {
                let what = format!("lost: {id} ({:?}) completed without an effect", job.sort);
                ledger.faults.push(what);
            }
        }
        JobState::Dead => {
            let cause = found.cause.clone().unwrap_or_default();
            *ledger.dead.entry(cause).or_default() += 1;
        }
        JobState::Cancelled => cancelled(facts, id, ledger),
        state => ledger.faults.push(format!("stuck: {id} is {state}")),
    }
    told(facts, job, found.state, ledger);
    doubled(facts, job, &found.runs, effects, ledger);
}

/// An accepted job that no queue knows.
fn nowhere(facts: &Facts, job: &Accepted, ledger: &mut Ledger) {
    let id = job.id;
    let mut commands = facts.commands_of(id);
    if commands.any(|command| command.name == "discard") {
        ledger.discarded += 1;
    } else if facts.may_be_gone(job) {
        ledger.gone += 1;
    } else {
        ledger.fault(format!("lost: {id} ({:?}) is nowhere", job.sort));
    }
}

/// One that was cancelled: somebody has asked for it, also where the answer was lost.
fn cancelled(facts: &Facts, id: JobId, ledger: &mut Ledger) {
    let asks = |command: &Command| command.name.starts_with("cancel") || command.name == "forget";
    match facts.commands_of(id).any(asks) {
        true => ledger.cancelled += 1,
        false => ledger.fault(format!("cancelled: {id}, and nobody has asked for it")),
    }
}

/// Whether the application was told how a job ended.
fn told(facts: &Facts, job: &Accepted, state: JobState, ledger: &mut Ledger) {
    let id = job.id;
    let what = format!("job.{state}");
    let told = facts.told.get(&id.to_string());
    match told.map(|told| told.iter().filter(|told| told.what == what).count()) {
        Some(times @ 1..) => {
            ledger.told += 1;
            ledger.told_again += times - 1;
        }
        _ if lost_since(facts, job) => ledger.untold_gone += 1,
        _ => ledger.faults.push(format!("untold: {id} is {state}")),
    }
}

/// Whether a node of a cluster has lost what it accepted since the job was: an event of it may have been there. One server
/// forgets a job's end with its event, and the end comes again.
fn lost_since(facts: &Facts, job: &Accepted) -> bool {
    let mut forgotten = facts.forgotten.iter();
    facts.several_nodes && forgotten.any(|f| !f.keeps_accepted && f.killed_ms >= job.asked_ms)
}

/// Effects beyond the first, and whether there is a cause that allows them.
fn doubled(facts: &Facts, job: &Accepted, runs: &[JobRun], effects: &[u64], ledger: &mut Ledger) {
    if effects.len() <= 1 {
        return;
    }
    let count = |outcome: &str| runs.iter().filter(|run| run.outcome == outcome).count();
    let (lost, unknown) = (count("lost"), count("outcome_unknown"));
    let extra = effects.len() - 1;
    let cause = if job.sort == Sort::MailRetried && lost + unknown >= extra {
        match lost >= unknown {
            true => Some("worker lost while its request was out; the queue retries"),
            false => Some("answer lost; the queue retries"),
        }
    } else if job.sort.is_held() && lost + unknown >= extra && count("replayed") > 0 {
        Some("an operator replayed what may have been sent")
    } else if !job.sort.is_keyed() && forgot(facts, effects) {
        Some("Redis forgot the run, and the worker that knew of it was gone as well")
    } else {
        None
    };
    match cause {
        Some(cause) => *ledger.doubled.entry(cause).or_default() += extra,
        None => ledger.faults.push(format!(
            "doubled: {} ({:?}) had {} effects and no cause for it: {runs:?}",
            job.id,
            job.sort,
            effects.len()
        )),
    }
}

/// An effect falls into a time that Redis forgot, and a worker that may have known of it was gone before all was repaired.
fn forgot(facts: &Facts, effects: &[u64]) -> bool {
    facts.forgotten.iter().any(|f| {
        let during = |at: &u64| (f.from_ms.saturating_sub(REPAIR_MS)..=f.killed_ms).contains(at);
        let gone = |at: &u64| (f.from_ms..=f.back_ms + REPAIR_MS).contains(at);
        effects.iter().any(during) && facts.deaths_ms.iter().any(gone)
    })
}

#[cfg(test)]
mod tests;
