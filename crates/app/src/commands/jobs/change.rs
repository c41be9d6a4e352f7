//! `jobs reschedule`, `jobs run` and `jobs edit`: one job at a time.

use longshore_operator::RunAt;
use serde_json::json;

use super::super::dead;
use crate::cli::{EditJob, RescheduleJob, RunJob};
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::session::Session;

pub(super) async fn reschedule(session: &Session, args: RescheduleJob) -> Result<(), Failure> {
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
    let signed = session.signed(&args.change.reason);
    let operator = session.operator().await?;
    operator.run_now(&args.id, &signed).await?;
    let job = operator.job(&args.id, None).await?;
    if args.change.json {
        return session.done_json(&json!({
            "id": job.id, "changed": true, "state": job.state, "priority": job.priority,
            "tenant": job.tenant,
        }));
    }
    // Within these, jobs keep their order; no other is promised.
    let tenant = job.tenant.as_ref();
    let tenant = tenant.map_or(String::new(), |tenant| format!(" and tenant {tenant}"));
    output::done(&plain(&format!(
        "{} is {}, behind those of {} priority{tenant} that wait",
        job.id, job.state, job.priority
    )))
}

pub(super) async fn edit(session: &Session, args: EditJob) -> Result<(), Failure> {
    let text = match args.args.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("{path} cannot be read: {error}")))?,
        None => args.args.clone(),
    };
    let signed = session.signed(args.reason.as_deref().unwrap_or_default());
    let operator = session.operator().await?;
    if args.dry_run {
        let rehearsal = operator.rehearse_edit(&args.id, &text, false).await?;
        return dead::rehearsed_edit(&rehearsal, args.json);
    }
    let (job, changed) = operator
        .edit_job(&args.id, &text, args.force, &signed)
        .await?;
    if args.json {
        return session.done_json(&json!({
            "id": job.id, "edited": true,
            "changed": changed, "state": job.state,
        }));
    }
    output::done(&match changed {
        true => format!("{} has its new args, and is {}", job.id, job.state),
        false => format!("{} had these args already", job.id),
    })
}
