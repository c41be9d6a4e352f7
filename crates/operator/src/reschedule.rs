//! Another time for many jobs that wait.

use longshore_job::JobId;
use longshore_queue::{JobFilter, JobInfo, JobState, RunAt, Signed};
use serde::Serialize;

use crate::error::OperatorError;
use crate::operations::OperationRow;
use crate::operator::Operator;

/// Which jobs would be due at another time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReschedulePreview {
    /// How many jobs wait and are meant.
    pub jobs: u64,
    /// How many of them are pending.
    pub pending: u64,
    /// How many are scheduled.
    pub scheduled: u64,
    /// How many wait for a retry.
    pub retryable: u64,
    /// How many others run, and would be left alone.
    pub running: u64,
    /// How many others would be left alone, since nothing stands of them but their ids.
    pub broken: u64,
}

impl ReschedulePreview {
    fn see(&mut self, job: &JobInfo) {
        match job.state {
            JobState::Running => self.running += 1,
            _ if job.payload.is_none() && job.too_large.is_none() => self.broken += 1,
            JobState::Scheduled => self.scheduled += 1,
            JobState::Retryable => self.retryable += 1,
            _ => self.pending += 1,
        }
        self.jobs = self.pending + self.scheduled + self.retryable;
    }
}

impl Operator {
    /// Which jobs of a queue wait and are meant, of the first `most` that are looked at, and whether those are all. `looked` is told how
    /// many were.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn preview_reschedule(
        &self,
        queue: &str,
        filter: &JobFilter,
        most: u64,
        looked: impl FnMut(u64),
    ) -> Result<(ReschedulePreview, bool), OperatorError> {
        let mut found = ReschedulePreview::default();
        let see = |job: &JobInfo| found.see(job);
        let is_whole = self.see_meant(queue, filter, most, looked, see).await?;
        Ok((found, is_whole))
    }

    /// Begins to make all jobs of a queue that wait and are meant due at another time: an operation that any process carries on. `total` is
    /// how many there are. `id` is what it will be called by; called again with it, it begins nothing new.
    ///
    /// # Errors
    /// When there is no such queue, or Redis cannot be reached.
    pub async fn begin_reschedule(
        &self,
        id: JobId,
        queue: &str,
        filter: &JobFilter,
        total: u64,
        run_at: RunAt,
        signed: &Signed,
    ) -> Result<OperationRow, OperatorError> {
        let (_, queue) = self.queue(queue)?;
        let begun = queue.begin_reschedule(id, filter, total, run_at, signed);
        begun.await?;
        self.operation(&id.to_string()).await
    }
}
