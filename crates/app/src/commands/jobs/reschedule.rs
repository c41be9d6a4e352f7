//! `jobs reschedule`: one job at once, many by an operation.

use longshore_job::JobId;
use longshore_operator::{JobFilter, ReschedulePreview, RunAt};
use longshore_queue::JobState;
use serde_json::json;

use super::super::operations::follow;
use super::{agree, filter, looking};
use crate::cli::RescheduleJobs;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

pub(super) async fn run(session: &Session, mut args: RescheduleJobs) -> Result<(), Failure> {
    let run_at = match (args.delay, args.at) {
        (Some(delay), _) => RunAt::In(delay),
        (None, Some(at)) => RunAt::At(at),
        (None, None) => RunAt::Now,
    };
    check_time(run_at)?;
    match (args.queue.take(), args.id.take()) {
        (Some(queue), _) => many(session, &queue, args, run_at).await,
        (None, id) => one(session, &id.unwrap_or_default(), &args, run_at).await,
    }
}

/// What an enqueue would refuse, too.
fn check_time(run_at: RunAt) -> Result<(), Failure> {
    const YEARS: u64 = 100 * 365 * 24 * 3600;
    let now = jiff::Timestamp::now().as_second();
    let latest = u64::try_from(now).unwrap_or_default() + YEARS;
    let too_late = match run_at {
        RunAt::Now => false,
        RunAt::In(delay) => delay.as_secs() > YEARS,
        RunAt::At(at) => at / 1000 > latest,
    };
    match too_late {
        true => Err(Failure::input(
            "a job may be due in a hundred years at the latest",
        )),
        false => Ok(()),
    }
}

async fn one(
    session: &Session,
    id: &str,
    args: &RescheduleJobs,
    run_at: RunAt,
) -> Result<(), Failure> {
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    let changed = operator.reschedule(id, run_at, &signed).await?;
    let job = operator.job(id, None).await?;
    if args.json {
        return session.done_json(&json!({
            "id": job.id, "changed": changed, "state": job.state, "next_run_at": job.next_run_at,
        }));
    }
    let when = match &job.next_run_at {
        Some(at) => format!("at {at}"),
        None => "now".to_owned(),
    };
    output::done(&match changed {
        true => format!("{} is due {when}", job.id),
        false => format!("{} is {} and due {when} already", job.id, job.state),
    })
}

async fn many(
    session: &Session,
    queue: &str,
    args: RescheduleJobs,
    run_at: RunAt,
) -> Result<(), Failure> {
    let filter = filter(args.filters);
    check_states(&filter)?;
    let operator = session.operator().await?;
    let bar = looking();
    let found = operator.preview_reschedule(queue, &filter, u64::MAX, |n| bar.set_position(n));
    let found = found.await;
    bar.finish_and_clear();
    let (found, _) = found?;
    if args.dry_run {
        return match args.json {
            true => output::json(&found),
            false => output::line(&told(queue, &filter, &found)),
        };
    }
    if found.jobs == 0 {
        return match args.json {
            true => session.done_json(&json!({
                "operation": null,
            })),
            false => output::done("no jobs to reschedule"),
        };
    }
    let jobs = counted(found.jobs, "job");
    agree(
        args.yes,
        found.jobs,
        &format!("reschedule {jobs} of {queue}"),
    )?;
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let id = JobId::generate();
    let begun = operator.begin_reschedule(id, queue, &filter, found.jobs, run_at, &signed);
    follow(session, &operator, begun.await?, args.detach, args.json).await
}

/// Only what waits has another time.
fn check_states(filter: &JobFilter) -> Result<(), Failure> {
    let waits = [JobState::Pending, JobState::Scheduled, JobState::Retryable];
    match filter.states.iter().find(|state| !waits.contains(state)) {
        Some(state) => Err(Failure::input(format!(
            "jobs that are {state} cannot be rescheduled: use pending, scheduled or retryable"
        ))),
        None => Ok(()),
    }
}

fn told(queue: &str, filter: &JobFilter, found: &ReschedulePreview) -> String {
    let ReschedulePreview {
        jobs,
        pending,
        scheduled,
        retryable,
        running,
        broken,
    } = found;
    let mut text = format!(
        "{} of {queue} ({filter}): {pending} pending, {scheduled} scheduled, {retryable} retryable",
        counted(*jobs, "job")
    );
    if *running > 0 {
        text += &format!("; {running} running, which would be left alone");
    }
    if *broken > 0 {
        text += &format!("; {broken} of which nothing stands but their ids, left alone");
    }
    text
}
