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
    #[error(
        "no queue knows the job {0}: it was discarded, or it completed longer ago than its queue's `completed_seconds`"
    )]
    UnknownJob(String),
    /// It is not of a job id's form, and no queue has a job with such an id either.
    #[error(
        "`{0}` is not a job id: a job id is 26 upper-case characters, such as 01JD2Z5V9GQ8X0T6M3K7W4R1YB"
    )]
    InvalidId(String),
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
    /// A cron entry makes no job at this time.
    #[error("the cron entry {name} makes no job now: {reason}")]
    Entry {
        /// The entry.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Nothing on the suppression list is meant.
    #[error("it is not on the suppression list: `longshore suppressions list` shows what is")]
    NotSuppressed,
    /// More than one address may be meant.
    #[error("{0} addresses on the suppression list have a hash that begins so: write more of it")]
    AmbiguousSuppressed(usize),
    /// A name cannot be used.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// Redis could not be reached, or refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
}
