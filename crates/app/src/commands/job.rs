//! `job`, and how one job is shown.

use longshore_operator::{DeliveryRow, HistoryRow, JobView, Signed, StopRow};
use longshore_queue::JobState;

use super::queues;
use crate::cli::OneJob;
use crate::failure::Failure;
use crate::output::{self, or_dash, plain};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: &OneJob) -> Result<(), Failure> {
    let reveal = reveal(session, args);
    let operator = session.operator().await?;
    let job = operator.job(&args.id, reveal.as_ref()).await?;
    show(&job, args)?;
    if matches!(
        job.state,
        JobState::Pending | JobState::Scheduled | JobState::Retryable
    ) {
        queues::warn_of_holds(session, &job.queue).await;
    }
    Ok(())
}

/// Who signs for seeing the args, if they are to be seen.
pub(super) fn reveal(session: &Session, args: &OneJob) -> Option<Signed> {
    let reason = args.reason.as_deref().unwrap_or_default();
    args.reveal.then(|| session.signed(reason))
}

pub(super) fn show(job: &JobView, args: &OneJob) -> Result<(), Failure> {
    if args.json {
        return output::json(job);
    }
    for (name, value) in fields(job, args.reveal) {
        output::line(&format!("{name:<12} {}", plain(&value)))?;
    }
    if job.history.is_empty() {
        return Ok(());
    }
    output::line("")?;
    history(&job.history)
}

fn fields(job: &JobView, reveal: bool) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("id", job.id.clone()),
        ("queue", job.queue.clone()),
        ("kind", or_dash(job.kind.as_deref())),
        ("state", job.state.to_string()),
        (
            "attempt",
            format!("{} of {}", job.attempt, job.max_attempts),
        ),
        ("priority", job.priority.to_string()),
        ("enqueued at", or_dash(job.enqueued_at.as_deref())),
    ];
    fields.extend(job.tenant.clone().map(|tenant| ("tenant", tenant)));
    if !job.tags.is_empty() {
        fields.push(("tags", job.tags.join(", ")));
    }
    let optional = [
        ("next run at", &job.next_run_at),
        ("ended at", &job.ended_at),
        ("forgotten", &job.forgotten_at),
        ("worker", &job.worker),
        ("group", &job.group),
        ("key", &job.idempotency_key),
    ];
    for (name, value) in optional {
        fields.extend(value.clone().map(|value| (name, value)));
    }
    fields.extend(job.asked_to_stop.as_ref().map(|row| ("asked", asked(row))));
    fields.extend(job.parked_since.as_ref().map(|since| {
        let until = "until a worker that knows its kind serves its queue";
        ("parked", format!("since {since}, {until}"))
    }));
    if job.may_have_been_sent {
        let sent = "perhaps: a request of it went out, and what became of it is not known";
        fields.push(("sent", sent.to_owned()));
    }
    fields.extend(
        job.enqueued_by
            .as_ref()
            .filter(|_| job.cron.is_none())
            .map(|by| ("enqueued by", format!("{} {}", by.by, by.name))),
    );
    fields.extend(job.trace_id.clone().map(|trace| ("trace", trace)));
    fields.extend(job.cron.as_ref().map(|cron| {
        let by_hand = if cron.by_hand { ", by hand" } else { "" };
        ("cron", format!("{} at {}{by_hand}", cron.entry, cron.tick))
    }));
    if job.waits > 0 {
        fields.push(("put back", put_back(job)));
    }
    for (name, value) in [("progress", &job.progress), ("result", &job.result)] {
        fields.extend(value.as_ref().map(|value| (name, value.to_string())));
    }
    fields.extend(job.delivery.as_ref().map(|row| ("delivery", delivery(row))));
    fields.extend(job.broken.clone().map(|why| ("broken", why)));
    fields.push(match (&job.args, &job.payload_base64) {
        (Some(args), _) => ("args", args.to_string()),
        (None, Some(bytes)) if reveal => ("payload", format!("{bytes} (base64)")),
        (None, Some(_)) => (
            "payload",
            "does not decode; --reveal shows it in base64".to_owned(),
        ),
        (None, None) => ("payload", "missing".to_owned()),
    });
    fields
}

/// `3 times, last 2026-11-23T15:00:00.000Z: throttled by sendgrid 429: too many requests`
fn put_back(job: &JobView) -> String {
    let mut text = output::counted(job.waits.into(), "time");
    let Some(last) = &job.put_back else {
        return text;
    };
    let probe = if last.probe { ", a probe" } else { "" };
    text += &format!(", last {}{probe}: {}", last.time, last.outcome);
    if let Some(provider) = &last.provider {
        text += &format!(" by {provider}");
    }
    if let Some(status) = last.status {
        text += &format!(" {status}");
    }
    if let Some(reason) = &last.reason {
        text += &format!(": {reason}");
    }
    text
}

/// `to stop at 2026-11-23T15:00:00.000Z by kari: wrong text`
fn asked(row: &StopRow) -> String {
    let force = if row.force { ", by force" } else { "" };
    let mut text = format!("to stop at {} by {}{force}", row.time, row.by);
    if let Some(reason) = &row.reason {
        text += &format!(": {reason}");
    }
    text
}

/// `delivered at 2026-11-23T15:00:00.000Z`, or `no report yet`.
fn delivery(row: &DeliveryRow) -> String {
    let (Some(state), Some(at)) = (&row.state, &row.at) else {
        return "no report yet".to_owned();
    };
    match &row.code {
        Some(code) => format!("{state} at {at}: {code}"),
        None => format!("{state} at {at}"),
    }
}

/// A line for each attempt, and under it what was the matter.
fn history(rows: &[HistoryRow]) -> Result<(), Failure> {
    let header = ["time", "attempt", "outcome", "provider", "took", "worker"];
    let cells = rows.iter().map(|row| {
        let provider = row.provider.as_ref().map(|provider| match row.status {
            Some(status) => format!("{provider} {status}"),
            None => provider.clone(),
        });
        vec![
            row.time.clone(),
            match row.probe {
                true => "probe".to_owned(),
                false => row.attempt.to_string(),
            },
            row.outcome.clone(),
            or_dash(provider),
            or_dash(row.duration_ms.map(|ms| format!("{ms} ms"))),
            row.worker.clone(),
        ]
    });
    let mut lines = output::table_lines(&header, cells.collect()).into_iter();
    output::line(&lines.next().unwrap_or_default())?;
    for (line, row) in lines.zip(rows) {
        output::line(&line)?;
        let request_id = row.request_id.as_ref().map(|id| format!("request id {id}"));
        let operation = row
            .operation
            .as_ref()
            .map(|id| format!("by the replay {id}"));
        let details = row.details.iter();
        let details: Vec<_> = details
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let details = Some(details.join(", ")).filter(|details| !details.is_empty());
        let old_args = row.old_args.as_ref().map(|args| format!("before: {args}"));
        for text in row
            .reason
            .iter()
            .chain(&details)
            .chain(&operation)
            .chain(&request_id)
            .chain(&old_args)
        {
            output::line(&format!("    {}", plain(text)))?;
        }
    }
    Ok(())
}
