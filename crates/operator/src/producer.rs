//! What a producer sees of its job: all but the args.

use longshore_job::JobId;
use longshore_queue::JobState;

use crate::error::OperatorError;
use crate::job::JobView;
use crate::operator::Operator;

impl Operator {
    /// One job as its producer sees it: never its args, and its key, result and progress whole, as the client crate gives them.
    ///
    /// # Errors
    /// [`OperatorError::UnknownJob`] when no queue knows it; or when Redis cannot be reached or refuses.
    pub async fn job_of_producer(&self, id: JobId) -> Result<JobView, OperatorError> {
        let (info, _, job) = self.found(&id.to_string()).await?;
        let (result, progress) = (job.result.clone(), job.progress.clone());
        let key = job.idempotency_key.clone();
        let mut view = JobView::new(info, job, false);
        view.args = None;
        view.payload_base64 = None;
        for row in &mut view.history {
            row.old_args = None;
        }
        Ok(JobView {
            result,
            progress,
            idempotency_key: key,
            ..view
        })
    }
}

impl JobView {
    /// It has completed, died or was cancelled: by itself nothing more happens to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            JobState::Completed | JobState::Dead | JobState::Cancelled
        )
    }
}
