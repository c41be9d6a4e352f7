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
    /// An idempotency key stands for a job with other args; nothing was enqueued.
    #[error(
        "the job was refused: the key `{key}` stands for other args, those of job {holder}: use another key for another job"
    )]
    KeyTaken {
        /// The key.
        key: String,
        /// Which of the jobs of this call was refused first, from 0.
        place: usize,
        /// The job that has the key. It may have ended, and be forgotten.
        holder: JobId,
        /// When that was enqueued, in milliseconds since the epoch.
        since_ms: u64,
    },
    /// Two of the jobs of one call have the same idempotency key and different args; nothing was enqueued.
    #[error("the jobs were refused: two of them have the key `{key}` and different args")]
    KeyTwice {
        /// The key.
        key: String,
        /// Which of the jobs have it, from 0.
        places: (usize, usize),
    },
    /// The namespace cannot be used.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// Redis could not be reached for five seconds, or refused the call. It may be unknown whether the job was enqueued.
    #[error(transparent)]
    Queue(QueueError),
    /// Redis accepted these jobs, but for five seconds fewer replicas had them than [`Client::with_wait_replicas`] asks for.
    /// They are in the queue and will run, unless Redis fails over to a replica that lacks them. If you enqueue them again, they
    /// run twice, unless they have idempotency keys.
    ///
    /// [`Client::with_wait_replicas`]: crate::Client::with_wait_replicas
    #[error(
        "{}: {source}; {}",
        in_doubt(ids),
        "to enqueue it again makes a second job, unless it has a key"
    )]
    NotCopied {
        /// The ids of these jobs, for [`Client::status`](crate::Client::status).
        ids: Vec<JobId>,
        /// How many replicas there were.
        source: QueueError,
    },
    /// `enqueue_all` stopped half way. The accepted jobs were enqueued. Of the next 500 jobs at most it is not known whether
    /// they were enqueued. All later ones were not.
    #[error("{} jobs were enqueued, then: {source}", accepted.len())]
    Interrupted {
        /// The jobs that were enqueued, in order.
        accepted: Vec<JobId>,
        /// What happened then.
        source: QueueError,
    },
    /// The job did not end in time. It stays in its queue.
    #[error("job {id} has not ended within the given time; it goes on")]
    StillRunning {
        /// The job.
        id: JobId,
    },
}

impl ClientError {
    /// Whether the same call may go well in a moment: Redis was away or passed through a state such as a failover, for longer
    /// than the call waits itself. Its ids are new ones, so that jobs without idempotency keys may double if it is repeated.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(source)
            | Self::NotCopied { source, .. }
            | Self::Interrupted { source, .. } => {
                source.may_pass() || matches!(source, QueueError::Full { .. })
            }
            _ => false,
        }
    }
}

/// Which jobs may be lost.
fn in_doubt(ids: &[JobId]) -> String {
    match ids {
        [id] => format!("job {id} may be lost"),
        [first, ..] => format!("{} jobs, from {first} on, may be lost", ids.len()),
        [] => "jobs may be lost".to_owned(),
    }
}

impl From<QueueError> for ClientError {
    fn from(error: QueueError) -> Self {
        let taken = match &error {
            QueueError::KeyTaken(taken) => taken.first().cloned(),
            _ => None,
        };
        match taken {
            Some(taken) => Self::KeyTaken {
                key: taken.key,
                place: taken.place,
                holder: taken.holder,
                since_ms: taken.since_ms,
            },
            None => Self::Queue(error),
        }
    }
}
