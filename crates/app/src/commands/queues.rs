//! `queues`, `pause`, `resume`.

use std::fmt;
use std::time::Duration;

use longshore_operator::{BreakerRow, HoldRow, ParkedRow, PauseRow, QueueRow};
use longshore_queue::{BreakerState, HoldCause, KeyScan, Link, ScanFor};
use serde_json::json;

use crate::age::{ago, rough};
use crate::cli::{Pause, Resume, Shown};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::registry;
use crate::session::Session;

/// How long it may take to look for queues that nobody has noted: those that plain producers write to.
const LOOK_AROUND: Duration = Duration::from_millis(300);

pub(super) async fn list(session: &Session, args: &Shown) -> Result<(), Failure> {
    let link = session.reached().await?;
    let found = found(session, &link).await;
    let operator = session.operator_of(&link, &found)?;
    operator.check_layouts().await?;
    if found.is_empty() {
        session.tell_of_nothing(&link, &operator).await;
    }
    let rows = operator.queues().await?;
    if args.json {
        return output::json(&rows);
    }
    let header = [
        "queue",
        "pending",
        "scheduled",
        "running",
        "retryable",
        "dead",
        "completed",
        "workers",
        "latency",
        "paused",
    ];
    output::table(&header, rows.iter().map(cells).collect())?;
    for row in &rows {
        if let Some(why) = &row.broken {
            output::line(&plain(&format!("{}: broken: {why}", row.queue)))?;
        }
        if let Some(nobody) = nobody(session, row) {
            output::line(&plain(&nobody.to_string()))?;
        }
        for breaker in row
            .breakers
            .iter()
            .filter(|b| b.state != BreakerState::Closed)
        {
            output::line(&plain(&breaker_line(row, breaker)))?;
        }
        for breaker in &row.breakers {
            if let Some(refused) = &breaker.refused {
                output::line(&plain(&format!("{}: {}", row.queue, refused.reason)))?;
            }
        }
        for parked in &row.parked {
            output::line(&plain(&parked_line(&row.queue, parked)))?;
        }
        for trouble in &row.trouble {
            output::line(&plain(&format!("{}: worker {trouble}", row.queue)))?;
        }
        // Breakers are told above, with what becomes of the jobs.
        for hold in row.holds.iter().filter(|h| h.cause != HoldCause::Breaker) {
            output::line(&plain(&format!(
                "{} is held back: {}",
                row.queue,
                why(hold)
            )))?;
        }
        if let Some(pause) = &row.paused {
            output::line(&plain(&paused(&row.queue, pause)))?;
        }
    }
    Ok(())
}

/// The queues that somebody has noted, and others that keys speak of, as far as can be seen in a moment. Where Redis does
/// not let us look, there are those that we know.
async fn found(session: &Session, link: &Link) -> Vec<String> {
    let namespace = &session.config.redis.namespace;
    let mut found = link.registered_queues(namespace).await.unwrap_or_default();
    let mut scan = KeyScan::new(namespace, ScanFor::Queues);
    drop(scan.walk(link, LOOK_AROUND).await);
    found.extend(scan.queues);
    found
}

/// That nobody carries out the jobs of a queue.
pub(super) struct NoWorkers {
    pub(super) what: String,
    pub(super) cure: String,
}

impl fmt::Display for NoWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cure)
    }
}

/// What nobody carries out, and what to do about it; `None` while there is a worker, or nothing to do.
pub(super) fn nobody(session: &Session, row: &QueueRow) -> Option<NoWorkers> {
    if row.workers > 0 || row.to_do() == 0 {
        return None;
    }
    let (queue, jobs) = (&row.queue, counted(row.to_do(), "job"));
    let wait = if row.to_do() == 1 { "waits" } else { "wait" };
    let cure = match session.config.integration_of(queue) {
        Some(integration) => format!(
            "start `longshore work --queue {queue}` where {} is set",
            registry::turned_on_by(integration)
        ),
        None => {
            let names = session.config.queue_names();
            let hint = output::nearest(queue, &names).map_or(String::new(), |nearest| {
                format!("; did its producer mean `{nearest}`?")
            });
            format!("this program knows no such queue{hint}")
        }
    };
    let what = format!("{queue}: NO WORKER serves it, {jobs} {wait}");
    Some(NoWorkers { what, cure })
}

/// Says on stderr that nobody works a queue, to whoever has just put a job into it or asks after one. What cannot be found
/// out is not said: the job itself is safe.
pub(super) async fn warn_without_workers(session: &Session, queue: &str) {
    let row = async { session.operator().await.ok()?.queue_row(queue).await.ok() };
    if let Some(nobody) = row.await.and_then(|row| nobody(session, &row)) {
        output::note(&format!("warning: {nobody}"));
    }
}

fn cells(row: &QueueRow) -> Vec<String> {
    let counts = [
        row.pending,
        row.scheduled,
        row.running,
        row.retryable,
        row.dead,
        row.completed,
        row.workers,
    ];
    let mut cells = vec![row.queue.clone()];
    cells.extend(counts.iter().map(u64::to_string));
    cells.push(or_dash(row.latency_seconds.map(latency)));
    let held = match row.holds.is_empty() {
        true => "-",
        false => "held",
    };
    cells.push(row.paused.as_ref().map_or(held, |_| "paused").to_owned());
    cells
}

fn latency(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1}s")
    } else {
        rough(seconds as i64)
    }
}

fn breaker_line(row: &QueueRow, breaker: &BreakerRow) -> String {
    let QueueRow {
        queue, fallback, ..
    } = row;
    let BreakerRow {
        provider,
        state,
        until,
        ..
    } = breaker;
    let until = or_dash(until.as_deref());
    let stands_in = fallback
        .as_ref()
        .filter(|fallback| fallback.active && fallback.provider != *provider);
    match (state, stands_in) {
        (BreakerState::HalfOpen, _) => format!(
            "{queue}: the breaker of {provider} is half-open: one call finds out whether it works again{}",
            stands_in.map_or(String::new(), |fallback| format!(
                ", other jobs go to {} meanwhile",
                fallback.provider
            ))
        ),
        (_, Some(fallback)) => format!(
            "{queue}: the breaker of {provider} is {}: jobs go to {} ({} so far), one call asks {provider} again at {until}",
            state.as_str(),
            fallback.provider,
            fallback.jobs
        ),
        (_, None) => format!(
            "{queue}: the breaker of {provider} is {}: no calls until {until}, jobs wait with their attempts intact",
            state.as_str()
        ),
    }
}

/// That jobs are parked whose kind nobody knows.
pub(super) fn parked_line(queue: &str, parked: &ParkedRow) -> String {
    let jobs = counted(parked.jobs, "job");
    let are = if parked.jobs == 1 { "is" } else { "are" };
    format!(
        "{queue}: {jobs} of kind {} {are} parked since {}: no worker of the queue knows the kind",
        parked.kind, parked.since
    )
}

fn paused(queue: &str, pause: &PauseRow) -> String {
    let by = format!("{queue} was paused by {} {}", pause.by, ago(&pause.since));
    match pause.reason.as_str() {
        "" => by,
        reason => format!("{by}: {reason}"),
    }
}

pub(super) async fn pause(session: &Session, args: &Pause) -> Result<(), Failure> {
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
    let changed = operator.pause(&args.queue, &signed).await?;
    let queue = &args.queue;
    if args.json {
        return output::done_json(&json!({ "queue": queue, "paused": true, "changed": changed }));
    }
    output::done(&match changed {
        true => format!(
            "{queue} is paused: running jobs finish, nothing new starts until `longshore resume {queue}`"
        ),
        false => format!("{queue} was paused already: `longshore queues` says by whom"),
    })
}

pub(super) async fn resume(session: &Session, args: &Resume) -> Result<(), Failure> {
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
    let changed = operator.resume(&args.queue, &signed).await?;
    let lifted = match args.holds {
        true => operator.lift_holds(&args.queue, &signed).await?,
        false => Vec::new(),
    };
    let held = operator.holds(&args.queue).await?;
    if args.json {
        let changed = changed || !lifted.is_empty();
        return output::done_json(&json!({
            "queue": args.queue, "resumed": true, "changed": changed, "lifted": lifted, "holds": held,
        }));
    }
    resumed(&args.queue, changed, &lifted, &held)
}

fn resumed(
    queue: &str,
    changed: bool,
    lifted: &[HoldRow],
    held: &[HoldRow],
) -> Result<(), Failure> {
    if changed || lifted.is_empty() {
        output::done(&match changed {
            true => format!("{queue} is resumed"),
            false => format!("{queue} was not paused by an operator"),
        })?;
    }
    for hold in lifted {
        output::done(&plain(&format!("{queue}: lifted: {}", why(hold))))?;
    }
    for hold in held {
        output::done(&plain(&format!("{queue} is held back: {}", why(hold))))?;
    }
    if !held.is_empty() && lifted.is_empty() {
        output::done(&format!("`longshore resume {queue} --holds` lifts that"))?;
    }
    Ok(())
}

/// A hold in words.
fn why(hold: &HoldRow) -> String {
    let HoldRow {
        cause,
        provider,
        until,
    } = hold;
    let until = until.as_ref().map(|until| format!(" until {until}"));
    let until = until.unwrap_or_default();
    match cause {
        HoldCause::RetryAfter => format!("{provider} asked for a wait{until}"),
        HoldCause::Credentials => match until.as_str() {
            "" => format!("{provider} refuses our credentials, a probe may be sent at any time"),
            until => format!("{provider} refuses our credentials, no probe{until}"),
        },
        HoldCause::Breaker => format!("the breaker of {provider} blocks calls{until}"),
        HoldCause::Limiter => format!("the limit of {provider} lets no call through{until}"),
        HoldCause::Limit => format!("an operator has limited calls of {provider}{until}"),
        HoldCause::RedisRestarted => {
            format!(
                "Redis was restarted, or failed over: workers check whether it forgot anything{until}"
            )
        }
        HoldCause::RedisForgot => {
            format!("Redis forgot something: workers restore what they remember{until}")
        }
    }
}
