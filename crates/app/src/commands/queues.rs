//! `queues`, `pause`, `resume`.

mod json;
mod watch;

use std::fmt;
use std::time::Duration;

use longshore_operator::{
    AnswerRow, BreakerRow, HoldRow, Operator, OperatorError, ParkedRow, PauseRow, ProviderRow,
    QueueRow,
};
use longshore_queue::{BreakerState, HoldCause, KeyScan, Link, ScanFor};
use serde_json::json;

use self::json::json_rows;
use crate::age::{ago, rough};
use crate::cli::{Pause, QueuesArgs, Resume};
use crate::failure::Failure;
use crate::output::{self, counted, or_dash, plain};
use crate::registry;
use crate::session::Session;

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
    }
    lines.iter().map(|line| plain(line)).collect()
}

/// What a provider's calls came to.
fn provider_line(queue: &str, row: &ProviderRow) -> String {
    let mut text = format!("{queue}: {}: ", row.provider);
    text += &match row.answered_share {
        Some(share) => format!(
            "answered {} of {} in the last day",
            percent(share),
            counted(row.answered + row.failed, "call")
        ),
        None => "no calls in the last day".to_owned(),
    };
    if let (Some(used), Some(limit)) = (row.limit_used, row.limit_per_minute) {
        text += &format!(
            "; in the last minute {} of the {limit:.0} that its limit allows",
            percent(used)
        );
    }
    let last: Vec<String> = row.answers.iter().take(5).map(answer).collect();
    if !last.is_empty() {
        text += &format!("; last: {}", last.join(", "));
    }
    text
}

fn answer(answer: &AnswerRow) -> String {
    let status = answer.status.map(|status| format!(" {status}"));
    format!("{}{}", answer.came_to, status.unwrap_or_default())
}

/// Never 100 % where anything is missing, nor 0 % where anything is there.
fn percent(share: f64) -> String {
    let tenths = share * 1000.0;
    let tenths = match tenths {
        _ if share < 1.0 && tenths > 999.0 => 999.0,
        _ if share > 0.0 && tenths < 1.0 => 1.0,
        _ => tenths.round(),
    };
    format!("{} %", tenths / 10.0)
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
    let held = match row.holds.is_empty() {
        true => "-",
        false => "held",
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
pub(super) fn parked_line(session: &Session, queue: &str, parked: &ParkedRow) -> String {
    // Who pushes by hand may have taken the wrong queue, or mistyped the kind.
    let kinds = session.config.kinds();
    let names: Vec<&str> = kinds.iter().map(|spec| spec.kind).collect();
    let theirs: Vec<&str> = kinds
        .in_queues()
        .filter(|spec| spec.kind == parked.kind)
        .map(|spec| spec.queue)
        .collect();
    let hint = match theirs.as_slice() {
        [..] if theirs.contains(&queue) => String::new(),
        [_, ..] => {
            let theirs = theirs.join(" or ");
            format!("; its producer should have used the queue {theirs}")
        }
        [] => output::nearest(&parked.kind, &names)
            .map(|nearest| format!("; did its producer mean `{nearest}`?"))
            .unwrap_or_default(),
    };
    let jobs = counted(parked.jobs, "job");
    let are = if parked.jobs == 1 { "is" } else { "are" };
    format!(
        "{queue}: {jobs} of kind {} {are} parked since {}: no worker of the queue knows the kind{hint}",
        parked.kind, parked.since
    )
}

/// Who paused a queue or a cron entry.
pub(super) fn paused(queue: &str, pause: &PauseRow) -> String {
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
