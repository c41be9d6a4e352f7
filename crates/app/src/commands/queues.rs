//! `queues`, `pause`, `resume`.

mod json;
mod lines;
mod watch;

use std::fmt;
use std::time::Duration;

use longshore_operator::{HoldRow, Operator, OperatorError, QueueRow};
use longshore_queue::{BreakerState, HoldCause, KeyScan, Link, ScanFor};
use serde_json::json;

use self::json::json_rows;
use self::lines::{breaker_line, provider_line, why};
use crate::age::rough;
use crate::cli::{Pause, QueuesArgs, Resume};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::registry;
use crate::session::Session;

pub(super) use self::lines::{lost_line, parked_line, paused};

/// How long it may take to look for queues that nobody has noted: those that plain producers write to.
const LOOK_AROUND: Duration = Duration::from_millis(300);

pub(super) async fn list(session: &Session, args: &QueuesArgs) -> Result<(), Failure> {
    if args.watch {
        return watch::run(session, args).await;
    }
    let link = session.reached().await?;
    let found = found(session, &link).await;
    let operator = session.operator_of(&link, &found)?;
    operator.check_layouts().await?;
    if found.is_empty() {
        session.tell_of_nothing(&link, &operator).await;
    }
    let rows = rows(&operator, args).await?;
    if args.json {
        return output::json(&json_rows(&rows)?);
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
        "done/min",
        "cancelled",
    ];
    let cells = rows.iter().map(cells);
    output::table(&header, cells.collect())?;
    for line in notes(session, &rows) {
        output::line(&line)?;
    }
    Ok(())
}

/// One queue's row, or all. What calls came to takes more to read, so it is read where it is shown.
async fn rows(operator: &Operator, args: &QueuesArgs) -> Result<Vec<QueueRow>, OperatorError> {
    let queue = args.queue.as_deref();
    match args.json || queue.is_some() {
        true => operator.queues_with_calls(queue).await,
        false => operator.queues().await,
    }
}

/// What stands below the table: what holds queues back, and what is wrong with them.
fn notes(session: &Session, rows: &[QueueRow]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        let queue = &row.queue;
        lines.extend(row.providers.iter().map(|of| provider_line(queue, of)));
        let mark = if row.away.is_some() { "away" } else { "broken" };
        let broken = row.broken.iter();
        lines.extend(broken.map(|why| format!("{queue}: {mark}: {why}")));
        lines.extend(nobody(session, row).map(|nobody| nobody.to_string()));
        let open = row.breakers.iter();
        let open = open.filter(|breaker| breaker.state != BreakerState::Closed);
        lines.extend(open.map(|breaker| breaker_line(row, breaker)));
        let refused = row.breakers.iter().filter_map(|of| of.refused.as_ref());
        lines.extend(refused.map(|refused| format!("{queue}: {}", refused.reason)));
        let parked = row.parked.iter();
        lines.extend(parked.map(|parked| parked_line(session, queue, parked)));
        let trouble = row.trouble.iter();
        lines.extend(trouble.map(|trouble| format!("{queue}: worker {trouble}")));
        // Breakers are told above, with what becomes of the jobs.
        let holds = row.holds.iter();
        let holds = holds.filter(|hold| hold.cause != HoldCause::Breaker);
        lines.extend(holds.map(|hold| format!("{queue} is held back: {}", why(hold))));
        lines.extend(row.paused.iter().map(|pause| paused(queue, pause)));
        lines.extend(row.lost.iter().map(|lost| lost_line(queue, lost)));
    }
    lines.iter().map(|line| plain(line)).collect()
}

/// The queues that somebody has noted, and others that keys speak of, as far as can be seen in a moment. Where Redis does
/// not let us look, there are those that we know.
async fn found(session: &Session, link: &Link) -> Vec<String> {
    let namespace = &session.config.redis.namespace;
    let mut scan = KeyScan::new(namespace, ScanFor::Queues);
    // A primary that hangs ends the walk.
    let walking = tokio::time::timeout(2 * LOOK_AROUND, scan.walk(link, LOOK_AROUND));
    let (noted, _) = tokio::join!(session.registered_queues(link), walking);
    let mut found = noted.unwrap_or_default();
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

/// Says on stderr what keeps a job that waits from running, to whoever asks after it: that nobody works its queue, or what holds that
/// back.
pub(super) async fn warn_of_holds(session: &Session, queue: &str) {
    let row = async { session.operator().await.ok()?.queue_row(queue).await.ok() };
    let Some(row) = row.await else { return };
    let holds = row.holds.iter();
    let holds = holds.filter(|hold| hold.cause != HoldCause::Breaker);
    let open = row.breakers.iter();
    let open = open.filter(|breaker| breaker.state != BreakerState::Closed);
    let lines = nobody(session, &row)
        .map(|nobody| format!("warning: {nobody}"))
        .into_iter()
        .chain(row.paused.iter().map(|pause| paused(queue, pause)))
        .chain(open.map(|breaker| breaker_line(&row, breaker)))
        .chain(holds.map(|hold| format!("{queue} is held back: {}", why(hold))));
    for line in lines {
        output::note(&plain(&line));
    }
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
    if row.away.is_some() {
        let unknown = std::iter::repeat_n("?".to_owned(), 8);
        let rest = ["away", "?", "?"].map(str::to_owned);
        return std::iter::once(row.queue.clone())
            .chain(unknown)
            .chain(rest)
            .collect();
    }
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
    // Where another provider stands in, nothing waits for the breaker.
    let stands_in = row.fallback.as_ref().is_some_and(|of| of.active);
    let by_breaker = |hold: &HoldRow| hold.cause == HoldCause::Breaker;
    let held = match row.holds.as_slice() {
        [] => "-",
        holds if stands_in && holds.iter().all(by_breaker) => "fallback",
        _ => "held",
    };
    cells.push(row.paused.as_ref().map_or(held, |_| "paused").to_owned());
    cells.push(row.per_minute.completed.to_string());
    cells.push(row.cancelled.to_string());
    cells
}

fn latency(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.1}s")
    } else {
        rough(seconds as i64)
    }
}

pub(super) async fn pause(session: &Session, args: &Pause) -> Result<(), Failure> {
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
    let changed = operator.pause(&args.queue, &signed).await?;
    let queue = &args.queue;
    if args.json {
        return session.done_json(&json!({ "queue": queue, "paused": true, "changed": changed }));
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
        return session.done_json(&json!({
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
        let was_lifted = lifted.iter().any(|of| of.cause == hold.cause);
        let again = if was_lifted { " again" } else { "" };
        let why = why(hold);
        output::done(&plain(&format!("{queue} is held back{again}: {why}")))?;
    }
    if !held.is_empty() && lifted.is_empty() {
        output::done(&format!("`longshore resume {queue} --holds` lifts that"))?;
    }
    Ok(())
}
