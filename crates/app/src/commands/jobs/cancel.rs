//! `jobs cancel`: named jobs at once, many by an operation.

use std::time::Duration;

use longshore_job::JobId;
use longshore_operator::{CancelPreview, CancelRow, JobFilter, Operator};
use longshore_queue::JobState;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::super::operations::follow;
use super::super::signals;
use super::{agree, filter, looking};
use crate::cli::CancelJobs;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

/// How long running jobs are waited for that were asked to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked what they came to: a little less often each time. Looked, and not only told: nobody tells of a job that
/// goes back to wait.
const LOOK_FIRST: Duration = Duration::from_millis(20);
const LOOK_LAST: Duration = Duration::from_millis(250);

pub(super) async fn run(session: &Session, mut args: CancelJobs) -> Result<(), Failure> {
    match args.queue.take() {
        Some(queue) => many(session, &queue, args).await,
        None if args.dry_run => rehearse(session, &args).await,
        None => named(session, args).await,
    }
}

async fn named(session: &Session, args: CancelJobs) -> Result<(), Failure> {
    let count = args.ids.len() as u64;
    agree(
        args.yes,
        count,
        &format!("cancel {}", counted(count, "job")),
    )?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    let mut rows = operator.cancel_jobs(&args.ids, args.force, &signed).await?;
    if !args.detach && rows.iter().any(|row| row.stopping) {
        until_stopped(&operator, &mut rows).await?;
    }
    let cancelled = rows.iter().filter(|row| row.cancelled).count() as u64;
    if args.json {
        session.done_json(&json!({
            "cancelled": cancelled, "jobs": rows,
        }))?;
    } else if cancelled > 0 {
        let are = if cancelled == 1 { "is" } else { "are" };
        output::done(&format!("{} {are} cancelled", counted(cancelled, "job")))?;
    }
    let left: Vec<String> = rows.iter().filter_map(not_cancelled).collect();
    match left.is_empty() {
        true => Ok(()),
        false => Err(Failure::failed(left.join("\n"))),
    }
}

/// Waits until the jobs that were asked to stop have come to something, unless that takes long, or somebody cannot wait.
async fn until_stopped(operator: &Operator, rows: &mut [CancelRow]) -> Result<(), Failure> {
    let give_up = Instant::now() + STOP_WITHIN;
    let mut stop = signals::listen()?;
    let mut wait = LOOK_FIRST;
    while operator.look_at_stopping(rows).await? && Instant::now() < give_up {
        tokio::select! {
            () = sleep(wait) => {}
            _ = stop.recv() => break,
        }
        wait = (wait * 2).min(LOOK_LAST);
    }
    Ok(())
}

/// Why one is not cancelled, if it is not.
fn not_cancelled(row: &CancelRow) -> Option<String> {
    let id = &row.id;
    Some(match row.came_to {
        "cancelled" => return None,
        "unknown" => {
            format!("no queue knows the job {id}: it was discarded, or it ended a while ago")
        }
        "may_have_been_sent" => {
            let state = row.state.map_or("", JobState::as_str);
            format!(
                "{id} may have been sent, and is {state}: it was not cancelled. First find out what happened; --force cancels it anyway"
            )
        }
        "running" if row.stopping => format!(
            "{id} is running, and asked to stop: it stops before its next request. Look again: `longshore job {id}`"
        ),
        state if row.asked => format!("{id} was asked to stop, and is {state}"),
        state => format!("{id} is {state}: nothing was changed"),
    })
}

/// What would become of named jobs.
async fn rehearse(session: &Session, args: &CancelJobs) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let mut jobs = Vec::new();
    for id in &args.ids {
        let job = operator.job(id, None).await?;
        let waits = matches!(
            job.state,
            JobState::Pending | JobState::Scheduled | JobState::Retryable
        );
        let runs = job.state == JobState::Running;
        let may = args.force || !job.may_have_been_sent;
        let (would, would_ask) = (waits && may, runs && may);
        jobs.push(json!({
            "id": job.id, "queue": job.queue, "state": job.state,
            "may_have_been_sent": (!runs || job.may_have_been_sent).then_some(job.may_have_been_sent), "would_cancel": would, "would_ask": would_ask,
        }));
        if !args.json {
            let sent = if job.may_have_been_sent && (waits || runs) {
                ", and may have been sent"
            } else {
                ""
            };
            let would = match (would, would_ask) {
                (true, _) => "would be cancelled",
                (_, true) => "would be asked to stop",
                _ => "would stay as it is",
            };
            output::line(&format!("{} is {}{sent}: it {would}", job.id, job.state))?;
        }
    }
    match args.json {
        true => output::json(&jobs),
        false => Ok(()),
    }
}

async fn many(session: &Session, queue: &str, args: CancelJobs) -> Result<(), Failure> {
    let filter = filter(args.filters);
    check(&filter)?;
    let operator = session.operator().await?;
    let found = preview(&operator, queue, &filter).await?;
    if args.dry_run {
        return match args.json {
            true => output::json(&found),
            false => output::line(&told(queue, &filter, &found, args.force)),
        };
    }
    if found.jobs == 0 {
        return match args.json {
            true => session.done_json(&json!({
                "operation": null,
            })),
            false => output::done("no jobs to cancel"),
        };
    }
    let jobs = counted(found.jobs, "job");
    agree(args.yes, found.jobs, &format!("cancel {jobs} of {queue}"))?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let id = JobId::generate();
    let begun = operator.begin_cancel(id, queue, &filter, found.jobs, args.force, &signed);
    follow(session, &operator, begun.await?, args.detach, args.json).await
}

/// What has ended cannot be cancelled.
fn check(filter: &JobFilter) -> Result<(), Failure> {
    let goes_on = [
        JobState::Pending,
        JobState::Scheduled,
        JobState::Retryable,
        JobState::Running,
    ];
    match filter.states.iter().find(|state| !goes_on.contains(state)) {
        Some(state) => Err(Failure::input(format!(
            "jobs that are {state} cannot be cancelled: use pending, scheduled, retryable or running"
        ))),
        None => Ok(()),
    }
}

async fn preview(
    operator: &Operator,
    queue: &str,
    filter: &JobFilter,
) -> Result<CancelPreview, Failure> {
    let bar = looking();
    let found = operator
        .preview_cancel(queue, filter, |looked| bar.set_position(looked))
        .await;
    bar.finish_and_clear();
    Ok(found?)
}

fn told(queue: &str, filter: &JobFilter, found: &CancelPreview, force: bool) -> String {
    let CancelPreview {
        jobs,
        pending,
        scheduled,
        retryable,
        running,
        may_have_been_sent,
    } = found;
    let mut text = format!(
        "{} of {queue} ({filter}): {pending} pending, {scheduled} scheduled, {retryable} retryable",
        counted(*jobs, "job")
    );
    if *running > 0 {
        text += &format!(", {running} running, which would be asked to stop");
    }
    if *may_have_been_sent > 0 {
        text += &match force {
            true => format!("; {may_have_been_sent} of them may have been sent"),
            false => format!(
                "; {may_have_been_sent} of them may have been sent, and would stay without --force"
            ),
        };
    }
    text
}
