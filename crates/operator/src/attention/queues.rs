//! What is wrong with one queue.

use longshore_queue::{BreakerState, HoldCause};

use super::{AttentionFacts, AttentionRow, Concern, NextStep, Urgency};
use crate::providers::percent;
use crate::queues::{HoldRow, QueueRow};
use crate::time::{counted, minute, ms_of, span};

/// How long the oldest pending job may wait, as the alert has it.
const LATENCY_SECONDS: f64 = 120.0;

/// From so many calls of a day on, the share that was answered says something.
const ENOUGH_CALLS: u64 = 1000;

/// From so many notices to the application on, they do not only pass through.
const MANY_NOTICES: u64 = 1000;

pub(super) fn rows(facts: &AttentionFacts, row: &QueueRow) -> Vec<AttentionRow> {
    let queue = &row.queue;
    // Nothing else is known of it.
    if let Some(away) = &row.away {
        let what = format!("{queue} waits: {} is away", away.server);
        let row = AttentionRow::new(Urgency::Now, Concern::PrimaryAway, what, NextStep::Doctor)
            .since(away.since.as_ref())
            .means(&away.reason)
            .next(format!("On {}: {}.", away.server, away.cure));
        return vec![row.of_queue(queue)];
    }
    let mut rows: Vec<_> = [
        without_workers(facts, row),
        paused(facts, row),
        redis_forgot(row),
        retry_after(row),
    ]
    .into_iter()
    .flatten()
    .chain(breakers(facts, row))
    .collect();
    // What holds the queue back says by itself how much waits.
    if rows.is_empty() {
        rows.extend(oldest_pending(facts, row));
    }
    rows.extend(limit(row));
    rows.extend(parked(row));
    rows.extend(notices(row));
    rows.extend(lost(row));
    rows.extend(below_sla(facts, row));
    rows.extend(overwritten(row));
    rows.into_iter().map(|row| row.of_queue(queue)).collect()
}

/// `412 jobs wait, the oldest for 9 min`.
fn waiting(row: &QueueRow) -> String {
    let jobs = match row.pending {
        0 => return "nothing waits".to_owned(),
        1 => "1 job waits".to_owned(),
        pending => format!("{} wait", counted(pending, "job")),
    };
    match row.latency_seconds {
        Some(seconds) => format!("{jobs}, the oldest for {}", span((seconds * 1000.0) as u64)),
        None => jobs,
    }
}

fn without_workers(facts: &AttentionFacts, row: &QueueRow) -> Option<AttentionRow> {
    if row.workers > 0 {
        return None;
    }
    let queue = &row.queue;
    if !facts.configured.queues.contains_key(queue) {
        if row.to_do() == 0 {
            return None;
        }
        let what = format!("nobody works {queue}, and it is not configured here");
        let next =
            "See whether a deploy lost its provider's key, or a producer means another queue.";
        return Some(
            AttentionRow::new(
                Urgency::Soon,
                Concern::JobsWithoutWorkers,
                what,
                NextStep::Doctor,
            )
            .means(format!("{} to do", counted(row.to_do(), "job")))
            .next(next),
        );
    }
    let urgency = facts.urgency(queue);
    if row.to_do() == 0 && facts.criticality(queue) == "low" {
        return None;
    }
    let what = format!("nobody works {queue}");
    let next =
        "See why its workers are away: read their logs, and check that their deployment runs any.";
    Some(
        AttentionRow::new(urgency, Concern::NoWorkers, what, NextStep::Workers)
            .means(waiting(row))
            .next(next),
    )
}

fn of_provider<'a>(row: &'a QueueRow, provider: &str, cause: HoldCause) -> Option<&'a HoldRow> {
    let mut holds = row.holds.iter();
    holds.find(|hold| hold.cause == cause && hold.provider == provider)
}

fn until(hold: &HoldRow, or: &str) -> String {
    let until = hold.until.as_deref();
    until.map_or_else(|| or.to_owned(), minute)
}

fn own_provider(row: &QueueRow) -> &str {
    row.breakers
        .first()
        .map_or("its provider", |breaker| &breaker.provider)
}

fn paused(facts: &AttentionFacts, row: &QueueRow) -> Option<AttentionRow> {
    let queue = &row.queue;
    let provider = own_provider(row);
    let pause = row.paused.as_ref();
    if of_provider(row, provider, HoldCause::Credentials).is_some() {
        let what = format!("{queue} has paused itself: {provider} refuses our credentials");
        let next = "Put valid credentials where the configuration says, then lift the hold.";
        let step = NextStep::LiftHolds(queue.clone());
        let itself = pause.filter(|pause| pause.by == "longshore");
        return Some(
            AttentionRow::new(facts.urgency(queue), Concern::PausedItself, what, step)
                .since(itself.map(|pause| &pause.since))
                .means(waiting(row))
                .next(next),
        );
    }
    let pause = pause?;
    let why = match pause.reason.as_str() {
        "" => "and gave no reason".to_owned(),
        reason => format!("because: {reason}"),
    };
    let what = format!("{} paused {queue}, {why}", pause.by);
    let step = NextStep::Resume(queue.clone());
    Some(
        AttentionRow::new(Urgency::Later, Concern::Paused, what, step)
            .since(Some(&pause.since))
            .means(waiting(row))
            .next("Resume it when the reason is over."),
    )
}

fn redis_forgot(row: &QueueRow) -> Option<AttentionRow> {
    let forgot = |hold: &&HoldRow| {
        matches!(
            hold.cause,
            HoldCause::RedisForgot | HoldCause::RedisRestarted
        )
    };
    let hold = row.holds.iter().find(forgot)?;
    let (urgency, what) = match hold.cause {
        HoldCause::RedisForgot => (Urgency::Now, "Redis has forgotten writes of"),
        _ => (Urgency::Later, "Redis was restarted under"),
    };
    let what = format!("{what} {}", row.queue);
    let next = "Compare what producers enqueued in the last minutes with what is here.";
    Some(
        AttentionRow::new(urgency, Concern::RedisForgot, what, NextStep::Doctor)
            .means(format!(
                "{}; workers tell what they remember until {}",
                waiting(row),
                until(hold, "they have")
            ))
            .next(next),
    )
}

fn retry_after(row: &QueueRow) -> Option<AttentionRow> {
    let hold = of_provider(row, own_provider(row), HoldCause::RetryAfter)?;
    let what = format!("{} asked for a wait", hold.provider);
    let step = NextStep::Queue(row.queue.clone());
    let until = until(hold, "it says otherwise");
    Some(
        AttentionRow::new(Urgency::Later, Concern::RetryAfter, what, step)
            .means(format!("{}; no calls until {until}", waiting(row)))
            .next("Nothing, as long as it does not come again: then slow the queue."),
    )
}

fn breakers(facts: &AttentionFacts, row: &QueueRow) -> Vec<AttentionRow> {
    let mut rows = Vec::new();
    let queue = &row.queue;
    let step = || NextStep::Queue(queue.clone());
    for breaker in &row.breakers {
        let provider = &breaker.provider;
        if breaker.state != BreakerState::Closed {
            let fallback = row.fallback.as_ref();
            let fallback = fallback.filter(|of| of.active && of.provider != *provider);
            let what = format!(
                "the breaker of {provider} is {}: {}",
                breaker.state.as_str(),
                match fallback {
                    Some(fallback) => format!("jobs go to {}", fallback.provider),
                    None => "calls fail".to_owned(),
                }
            );
            let means = match fallback {
                Some(fallback) => {
                    format!("{}; {} so far", waiting(row), counted(fallback.jobs, "job"))
                }
                None => waiting(row),
            };
            rows.push(
                AttentionRow::new(facts.urgency(queue), Concern::BreakerOpen, what, step())
                    .means(means)
                    .next(format!(
                        "Look at the status page of {provider}; the breaker closes by itself."
                    )),
            );
        }
        if let Some(refused) = &breaker.refused {
            let what = format!("{provider} refuses our credentials: it cannot stand in");
            rows.push(
                AttentionRow::new(Urgency::Soon, Concern::FallbackRefused, what, step())
                    .since(Some(&refused.since))
                    .means(waiting(row))
                    .next("Put valid credentials where the configuration says."),
            );
        }
    }
    rows
}

fn oldest_pending(facts: &AttentionFacts, row: &QueueRow) -> Option<AttentionRow> {
    let seconds = row
        .latency_seconds
        .filter(|seconds| *seconds > LATENCY_SECONDS)?;
    // Parked jobs have a line of their own.
    let parked: u64 = row.parked.iter().map(|parked| parked.jobs).sum();
    if row.pending <= parked {
        return None;
    }
    let age = span((seconds * 1000.0) as u64);
    let what = format!("the oldest pending job of {} waits for {age}", row.queue);
    let step = NextStep::Queue(row.queue.clone());
    let means = format!(
        "{}, {} are done a minute",
        waiting(row),
        row.per_minute.completed
    );
    Some(
        AttentionRow::new(
            facts.urgency(&row.queue),
            Concern::OldestPending,
            what,
            step,
        )
        .means(means)
        .next("Nothing holds it back: add workers, or find what floods it."),
    )
}

fn limit(row: &QueueRow) -> Option<AttentionRow> {
    let hold = row
        .holds
        .iter()
        .find(|hold| hold.cause == HoldCause::Limit)?;
    let what = format!("an operator has slowed {}", row.queue);
    let until = until(hold, "it is lifted");
    let step = NextStep::LiftLimit(row.queue.clone());
    Some(
        AttentionRow::new(Urgency::Later, Concern::LimitInForce, what, step)
            .means(format!("{}; until {until}", waiting(row)))
            .next("Lift the limit when its reason is over."),
    )
}

fn notices(row: &QueueRow) -> Option<AttentionRow> {
    let waiting = row.notices.filter(|&waiting| waiting >= MANY_NOTICES)?;
    let what = format!("the app is not told what becomes of jobs of {}", row.queue);
    Some(
        AttentionRow::new(Urgency::Soon, Concern::NoticesWait, what, NextStep::Doctor)
            .means(format!("{} wait", counted(waiting, "notice")))
            .next("See whether the queue events is full, and by `longshore doctor` whether events are off."),
    )
}

fn parked(row: &QueueRow) -> Option<AttentionRow> {
    let jobs: u64 = row.parked.iter().map(|parked| parked.jobs).sum();
    let first = row
        .parked
        .iter()
        .min_by_key(|parked| ms_of(&parked.since))?;
    let kinds: Vec<_> = row
        .parked
        .iter()
        .map(|parked| parked.kind.as_str())
        .collect();
    let what = format!("no worker of {} knows {}", row.queue, kinds.join(", "));
    Some(
        AttentionRow::new(Urgency::Soon, Concern::JobsParked, what, NextStep::Workers)
            .since(Some(&first.since))
            .means(format!(
                "{} set apart; each is a dead letter after an hour",
                counted(jobs, "job")
            ))
            .next("Deploy workers that know the kind."),
    )
}

fn below_sla(facts: &AttentionFacts, row: &QueueRow) -> Vec<AttentionRow> {
    let below = row.providers.iter().filter_map(|provider| {
        let promised = facts.configured.promised.get(&provider.provider)?;
        let share = provider.answered_share?;
        let calls = provider.answered + provider.failed;
        if calls < ENOUGH_CALLS || share >= *promised {
            return None;
        }
        let what = format!(
            "{} answered {} of a day's calls, and promises {}",
            provider.provider,
            percent(share),
            percent(*promised)
        );
        let step = NextStep::Queue(row.queue.clone());
        Some(
            AttentionRow::new(Urgency::Later, Concern::ProviderBelowSla, what, step)
                .means(format!(
                    "{} of {} failed",
                    counted(provider.failed, "call"),
                    counted(calls, "call")
                ))
                .next("Write to its support with the hours and some request ids."),
        )
    });
    below.collect()
}

/// For an hour after a worker was lost with jobs in hand.
fn lost(row: &QueueRow) -> Option<AttentionRow> {
    let lost = row.lost.as_ref()?;
    let (queue, jobs) = (&row.queue, counted(lost.jobs, "job"));
    let what = format!("a worker of {queue} was lost while it ran {jobs}");
    let step = NextStep::Queue(queue.clone());
    Some(
        AttentionRow::new(Urgency::Soon, Concern::WorkerLost, what, step)
            .since(Some(&lost.last_at))
            .means("their requests may have been carried out, and are made again unless the queue holds them")
            .next(format!(
                "See which they are: `longshore jobs lost --queue {queue}`; and why the worker died."
            )),
    )
}

fn overwritten(row: &QueueRow) -> Option<AttentionRow> {
    let broken = row.broken.as_ref()?;
    let what = format!("something of {} cannot be read", row.queue);
    Some(
        AttentionRow::new(
            Urgency::Now,
            Concern::KeysOverwritten,
            what,
            NextStep::Doctor,
        )
        .means(broken)
        .next("Find the program that wrote there."),
    )
}
