//! `jobs cancel`: named jobs at once, many by an operation.

use longshore_operator::{CancelPreview, CancelRow, JobFilter, Operator};
use longshore_queue::JobState;
use serde_json::json;

use super::super::operations::follow;
use super::{agree, filter, looking};
use crate::cli::CancelJobs;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

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
        session,
        args.yes,
        count,
        &format!("cancel {}", counted(count, "job")),
    )?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    let rows = operator.cancel_jobs(&args.ids, args.force, &signed).await?;
    let cancelled = rows.iter().filter(|row| row.cancelled).count() as u64;
    if args.json {
        output::done_json(&json!({
            "target": session.target(&session.link()?), "cancelled": cancelled, "jobs": rows,
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

/// Why one is not cancelled, if it is not.
fn not_cancelled(row: &CancelRow) -> Option<String> {
    let id = &row.id;
    Some(match row.came_to {
        "cancelled" => return None,
        "unknown" => {
            format!("no queue knows the job {id}: it was discarded, or it ended a while ago")
        }
        "may_have_been_sent" => format!(
            "{id} may have been sent: nothing was changed. First find out what happened; --force cancels it anyway"
        ),
        "running" => format!("{id} is running: a worker has it, and nothing was changed"),
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
        let would = waits && (args.force || !job.may_have_been_sent);
        jobs.push(json!({
            "id": job.id, "queue": job.queue, "state": job.state,
            "may_have_been_sent": job.may_have_been_sent, "would_cancel": would,
        }));
        if !args.json {
            let sent = if job.may_have_been_sent && waits {
                ", and may have been sent"
            } else {
                ""
            };
            let would = if would {
                "would be cancelled"
            } else {
                "would stay as it is"
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
            true => output::done_json(&json!({
                "target": session.target(&session.link()?), "operation": null,
            })),
            false => output::done("no jobs to cancel"),
        };
    }
    let jobs = counted(found.jobs, "job");
    agree(
        session,
        args.yes,
        found.jobs,
        &format!("cancel {jobs} of {queue}"),
    )?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let begun = operator
        .begin_cancel(queue, &filter, found.jobs, args.force, &signed)
        .await?;
    follow(session, &operator, begun, args.detach, args.json).await
}

/// Only what waits can be cancelled by the thousand.
fn check(filter: &JobFilter) -> Result<(), Failure> {
    let waits = [JobState::Pending, JobState::Scheduled, JobState::Retryable];
    match filter.states.iter().find(|state| !waits.contains(state)) {
        Some(state) => Err(Failure::input(format!(
            "jobs that are {state} cannot be cancelled by a filter: use pending, scheduled or retryable"
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
        may_have_been_sent,
    } = found;
    let mut text = format!(
        "{} of {queue} ({filter}): {pending} pending, {scheduled} scheduled, {retryable} retryable",
        counted(*jobs, "job")
    );
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
