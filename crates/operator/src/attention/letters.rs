//! What is wrong with dead letters, and with the replays of them.

use longshore_job::Class;

use super::{AttentionFacts, AttentionRow, Concern, NextStep, Urgency};
use crate::dead::GroupRow;
use crate::time::{counted, grouped, ms_of, rfc3339};

const DAY_MS: u64 = 24 * 3_600_000;

/// From so many dead letters of one cause in an hour on, as the alert has it for a quarter of that.
const MANY: u64 = 10;

/// From so many refusals of one cause in an hour on, as the alert has it.
const MANY_REFUSALS: u64 = 100;

/// A replay is what would do harm.
const SENT_TWICE: &str = "Do not replay all of them: what was delivered would be sent a second time. Discard those, then rehearse the others.";

const LOOK_FIRST: &str =
    "They may have been carried out: rehearse a replay, and see what would happen twice.";

pub(super) fn rows(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let groups = facts.groups.iter();
    let letters = groups.filter_map(|group| of_group(facts, group));
    letters.chain(stopped(facts)).collect()
}

fn of_group(facts: &AttentionFacts, group: &GroupRow) -> Option<AttentionRow> {
    if group.count == 0 {
        return None;
    }
    let queue = &group.queue;
    let (reason, kind) = (&group.reason, group.kind.as_deref().unwrap_or("jobs"));
    let refused = group.class == Some(Class::Refused);
    let last_hour = group.grew.as_ref().map_or(0, |grew| grew.last_hour);
    let new = |urgency, concern, what| {
        let step = NextStep::Letters(queue.clone(), group.group.clone());
        let row = AttentionRow::new(urgency, concern, what, step);
        row.of_queue(queue).since(Some(&group.first_at))
    };
    let mut all = counted(group.count, "letter");
    let delivered = group.deliveries.and_then(|of| of.words(group.count));
    if let Some(words) = &delivered {
        all = format!("{all}: {words}");
    }
    let unknown = group.is_of_unknown_outcome();
    if refused && last_hour > MANY_REFUSALS {
        let what = format!("{kind} of {queue}: {reason}");
        return Some(
            new(Urgency::Later, Concern::RefusalsGrow, what)
                .means(format!(
                    "{} more in the last hour, {all}",
                    grouped(last_hour)
                ))
                .next("See what they have in common."),
        );
    }
    if !refused && last_hour > MANY {
        let what = format!("{kind} of {queue} die: {reason}");
        return Some(
            new(facts.urgency(queue), Concern::DeadLettersGrow, what)
                .means(format!(
                    "{} more in the last hour, {all}",
                    grouped(last_hour)
                ))
                .next(match (unknown, &delivered) {
                    (_, Some(_)) => SENT_TWICE,
                    (true, None) => LOOK_FIRST,
                    (false, None) => "Fix the cause, then rehearse and replay them.",
                }),
        );
    }
    let is_new = ms_of(&group.first_at).is_some_and(|first| first + DAY_MS > facts.now_ms);
    if !refused && is_new && facts.criticality(queue) == "critical" {
        let what = format!("the first dead letters of a cause in {queue}: {kind}, {reason}");
        return Some(
            new(Urgency::Now, Concern::FirstDeadLetter, what)
                .means(all)
                .next(match (unknown, &delivered) {
                    (_, Some(_)) => SENT_TWICE,
                    (true, None) => LOOK_FIRST,
                    (false, None) => "See who is waiting for it, then replay it.",
                }),
        );
    }
    None
}

/// Replays that stopped themselves within a week, and that nobody has begun anew.
fn stopped(facts: &AttentionFacts) -> Vec<AttentionRow> {
    let week_ago = facts.now_ms.saturating_sub(7 * DAY_MS);
    let lately = |ended: Option<&String>| {
        ended
            .and_then(|at| ms_of(at))
            .is_some_and(|at| at > week_ago)
    };
    let replays = facts.replays.iter();
    let stopped = replays.filter(|replay| replay.has_stopped() && lately(replay.ended_at.as_ref()));
    let unanswered = stopped.filter(|replay| {
        let mut others = facts.replays.iter();
        !others.any(|other| {
            other.queue == replay.queue
                && other.target == replay.target
                && other.begun_at > replay.begun_at
        })
    });
    let row = |replay: &crate::replays::ReplayRow| {
        let cause = replay.cause.as_deref().unwrap_or("they failed again");
        let what = format!("the replay of {} stopped itself: {cause}", replay.target);
        let left = replay.total.saturating_sub(replay.moved);
        AttentionRow::new(
            Urgency::Soon,
            Concern::ReplayStopped,
            what,
            NextStep::Operation(replay.id.clone()),
        )
        .of_queue(&replay.queue)
        .since(replay.ended_at.as_ref().or(Some(&rfc3339(facts.now_ms))))
        .means(format!(
            "{} replayed, {} failed again, {} are left",
            grouped(replay.moved),
            grouped(replay.failed),
            grouped(left)
        ))
        .next("Fix the cause, then resume it, or cancel it.")
    };
    unanswered.map(row).collect()
}
