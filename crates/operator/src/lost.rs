//! Jobs whose worker was lost while it ran them.

use std::time::Duration;

use futures_util::future::try_join_all;
use longshore_job::Envelope;
use longshore_queue::{DeliveryResult, JobState, LostJob, Queue, QueueError};
use serde::Serialize;

use crate::away::ask_each;
use crate::error::OperatorError;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;
use crate::time::rfc3339;

/// So many are asked for at the same time.
const TOGETHER: usize = 50;

/// A job whose worker was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostJobRow {
    /// Its id.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// Its kind, if it is still there and its payload says.
    pub kind: Option<String>,
    /// What it has come to since; `None` where it is no longer kept.
    pub state: Option<JobState>,
    /// The worker that was lost.
    pub worker: String,
    /// When that was found, RFC 3339.
    pub lost_at: String,
    /// What the provider has said of its message: `delivered`, `failed` or `accepted`; `None` where it has said nothing.
    pub delivery: Option<DeliveryResult>,
}

impl Operator {
    /// The jobs whose worker was lost in this time, the newest first, at most so many. They are known for a day.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn lost_jobs(
        &self,
        queue: Option<&str>,
        since: Duration,
        limit: usize,
    ) -> Result<Vec<LostJobRow>, OperatorError> {
        let asked = self.some_or_all(queue)?;
        let mut rows = Vec::new();
        let found = ask_each(asked, |info, queue| of_queue(info, queue, since, limit));
        for (.., found) in found.await? {
            // What cannot be read of one queue hides none of the others.
            rows.extend(found.unwrap_or_default());
        }
        rows.sort_by(|a, b| b.lost_at.cmp(&a.lost_at).then_with(|| a.id.cmp(&b.id)));
        rows.truncate(limit);
        Ok(rows)
    }
}

async fn of_queue(
    info: &QueueInfo,
    queue: &Queue,
    since: Duration,
    limit: usize,
) -> Result<Vec<LostJobRow>, QueueError> {
    let mut rows = Vec::new();
    for some in queue.lost_jobs(since, limit).await?.chunks(TOGETHER) {
        let asked = some.iter().map(|lost| row(info, queue, lost));
        rows.extend(try_join_all(asked).await?);
    }
    Ok(rows)
}

async fn row(info: &QueueInfo, queue: &Queue, lost: &LostJob) -> Result<LostJobRow, QueueError> {
    let job = queue.job(&lost.id).await?;
    let delivery = DeliveryResult::of(job.as_ref().and_then(|job| job.delivery.as_ref()));
    let kind = job.as_ref().and_then(|job| {
        let envelope = Envelope::parse(job.payload.as_deref()?).ok()?;
        let known = info.kinds.find(&envelope.kind).is_some();
        known.then(|| envelope.kind.into_owned())
    });
    Ok(LostJobRow {
        id: lost.id.to_string(),
        queue: info.name.clone(),
        kind,
        state: job.map(|job| job.state),
        worker: lost.worker.clone(),
        lost_at: rfc3339(lost.at_ms),
        delivery: Some(delivery).filter(|known| *known != DeliveryResult::Unknown),
    })
}
