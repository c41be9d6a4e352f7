//! A row as a job.

use std::time::Duration;

use longshore_client::{ClientError, EnqueueOptions};
use longshore_job::{JobId, Kinds, Prepared};
use longshore_queue::{EnqueuedBy, Key, Lane, NewJob, RunAt};

use super::store::Waiting;

/// Why a row is not carried: a code and a sentence. Names no person.
pub(crate) type Refusal = (&'static str, String);

/// The job of a row, and its queue.
///
/// # Errors
/// When it is none, or none that this program knows.
pub(crate) fn job(row: &Waiting, kinds: &Kinds) -> Result<(&'static str, NewJob), Refusal> {
    let Some(spec) = kinds.find(&row.kind) else {
        let known: Vec<&str> = kinds.iter().map(|spec| spec.kind).collect();
        let known = known.join(", ");
        return Err((
            "unknown_kind",
            format!("no integration of this carrier has its kind; known are {known}"),
        ));
    };
    let version = i64::from(spec.version);
    if i64::from(row.v) > version {
        let problem = format!(
            "its args are of version {}, and this carrier knows {version}: roll out the carriers before the producers",
            row.v
        );
        return Err(("unknown_kind", problem));
    }
    let id: JobId = row
        .id
        .parse()
        .map_err(|error: longshore_job::InvalidId| ("options", error.to_string()))?;
    let args = row.args.as_deref().ok_or_else(|| {
        let most = longshore_job::MAX_PAYLOAD_BYTES;
        (
            "args",
            format!(
                "they have more than {most} bytes: put large content in a bucket and pass its key"
            ),
        )
    })?;
    let prepared = spec
        .prepare(args)
        .map_err(|error| ("args", error.to_string()))?;
    let options = options(row)?;
    check(&options).map_err(|error| ("options", error.to_string()))?;
    let Some(spec) = kinds.find_in(spec.kind, &prepared.queue) else {
        let problem = format!("this carrier has no queue {}", prepared.queue);
        return Err(("args", problem));
    };
    Ok((spec.queue, new_job(id, prepared, options, row)))
}

/// Its time and the rest by themselves: the table's `expires_in` counts from when the job is due, so one that is shorter than the delay
/// is no slip, and the clock of this machine has no say.
fn check(options: &EnqueueOptions) -> Result<(), ClientError> {
    let due = EnqueueOptions {
        run_at: options.run_at,
        ..EnqueueOptions::default()
    };
    due.check()?;
    let rest = EnqueueOptions {
        run_at: RunAt::Now,
        ..options.clone()
    };
    rest.check()
}

fn options(row: &Waiting) -> Result<EnqueueOptions, Refusal> {
    let of = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let priority = row.priority.as_deref().map(str::parse).transpose();
    Ok(EnqueueOptions {
        run_at: row.due_at_ms.map_or(RunAt::Now, |ms| RunAt::At(of(ms))),
        key: row.key.clone(),
        expires_in: row.expires_in_ms.map(|ms| Duration::from_millis(of(ms))),
        expires_at: None,
        priority: priority.map_err(|_| {
            (
                "options",
                "priority: must be high, normal or low".to_owned(),
            )
        })?,
        tenant: row.tenant.clone(),
        tags: row.tags.clone(),
    })
}

fn new_job(id: JobId, prepared: Prepared, options: EnqueueOptions, row: &Waiting) -> NewJob {
    NewJob {
        id,
        key: options.key.as_deref().map(|key| Key::of(&prepared, key)),
        payload: prepared.payload,
        run_at: options.run_at,
        expires_in: left_of(options.expires_in, prepared.expires_in, row.overdue_ms),
        traceparent: short(row.traceparent.as_ref()),
        tracestate: short(row.tracestate.as_ref()),
        lane: Lane {
            priority: options.priority.unwrap_or(prepared.priority),
            tenant: options.tenant,
        },
        tags: options.tags,
        by: Some(EnqueuedBy::Client("outbox".to_owned())),
    }
}

/// What is left of its life: a job that waited in the table is no younger for it. One that has none left is dead as
/// `expired`, where an operator sees it.
fn left_of(
    asked: Option<Duration>,
    of_kind: Option<Duration>,
    overdue_ms: i64,
) -> Option<Duration> {
    let overdue = Duration::from_millis(u64::try_from(overdue_ms).unwrap_or(0));
    if overdue < Duration::from_secs(1) {
        return asked;
    }
    let life = asked.or(of_kind)?;
    Some(life.saturating_sub(overdue).max(Duration::from_millis(1)))
}

/// What is longer than W3C allows is dropped.
fn short(trace: Option<&String>) -> Option<String> {
    trace.filter(|text| text.len() <= 512).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_waited_is_no_younger_for_it() {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        assert_eq!(left_of(None, None, 100_000), None);
        assert_eq!(left_of(Some(hour), Some(minute), 999), Some(hour));
        assert_eq!(left_of(None, Some(minute), 999), None, "as its kind says");
        assert_eq!(left_of(None, Some(minute), 20_000), Some(minute * 2 / 3));
        assert_eq!(
            left_of(Some(hour), Some(minute), 60_000),
            Some(hour - minute)
        );
        let over = Some(Duration::from_millis(1));
        assert_eq!(left_of(None, Some(minute), 60_000), over);
        assert_eq!(left_of(None, Some(minute), i64::MAX), over);
        assert_eq!(
            left_of(Some(minute), None, -60_000),
            Some(minute),
            "not due yet"
        );
    }
}
