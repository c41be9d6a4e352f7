//! One pass over the table: a transaction that takes rows on by one step each.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_queue::{Carried, NewJob, Queue, QueueError};
use tokio::time::timeout;

use super::decode;
use super::metrics::Metrics;
use super::queues::Queues;
use super::store::{Carrying, Changes, Store, Waiting, is_unreadable};

/// A row that was first tried longer ago is not tried again: Redis knows a carried id for an hour more.
const TRIED_AGAIN_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// How long a queue may take for one call. The rows are locked meanwhile.
const CARRIED_WITHIN: Duration = Duration::from_secs(5);

/// How many go into one call: what is slow gets on, too.
const CHUNK: usize = 50;

const SILENT: &str = "it did not answer within 5 s";

const NOT_UTF8: &str =
    "a text in it is not UTF-8, and the database has another encoding: mend it by an UPDATE";

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
    let left_alone = queues.left_alone();
    match store.begin(&left_alone).await {
        Ok((carrying, rows)) => return take_on(carrying, &rows, queues, metrics).await,
        Err(error) if is_unreadable(&error) => {}
        Err(error) => return Err(error),
    }
    let held = store.hold_unreadable(&left_alone, "encoding", NOT_UTF8);
    let held = held.await?;
    for id in &held {
        tell_held(metrics, id, "encoding", NOT_UTF8);
    }
    Ok(!held.is_empty())
}

/// Takes these on. Returns whether there was anything to do.
async fn take_on(
    carrying: Carrying<'_>,
    rows: &[Waiting],
    queues: &Queues,
    metrics: &Metrics,
) -> Result<bool, tokio_postgres::Error> {
    if rows.is_empty() {
        return Ok(false);
    }
    let mut changes = Changes::default();
    let mut counts = Vec::new();
    for (name, rows) in by_queue(rows, queues, &mut changes) {
        let Some(queue) = queues.get(name) else {
            continue;
        };
        let carried = carry(queue, rows, &mut changes).await;
        match &carried.stopped {
            None => queues.took(name),
            Some(why) => leave_alone(queues, name, why),
        }
        counts.push((name, carried));
    }
    let did_something =
        !changes.tried.is_empty() || !changes.held.is_empty() || !changes.done.is_empty();
    carrying.commit(&changes).await?;
    for (id, code, reason) in &changes.held {
        tell_held(metrics, id, code, reason);
    }
    for (queue, carried) in counts {
        metrics.carried(queue, carried.new, carried.duplicates);
    }
    Ok(did_something)
}

fn tell_held(metrics: &Metrics, id: &str, code: &'static str, reason: &str) {
    metrics.held(code);
    tracing::warn!(
        job_id = id,
        code,
        reason,
        "a row is held: see `longshore outbox held`"
    );
}

/// What became of one queue's rows.
#[derive(Default)]
struct CameTo {
    new: u64,
    duplicates: u64,
    /// Why the queue took no more.
    stopped: Option<String>,
}

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

/// Takes the rows of one queue on: those that are tried for the first time are noted so, those that were are enqueued.
async fn carry(queue: &Queue, rows: Vec<Row>, changes: &mut Changes) -> CameTo {
    let now = match timeout(CARRIED_WITHIN, queue.now_ms()).await {
        Ok(Ok(now)) => now,
        Ok(Err(error)) => return stopped(error.to_string()),
        Err(_) => return stopped(SILENT.to_owned()),
    };
    let mut jobs = Vec::with_capacity(rows.len());
    for (tried, job) in rows {
        let id = job.id.to_string();
        match tried {
            None => changes
                .tried
                .push((id, i64::try_from(now).unwrap_or(i64::MAX))),
            Some(tried) if !is_known_still(tried, now) => {
                let reason = "it was first tried more than 24 hours ago, and whether it was enqueued then cannot be told";
                changes.held.push((id, "tried_long_ago", reason.to_owned()));
            }
            Some(_) => jobs.push(job),
        }
    }
    carry_tried(queue, &jobs, changes).await
}

fn stopped(why: String) -> CameTo {
    CameTo {
        stopped: Some(why),
        ..CameTo::default()
    }
}

/// Enqueues them, some at a time, and notes what is known of each. A queue that is full takes as many as there is room for.
async fn carry_tried(queue: &Queue, jobs: &[NewJob], changes: &mut Changes) -> CameTo {
    let (mut came_to, mut rest, mut at_once) = (CameTo::default(), jobs, CHUNK);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(at_once.min(rest.len()));
        match timeout(CARRIED_WITHIN, queue.carry(now)).await {
            Ok(Ok(carried)) => {
                for (job, carried) in now.iter().zip(carried) {
                    came_to.note(job, carried, changes);
                }
            }
            // One by one, until each was asked for: what is refused by itself was never enqueued.
            Ok(Err(QueueError::Full { .. })) if now.len() > 1 => {
                at_once = 1;
                continue;
            }
            Ok(Err(error @ QueueError::Full { .. })) => {
                changes
                    .untried
                    .extend(now.iter().map(|job| job.id.to_string()));
                came_to.stopped = Some(error.to_string());
            }
            Ok(Err(error)) => {
                came_to.stopped = Some(error.to_string());
                break;
            }
            Err(_) => {
                came_to.stopped = Some(SILENT.to_owned());
                break;
            }
        }
        rest = later;
    }
    came_to
}

impl CameTo {
    fn note(&mut self, job: &NewJob, carried: Carried, changes: &mut Changes) {
        let id = job.id.to_string();
        match carried {
            Carried::Enqueued(enqueued) => {
                match enqueued.duplicate {
                    true => self.duplicates += 1,
                    false => self.new += 1,
                }
                changes.done.push(id);
            }
            // It was never enqueued: an id that was is known, whatever its key stands for.
            Carried::KeyTaken(key) => {
                let holder = key.holder;
                let reason = format!("its key stands for job {holder}, which has other args");
                changes.untried.push(id.clone());
                changes.held.push((id, "key_taken", reason));
            }
        }
    }
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
