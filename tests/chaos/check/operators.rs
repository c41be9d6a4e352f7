//! Whether what commands said was true.

use longshore_client::{JobId, JobState};

use crate::facts::{Command, Facts, JobRun, Promise};
use crate::ledger::Ledger;

/// How long a fleet goes on repairing what Redis forgot.
const REPAIR_MS: u64 = 20_000;

/// Calls that a limited provider gets beyond its rate: those that had their place before, and one more at each end.
const BEYOND: u64 = 12;

/// What stands in a job's history beside its runs.
const NO_RUNS: [&str; 4] = ["edited", "replayed", "cancelled", "forgotten"];

/// Redis may have lost what the command wrote.
const LOST: &str = "a command whose write Redis lost";

/// A campaign is cancelled up to when its command was given, by Redis's clock; one that steps makes what waits due, or of a time to come.
const OTHER_TIME: &str = "a job of a campaign that a wrong clock of Redis put into another time";

/// A tick bears the time that Redis had when it was made.
const OTHER_TICK: &str = "a tick that bears the time of a wrong clock of Redis";

/// For how long a campaign's jobs are enqueued before it is cancelled.
const CAMPAIGN_MS: u64 = 15_000;

/// A limit that was made in what is then a time to come is void.
const WRONG_CLOCK: &str = "a limit that a wrong clock of Redis made void";

/// A job that ran while Redis knew of it, and waited again when Redis had forgotten that.
const FORGOT_RUN: &str = "cancelled after Redis had forgotten that it was sent";

/// A process that stood still claimed it before.
const STOOD_STILL: &str = "begun by a worker that had stood still";

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for command in &facts.commands {
        for promise in &command.promises {
            one(facts, command, promise, ledger);
        }
    }
}

fn one(facts: &Facts, command: &Command, promise: &Promise, ledger: &mut Ledger) {
    let lost = facts.may_be_lost(command.asked_ms, command.at_ms);
    let lost = lost.then_some(LOST);
    match promise {
        Promise::NeverSent(id) => never_sent(facts, command, *id, ledger),
        Promise::Cancelled(id) => {
            if !effects(facts, *id).is_empty() {
                let forced = "cancelled by force, and sent";
                *ledger.apart.entry(forced).or_default() += 1;
            }
            is_cancelled(facts, command, *id, ledger);
        }
        Promise::SentTo(id, to) => {
            let recipients = facts.recipients.get(&id.to_string());
            let mut others = recipients
                .into_iter()
                .flatten()
                .filter(|other| *other != to);
            if let Some(other) = others.next() {
                ledger.unless(lost, format!("edited: {id} went to {other}, not to {to}"));
            }
        }
        Promise::PersonForgotten(ids, person) => {
            for id in ids {
                if effects(facts, *id).iter().any(|at| *at > command.at_ms) {
                    ledger.unless(lost, format!("forgotten: {id} was sent afterwards"));
                }
            }
            if facts.still_there.contains(person) {
                ledger.unless(lost, format!("forgotten: Redis still has {person}"));
            }
        }
        Promise::Discarded(id) => {
            if facts.found.contains_key(id) {
                ledger.unless(lost, format!("discarded: {id} is there"));
            }
        }
        Promise::Still(queue, from_ms, until_ms) => {
            still(facts, queue, *from_ms, *until_ms, ledger);
        }
        Promise::Slow(queue, per_second, from_ms, until_ms) => {
            let during = |at: &&u64| (*from_ms..*until_ms).contains(*at);
            let of_queue = facts
                .found
                .iter()
                .filter(|(_, found)| found.queue == *queue);
            let calls = of_queue.flat_map(|(id, _)| effects(facts, *id));
            let calls = calls.filter(during).count() as u64;
            let most = per_second * until_ms.saturating_sub(*from_ms) / 1000 + BEYOND;
            if calls > most {
                let what = format!("limited: {queue} had {calls} calls, {most} at the most");
                let lost = facts.may_be_lost(command.asked_ms, *until_ms);
                let wrong = facts.clock_was_wrong(command.asked_ms, *until_ms);
                let excuse = wrong.then_some(WRONG_CLOCK).or(lost.then_some(LOST));
                ledger.unless(excuse, what);
            }
        }
        Promise::NoTick(entry, from_ms, until_ms) => {
            let ticks = facts.found.values().filter_map(|found| found.tick.as_ref());
            let of_entry = ticks.filter(|(name, _)| name == entry);
            for tick in of_entry.map(|(_, tick)| *tick) {
                if (*from_ms + 1..*until_ms).contains(&tick) {
                    let mut wrong = facts.wrong_clocks.iter();
                    let wrong = wrong.any(|wrong| wrong.may_have_made(tick));
                    let excuse = wrong.then_some(OTHER_TICK).or(lost);
                    ledger.unless(excuse, format!("paused: {entry} made {tick}"));
                }
            }
        }
        Promise::MayNotTick(..) | Promise::Replayed => {}
    }
}

fn effects(facts: &Facts, id: JobId) -> &[u64] {
    let effects = facts.effects.get(&id.to_string());
    effects.map_or(&[], Vec::as_slice)
}

/// What may have been sent is not cancelled without force: so what is cancelled was not sent, before or after.
fn never_sent(facts: &Facts, command: &Command, id: JobId, ledger: &mut Ledger) {
    let effects = effects(facts, id);
    if let Some(at) = effects.first() {
        let forgot = facts.forgotten.iter().any(|f| {
            let began = f.from_ms.saturating_sub(REPAIR_MS);
            (began..=f.back_ms + REPAIR_MS).contains(at) && command.at_ms >= f.from_ms
        });
        let what = format!(
            "cancelled: {id} was sent {} ms after `{}` had said that it is, at {}: {:?}",
            i128::from(*at) - i128::from(command.at_ms),
            command.name,
            command.at_ms,
            facts
                .found
                .get(&id)
                .map(|found| (found.state, &found.put_back, &found.runs))
        );
        // Of a campaign its command says only how many it has cancelled.
        let began_ms = command.asked_ms.saturating_sub(CAMPAIGN_MS);
        let wrong = command.name == "cancel many" && facts.clock_was_wrong(began_ms, command.at_ms);
        let lost = *at > command.at_ms && facts.may_be_lost(command.asked_ms, command.at_ms);
        let excuse = wrong.then_some(OTHER_TIME).or(forgot.then_some(FORGOT_RUN));
        // Redis forgot the cancel, and the job waited again for its time.
        let excuse = excuse.or(lost.then_some(LOST));
        ledger.unless(excuse, what);
        return;
    }
    is_cancelled(facts, command, id, ledger);
}

fn is_cancelled(facts: &Facts, command: &Command, id: JobId, ledger: &mut Ledger) {
    let state = facts.found.get(&id).map(|found| found.state);
    if state == Some(JobState::Cancelled) {
        return;
    }
    let lost = facts.may_be_lost(command.asked_ms, command.at_ms);
    let state = state.map_or("nowhere", JobState::as_str);
    let what = format!(
        "cancelled: {id} is {state}, though `{}` cancelled it",
        command.name
    );
    ledger.unless(lost.then_some(LOST), what);
}

/// A run begins when its worker has claimed the job, and a paused queue is not claimed from.
fn still(facts: &Facts, queue: &str, from_ms: u64, until_ms: u64, ledger: &mut Ledger) {
    let began = |run: &&JobRun| {
        let at = run.at_ms.saturating_sub(run.duration_ms);
        !NO_RUNS.contains(&run.outcome.as_str()) && (from_ms..until_ms).contains(&at)
    };
    let of_queue = facts.found.values().filter(|found| found.queue == queue);
    let begun = of_queue.flat_map(|found| &found.runs).filter(began).count();
    if begun == 0 {
        return;
    }
    let stood_still = facts
        .deaths_ms
        .iter()
        .any(|at| (from_ms.saturating_sub(REPAIR_MS)..until_ms).contains(at));
    let cause = match facts.may_be_lost(from_ms.saturating_sub(REPAIR_MS), until_ms) {
        true => Some(LOST),
        false => stood_still.then_some(STOOD_STILL),
    };
    ledger.unless(
        cause,
        format!("paused: {begun} runs of {queue} began all the same"),
    );
}
