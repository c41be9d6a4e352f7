//! `dead replay --dry-run`: what would happen, and nothing happens.

use longshore_operator::{Rehearsal, RehearsedQueue};
use longshore_queue::{BreakerState, HoldCause};

use serde_json::json;

use super::moves::{bar, target};
use super::replays;
use crate::age::{ago, rough};
use crate::cli::{Discard, ReplayArgs};
use crate::failure::Failure;
use crate::output::{self, counted, plain};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: ReplayArgs) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let target = target(args.which.clone());
    let bar = bar(operator.count(&target).await?);
    let rehearsal = operator
        .rehearse(&target, replays::how(&args), |n| bar.set_position(n))
        .await;
    bar.finish_and_clear();
    let rehearsal = rehearsal?;
    if args.json {
        return output::json(&rehearsal);
    }
    for line in lines(&rehearsal, args.rate) {
        output::line(&plain(&line))?;
    }
    Ok(())
}

/// `dead discard --dry-run`.
pub(super) async fn discard(session: &Session, args: Discard) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let target = target(args.which);
    let rehearsal = operator.rehearse(&target, None, |_| {}).await?;
    if args.json {
        return output::json(&json!({
            "letters": rehearsal.letters,
            "looked": rehearsal.looked,
            "sample": rehearsal.sample,
            "outcome_unknown": rehearsal.outcome_unknown,
            "delivered": rehearsal.delivered,
            "delivery_failed": rehearsal.delivery_failed,
            "accepted": rehearsal.accepted,
        }));
    }
    output::line(&format!(
        "{} would be gone; nothing was changed",
        counted(rehearsal.letters, "dead letter")
    ))?;
    if rehearsal.outcome_unknown > 0 {
        output::line(&format!(
            "  {} {} may have been carried out already",
            rehearsal.outcome_unknown,
            of(&rehearsal)
        ))?;
    }
    for line in deliveries(&rehearsal) {
        output::line(&line)?;
    }
    Ok(())
}

/// What the providers have said of their messages since.
fn deliveries(rehearsal: &Rehearsal) -> Vec<String> {
    let counts = [
        (
            rehearsal.delivered,
            "were delivered, by what their provider has said since",
        ),
        (
            rehearsal.delivery_failed,
            "were taken on by their provider, and did not arrive",
        ),
        (
            rehearsal.accepted,
            "were taken on by their provider, which has not said how they ended",
        ),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let mut lines: Vec<_> = counts
        .map(|(count, what)| format!("  {count} {what}"))
        .collect();
    if rehearsal.delivered_again > 0 {
        lines.push(format!(
            "  a replay would send {} of the delivered ones a second time: discard them by `--delivery delivered`, or replay the others by `--delivery unknown`",
            rehearsal.delivered_again
        ));
    }
    lines
}

/// Of how many the numbers are.
fn of(rehearsal: &Rehearsal) -> String {
    rehearsal.sample.words(rehearsal.looked)
}

fn lines(rehearsal: &Rehearsal, rate: Option<u32>) -> Vec<String> {
    let of = of(rehearsal);
    let mut lines = vec![format!(
        "{} would be pending again, {} {of} would run; nothing was changed",
        counted(rehearsal.letters, "dead letter"),
        rehearsal.would_run
    )];
    for row in &rehearsal.refused {
        lines.push(format!("  {} would die again: {}", row.letters, row.reason));
    }
    let known = rehearsal.outcome_unknown - rehearsal.may_double - rehearsal.key_forgotten;
    let counts = [
        (
            rehearsal.forgotten,
            "stay dead: their person was forgotten, and nothing of them can be carried out",
        ),
        (
            rehearsal.suppressed,
            "would die again: nothing is sent to their address any more (`longshore suppressions list`)",
        ),
        (
            rehearsal.undecodable,
            "would die again: they cannot be decoded",
        ),
        (
            rehearsal.unknown_kind,
            "would wait, and die again after a while: neither a worker of their queue nor this program knows their kind",
        ),
        (
            rehearsal.no_worker_knows,
            "would wait, and die again after a while: no living worker of their queue knows their kind",
        ),
        (
            rehearsal.workers_know,
            "are of a kind that workers know and this program does not: whether they decode is not known",
        ),
        (
            rehearsal.newer,
            "would be put back: their args are newer than this program",
        ),
        (
            rehearsal.expired,
            "would die again: they have expired; --fresh-expiry gives them their full time again",
        ),
        (
            rehearsal.may_double,
            "may have been carried out already, and would be again: their effect may happen twice",
        ),
        (
            rehearsal.key_forgotten,
            "may have been carried out so long ago that the provider may have forgotten the key: the job looks for its effect first",
        ),
        (
            known,
            "may have been carried out already: a repeat does no harm (the provider is asked first, or knows the request again)",
        ),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    lines.extend(counts.map(|(count, what)| format!("  {count} {what}")));
    lines.extend(deliveries(rehearsal));
    if rehearsal.fresh_expiry {
        lines
            .push("  each of them would get its full time again, from when it is moved".to_owned());
    }
    for queue in &rehearsal.queues {
        lines.extend(holds_of(queue));
    }
    if let (Some(seconds), Some(rate)) = (rehearsal.seconds, rate) {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        lines.push(format!(
            "At {rate} a second it takes {}, if nothing holds it up",
            rough(seconds)
        ));
    }
    lines
}

/// What holds a queue back.
fn holds_of(queue: &RehearsedQueue) -> Vec<String> {
    let name = &queue.queue;
    let mut lines = Vec::new();
    if let Some(paused) = &queue.paused {
        let since = ago(&paused.since);
        lines.push(format!(
            "{name} was paused by {} {since}: they would wait",
            paused.by
        ));
    }
    let breakers = queue.breakers.iter();
    for breaker in breakers.filter(|breaker| breaker.state != BreakerState::Closed) {
        let fallback = queue.fallback.as_ref();
        let stands_in = fallback.filter(|row| row.active && row.provider != breaker.provider);
        let then = stands_in.map_or("they would wait".to_owned(), |row| {
            format!("they would go to {}", row.provider)
        });
        lines.push(format!(
            "{name}: the breaker of {} is {}: {then}",
            breaker.provider,
            breaker.state.as_str()
        ));
    }
    if let Some(until) = &queue.held_until {
        lines.push(format!(
            "{name}: its provider asked for a wait until {until}: they would wait"
        ));
    }
    for hold in &queue.holds {
        let why = match hold.cause {
            // Told above.
            HoldCause::RetryAfter | HoldCause::Breaker => continue,
            HoldCause::Credentials => "refuses our credentials: they would wait",
            HoldCause::Limiter => "has its limit used up for a while: they would wait",
            HoldCause::Limit => "is slowed down by an operator",
            HoldCause::RedisForgot | HoldCause::RedisRestarted => {
                lines.push(format!(
                    "{name}: workers tell what Redis forgot: they would wait for that"
                ));
                continue;
            }
        };
        let until = hold.until.as_deref();
        let until = until.map_or(String::new(), |until| format!(", until {until}"));
        lines.push(format!("{name}: {} {why}{until}", hold.provider));
    }
    if queue.not_configured_here {
        lines.push(format!(
            "{name}: its provider is not configured here: what its configuration would refuse is not known"
        ));
    }
    if queue.workers == 0 {
        lines.push(format!("{name} has no worker: they would wait for one"));
    }
    if queue.pending > 0 {
        let jobs = counted(queue.pending, "job");
        lines.push(format!("{name}: {jobs} would run before them"));
    }
    lines
}
