//! What a producer is told of a job.

use longshore_job::JobId;
use longshore_queue::{JobInfo, JobState};

/// What has become of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStatus {
    /// The job.
    pub id: JobId,
    /// Its queue.
    pub queue: String,
    /// Where it is.
    pub state: JobState,
    /// What it ended with, if it completed with a result.
    pub result: Option<serde_json::Value>,
    /// Why its last attempt failed, if it did. Names no person.
    pub reason: Option<String>,
    /// When it runs next, in milliseconds since the epoch: scheduled and retryable jobs.
    pub next_run_at_ms: Option<u64>,
}

impl JobStatus {
    pub(crate) fn new(id: JobId, queue: &str, job: JobInfo) -> Self {
        Self {
            id,
            queue: queue.to_owned(),
            state: job.state,
            result: job.result,
            reason: job
                .history
                .into_iter()
                .rfind(|last| last.entry.is_attempt())
                .and_then(|last| last.entry.reason),
            next_run_at_ms: job.next_run_at_ms,
        }
    }

    /// It has completed, died or was cancelled: by itself nothing more happens to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            JobState::Completed | JobState::Dead | JobState::Cancelled
        )
    }
}
