//! `job`, and how one job is shown.

use longshore_operator::JobView;

use crate::cli::OneJob;
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &OneJob) -> Result<(), Failure> {
    check_id(&args.id)?;
    let job = session.operator().await?.job(&args.id, args.reveal).await?;
    show(&job, args.json)
}

/// An id is a ULID, or the escaped form in which a dead letter's malformed id is listed.
pub(super) fn check_id(id: &str) -> Result<(), Failure> {
    if id.is_empty() || id.len() > 1024 {
        return Err(Failure::input("an id is 26 characters, such as 01JD2Z5V9GQ8X0T6M3K7W4R1YB"));
    }
    Ok(())
}

pub(super) fn show(job: &JobView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(job);
    }
    let mut lines = vec![
        format!("id           {}", job.id),
        format!("queue        {}", job.queue),
        format!("kind         {}", or_dash(job.kind.as_deref())),
        format!("state        {}", job.state),
        format!("attempt      {} of {}", job.attempt, job.max_attempts),
        format!("enqueued at  {}", or_dash(job.enqueued_at.as_deref())),
    ];
    let optional = [
        ("next run at", &job.next_run_at),
        ("ended at", &job.ended_at),
        ("worker", &job.worker),
        ("group", &job.group),
        ("key", &job.idempotency_key),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            lines.push(format!("{name:<12} {value}"));
        }
    }
    if job.waits > 0 {
        lines.push(format!("put back     {} times", job.waits));
    }
    if let Some(result) = &job.result {
        lines.push(format!("result       {result}"));
    }
    match (&job.args, &job.payload_base64) {
        (Some(args), _) => lines.push(format!("args         {args}")),
        (None, Some(bytes)) => lines.push(format!("payload      (does not decode; base64) {bytes}")),
        (None, None) => lines.push("payload      (missing)".to_owned()),
    }
    output::line(&lines.join("\n"))?;
    if job.history.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let rows = job
        .history
        .iter()
        .map(|row| {
            let provider = row.provider.as_ref().map(|provider| match row.status {
                Some(status) => format!("{provider} {status}"),
                None => provider.clone(),
            });
            vec![
                row.time.clone(),
                row.attempt.to_string(),
                row.outcome.clone(),
                or_dash(provider),
                row.worker.clone(),
                row.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["time", "attempt", "outcome", "provider", "worker", "reason"], rows)
}
