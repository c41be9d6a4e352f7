//! `jobs reschedule`, `jobs run` and `jobs edit`: one job at a time.

use longshore_operator::RunAt;
use serde_json::json;

use super::agree;
use crate::cli::{EditJob, RescheduleJob, RunJob};
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(super) async fn reschedule(session: &Session, args: RescheduleJob) -> Result<(), Failure> {
    agree(session, args.change.yes, 1, "reschedule a job")?;
    let run_at = match (args.delay, args.at) {
        (Some(delay), _) => RunAt::In(delay),
        (None, Some(at)) => RunAt::At(at),
        (None, None) => RunAt::Now,
    };
    check(run_at)?;
    let signed = session.signed(&args.change.reason);
    let operator = session.operator().await?;
    let changed = operator.reschedule(&args.id, run_at, &signed).await?;
    let job = operator.job(&args.id, None).await?;
    if args.change.json {
        return output::done_json(&json!({
            "target": session.target(&session.link()?), "id": job.id, "changed": changed,
            "state": job.state, "next_run_at": job.next_run_at,
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

/// What an enqueue would refuse, too.
fn check(run_at: RunAt) -> Result<(), Failure> {
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

pub(super) async fn run_now(session: &Session, args: RunJob) -> Result<(), Failure> {
    agree(session, args.change.yes, 1, "run a job now")?;
    let signed = session.signed(&args.change.reason);
    let operator = session.operator().await?;
    operator.run_now(&args.id, &signed).await?;
    if args.change.json {
        let target = session.target(&session.link()?);
        return output::done_json(&json!({ "target": target, "id": args.id, "changed": true }));
    }
    output::done(&format!("{} is pending, behind those that wait", args.id))
}

pub(super) async fn edit(session: &Session, args: EditJob) -> Result<(), Failure> {
    let text = match args.args.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("{path} cannot be read: {error}")))?,
        None => args.args.clone(),
    };
    agree(session, args.yes, 1, "edit a job")?;
    let signed = session.signed(&args.reason);
    let operator = session.operator().await?;
    let (job, changed) = operator
        .edit_job(&args.id, &text, args.force, &signed)
        .await?;
    if args.json {
        return output::done_json(&json!({
            "target": session.target(&session.link()?), "id": job.id, "edited": true,
            "changed": changed, "state": job.state,
        }));
    }
    output::done(&match changed {
        true => format!("{} has its new args, and is {}", job.id, job.state),
        false => format!("{} had these args already", job.id),
    })
}
