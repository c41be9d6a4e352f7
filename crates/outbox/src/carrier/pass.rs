//! One pass over the table: a transaction that takes rows on by one step each.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_queue::{Carried, NewJob, Queue, QueueError};
use tokio::time::timeout;

use super::decode;
use super::metrics::Metrics;
use super::queues::Queues;
use super::store::{Changes, Store, Waiting};

/// A row that was first tried longer ago is not tried again: Redis knows a carried id for an hour more.
const TRIED_AGAIN_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// How long a queue may take. The rows are locked meanwhile.
const CARRIED_WITHIN: Duration = Duration::from_secs(5);

/// One of each queue's rows that wait: when it was first tried, and its job.
type Row = (Option<i64>, NewJob);

/// Takes rows on. Returns whether there was anything to do.
///
/// # Errors
/// What Postgres said. Nothing is lost then: what Redis took meanwhile is known by its ids.
pub(crate) async fn pass(
    store: &mut Store,
    queues: &Queues,
    metrics: &Metrics,
) -> Result<bool, tokio_postgres::Error> {
    let (carrying, rows) = store.begin(&queues.left_alone()).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let mut changes = Changes::default();
    let mut counts = Counts::default();
    for (name, rows) in by_queue(&rows, queues, &mut changes) {
        let Some(queue) = queues.get(name) else {
            continue;
        };
        match timeout(CARRIED_WITHIN, carry(queue, rows, &mut changes)).await {
            Ok(Ok(carried)) => {
                queues.took(name);
                counts.0.push((name, carried));
            }
            Ok(Err(error)) => leave_alone(queues, name, &error.to_string()),
            Err(_) => leave_alone(queues, name, "it did not answer within 5 s"),
        }
    }
    let did_something =
        !changes.tried.is_empty() || !changes.held.is_empty() || !changes.done.is_empty();
    carrying.commit(&changes).await?;
    for (_, code, _) in &changes.held {
        metrics.held(code);
    }
    for (id, code, reason) in &changes.held {
        tracing::warn!(
            job_id = id,
            code,
            reason,
            "a row is held: see `longshore outbox held`"
        );
    }
    for (queue, (new, duplicates)) in counts.0 {
        metrics.carried(queue, new, duplicates);
    }
    Ok(did_something)
}

/// How many of each queue's were new, and were duplicates.
#[derive(Default)]
struct Counts(Vec<(&'static str, (u64, u64))>);

fn leave_alone(queues: &Queues, name: &'static str, why: &str) {
    let pause = queues.leave_alone(name);
    tracing::warn!(
        queue = name,
        seconds = pause.as_secs_f64(),
        "rows wait in the table, the queue takes none: {why}"
    );
}

/// Their jobs by queue, in order. What is no job is held.
fn by_queue(
    rows: &[Waiting],
    queues: &Queues,
    changes: &mut Changes,
) -> BTreeMap<&'static str, Vec<Row>> {
    let mut found: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in rows {
        match decode::job(row, &queues.kinds) {
            Ok((queue, job)) => found.entry(queue).or_default().push((row.tried_ms, job)),
            Err((code, reason)) => changes.held.push((row.id.clone(), code, reason)),
        }
    }
    found
}

/// Takes the rows of one queue on: those that are tried for the first time are noted so, those that were are enqueued. Returns
/// how many of these are new, and how many are duplicates.
async fn carry(
    queue: &Queue,
    rows: Vec<Row>,
    changes: &mut Changes,
) -> Result<(u64, u64), QueueError> {
    let now = queue.now_ms().await?;
    let mut jobs = Vec::with_capacity(rows.len());
    let mut own = Changes::default();
    for (tried, job) in rows {
        match tried {
            None => own
                .tried
                .push((job.id.to_string(), i64::try_from(now).unwrap_or(i64::MAX))),
            Some(tried) if !is_known_still(tried, now) => {
                let reason = "it was first tried more than 24 hours ago, and whether it was enqueued then cannot be told";
                own.held
                    .push((job.id.to_string(), "tried_long_ago", reason.to_owned()));
            }
            Some(_) => jobs.push(job),
        }
    }
    let (mut new, mut duplicates) = (0, 0);
    if !jobs.is_empty() {
        let came = queue.carry(&jobs).await?;
        for (job, carried) in jobs.iter().zip(came) {
            let id = job.id.to_string();
            match carried {
                Carried::Enqueued(enqueued) => {
                    match enqueued.duplicate {
                        true => duplicates += 1,
                        false => new += 1,
                    }
                    own.done.push(id);
                }
                Carried::KeyTaken(key) => {
                    let reason = format!(
                        "its key stands for job {}, which has other args",
                        key.holder
                    );
                    own.held.push((id, "key_taken", reason));
                }
            }
        }
    }
    // Only what is whole is written down: a queue that went away half way is asked again for all of it.
    changes.tried.extend(own.tried);
    changes.held.extend(own.held);
    changes.done.extend(own.done);
    Ok((new, duplicates))
}

/// Whether Redis still knows the ids that it was first given then.
fn is_known_still(tried_ms: i64, now_ms: u64) -> bool {
    let tried = u64::try_from(tried_ms).unwrap_or(0);
    Duration::from_millis(now_ms.saturating_sub(tried)) < TRIED_AGAIN_WITHIN
}

#[cfg(test)]
mod tests {
    use super::is_known_still;

    #[test]
    fn what_was_tried_a_day_ago_is_not_tried_again() {
        let hour = 3_600_000;
        let now = 100 * hour;
        let tried = |hours: i64| is_known_still(hours * 3_600_000, now);
        assert!(tried(100) && tried(77) && !tried(76) && !tried(0));
        assert!(
            tried(200),
            "Redis's clock was set back: it forgets later, too"
        );
        assert!(!is_known_still(-1, now));
    }
}
