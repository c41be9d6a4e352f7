use longshore_queue::{InvalidName, QueueError};

/// Why an operator's call did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// There is no such queue.
    #[error("there is no queue `{name}`: the queues are {}", known.join(", "))]
    UnknownQueue {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No queue knows the job.
    #[error("no queue knows the job {0}: completed jobs are forgotten after their queue's `completed_seconds`")]
    UnknownJob(String),
    /// No queue has dead letters of this group.
    #[error("there is no group `{0}` of dead letters: `longshore dead groups` lists them")]
    UnknownGroup(String),
    /// The job is there, but not dead.
    #[error("job {id} is {state}, not dead")]
    NotDead {
        /// The job.
        id: String,
        /// Where it is.
        state: &'static str,
    },
    /// A name cannot be used.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// Redis could not be reached, or refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
}
