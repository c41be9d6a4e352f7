use longshore_job::{InvalidArgs, JobId};
use longshore_queue::{InvalidName, QueueError};

/// Why a call of the client failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The job's args are wrong; nothing was enqueued.
    #[error("the job was refused: {0}")]
    InvalidArgs(#[from] InvalidArgs),
    /// An option of the call is wrong; nothing was enqueued.
    #[error("the job was refused: {0}")]
    InvalidOption(&'static str),
    /// The namespace cannot be used.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// Redis could not be reached for five seconds, or refused. Whether the job was enqueued may not be known.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// `enqueue_all` stopped half way: these were enqueued for sure, those after them not, except that the next 500
    /// at the most are in doubt.
    #[error("{} jobs were enqueued, then: {source}", accepted.len())]
    Interrupted {
        /// The jobs that were enqueued, in order.
        accepted: Vec<JobId>,
        /// What happened then.
        source: QueueError,
    },
    /// The job did not end in time. It goes on.
    #[error("job {id} has not ended within the given time; it goes on")]
    StillRunning {
        /// The job.
        id: JobId,
    },
}
