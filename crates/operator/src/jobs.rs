//! Jobs wherever they are: in a list, and those of one person.

use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use longshore_job::{Person, Priority};
use longshore_queue::{
    Hold, HoldCause, JobFilter, JobInfo, JobScan, JobState, Key, PersonFilter, Place, Queue, Stats,
};
use serde::Serialize;
use serde_json::Value;

use crate::away::{ANSWERED_WITHIN, why_apart};
use crate::dead::UNREADABLE;
use crate::error::OperatorError;
use crate::job::JobView;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;

/// Which jobs are listed.
#[derive(Debug, Clone, Default)]
pub struct JobQuery<'a> {
    /// Of this queue only.
    pub queue: Option<&'a str>,
    /// Which of them.
    pub filter: JobFilter,
    /// Only those in which this person is.
    pub person: Option<&'a Person>,
    /// At most so many.
    pub limit: usize,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRow {
    /// Its id.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// Its kind, if its payload says.
    pub kind: Option<String>,
    /// Where it is; `None` where its queue cannot be read.
    pub state: Option<JobState>,
    /// How urgent it is.
    pub priority: Priority,
    /// Whose it is.
    pub tenant: Option<String>,
    /// What it is marked with.
    pub tags: Vec<String>,
    /// The attempt of its last run, from 1; 0 before the first.
    pub attempt: u32,
    /// When it was enqueued, RFC 3339.
    pub enqueued_at: Option<String>,
    /// When it runs next, RFC 3339.
    pub next_run_at: Option<String>,
    /// When it ended, RFC 3339. It is not part of the row's JSON.
    #[serde(skip)]
    pub ended_at: Option<String>,
    /// Running: the worker that has it. Pending: what holds its queue back, or `parked`, since no worker knows its kind.
    pub held_by: Option<String>,
    /// Its args, redacted.
    pub args: Option<Value>,
    /// Why it cannot be read as a whole, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl JobRow {
    pub(crate) fn new(info: &QueueInfo, job: JobInfo, held: Option<&str>) -> Self {
        let parked = job.parked_since_ms.is_some();
        let view = JobView::new(info, job, false);
        let held_by = match view.state {
            JobState::Pending if parked => Some("parked".to_owned()),
            JobState::Pending => held.map(str::to_owned),
            _ => view.worker,
        };
        Self {
            id: view.id,
            queue: view.queue,
            kind: view.kind,
            state: Some(view.state),
            priority: view.priority,
            tenant: view.tenant,
            tags: view.tags,
            attempt: view.attempt,
            enqueued_at: view.enqueued_at,
            next_run_at: view.next_run_at,
            ended_at: view.ended_at,
            held_by,
            args: view.args,
            broken: view.broken,
        }
    }

    /// The jobs of this queue cannot be read.
    fn broken(queue: &str, why: String) -> Self {
        Self {
            id: UNREADABLE.to_owned(),
            queue: queue.to_owned(),
            kind: None,
            state: None,
            priority: Priority::default(),
            tenant: None,
            tags: Vec::new(),
            attempt: 0,
            enqueued_at: None,
            next_run_at: None,
            ended_at: None,
            held_by: None,
            args: None,
            broken: Some(why),
        }
    }
}

/// What holds a queue's pending jobs back, in a word or two, if it has a fallback or has none.
pub(crate) fn held(stats: &Stats, has_fallback: bool) -> Option<String> {
    if let Some(paused) = &stats.paused {
        return Some(format!("paused by {}", paused.by));
    }
    // Where another provider stands in, nothing waits for the breaker of its own.
    let stands_in =
        |hold: &&Hold| has_fallback && hold.provider.is_none() && hold.cause == HoldCause::Breaker;
    let hold = stats.holds.iter().find(|hold| !stands_in(hold))?;
    let cause = serde_json::to_value(hold.cause).ok()?;
    Some(cause.as_str()?.replace('_', " "))
}

impl Operator {
    /// Jobs, the newest first, as far as their places say: what waits for its time is looked through by that, the latest first.
    /// All of them are looked at until there are enough; `looked` is told how many.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn jobs(
        &self,
        query: &JobQuery<'_>,
        mut looked: impl FnMut(u64),
    ) -> Result<Vec<JobRow>, OperatorError> {
        let mut seen = 0;
        let tell = Mutex::new(|more| {
            seen += more;
            looked(seen);
        });
        let each = self.some_or_all(query.queue)?.into_iter();
        let each = each.map(async |(info, queue)| {
            let mut tell = |more| tell.lock().unwrap_or_else(PoisonError::into_inner)(more);
            match find(info, queue, query, &mut tell).await {
                Ok(found) => Ok(found),
                Err(OperatorError::Queue(error)) => {
                    let why = why_apart(queue, error).await?;
                    Ok(vec![JobRow::broken(&info.name, why)])
                }
                Err(error) => Err(error),
            }
        });
        let mut rows: Vec<_> = try_join_all(each).await?.into_iter().flatten().collect();
        rows.sort_by(|a, b| b.enqueued_at.cmp(&a.enqueued_at));
        rows.truncate(query.limit);
        Ok(rows)
    }
}

async fn find(
    info: &QueueInfo,
    queue: &Queue,
    query: &JobQuery<'_>,
    looked: &mut impl FnMut(u64),
) -> Result<Vec<JobRow>, OperatorError> {
    let asking = queue.answer_within(ANSWERED_WITHIN, queue.stats());
    let held = held(&asking.await?, info.fallback.is_some());
    let person = query.person.cloned();
    let person = person.map(|person| PersonFilter::new(person, &info.kinds));
    let is_meant = |job: &JobInfo| query.filter.means(job);
    let mut rows = Vec::new();
    if let Some(key) = &query.filter.key {
        // A key is a name within its kind, and is looked up.
        for kind in info.kinds.iter() {
            let Some(id) = queue.holder(&Key::new(kind.kind, key)).await? else {
                continue;
            };
            let job = queue.job(&id).await?.filter(is_meant);
            rows.extend(job.map(|job| JobRow::new(info, job, held.as_deref())));
        }
        return Ok(rows);
    }
    for place in Place::ALL {
        let states = JobState::ALL.into_iter();
        if !states
            .filter(|state| place.has(*state))
            .any(|state| query.filter.has_state(state))
        {
            continue;
        }
        let mut scan = JobScan::new(place).to_show();
        let mut of_place = 0;
        while !scan.is_over() && of_place < query.limit {
            let jobs = match step(queue, person.as_ref(), &mut scan, looked).await {
                // One place that cannot be read hides no other.
                Err(OperatorError::Queue(error)) => {
                    let why = why_apart(queue, error).await?;
                    if !rows
                        .iter()
                        .any(|row: &JobRow| row.broken.as_ref() == Some(&why))
                    {
                        rows.push(JobRow::broken(&info.name, why));
                    }
                    break;
                }
                jobs => jobs?,
            };
            for job in jobs.into_iter().filter(is_meant) {
                let id = job.id.to_string();
                // What others push meanwhile has some seen twice.
                if of_place < query.limit && !rows.iter().any(|row: &JobRow| row.id == id) {
                    of_place += 1;
                    rows.push(JobRow::new(info, job, held.as_deref()));
                }
            }
        }
    }
    Ok(rows)
}

async fn step(
    queue: &Queue,
    person: Option<&PersonFilter>,
    scan: &mut JobScan,
    looked: &mut impl FnMut(u64),
) -> Result<Vec<JobInfo>, OperatorError> {
    let Some(person) = person else {
        let jobs = queue.scan(scan).await?;
        looked(jobs.len() as u64);
        return Ok(jobs);
    };
    let mut more = 0;
    let found = queue.scan_for(person, scan, &mut more).await?.into_iter();
    looked(more);
    Ok(found.map(|(job, _)| job).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_holds_nothing_back_while_another_provider_stands_in() {
        let hold = |cause, provider: Option<&str>| Hold {
            cause,
            provider: provider.map(str::to_owned),
            until_ms: None,
        };
        let breaker = hold(HoldCause::Breaker, None);
        let mut stats = Stats {
            holds: vec![breaker],
            ..Stats::default()
        };
        assert_eq!(held(&stats, false).as_deref(), Some("breaker"));
        assert_eq!(held(&stats, true), None);
        stats.holds.push(hold(HoldCause::RedisForgot, None));
        assert_eq!(held(&stats, true).as_deref(), Some("redis forgot"));
        stats.holds[1] = hold(HoldCause::Breaker, Some("postmark"));
        assert_eq!(held(&stats, true).as_deref(), Some("breaker"));
    }
}
