use longshore_job::InvalidArgs;
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
    /// Several queues have dead letters of this group.
    #[error(
        "the group `{group}` stands in several queues, {}: name one with --queue",
        queues.join(" and ")
    )]
    AmbiguousGroup {
        /// The group.
        group: String,
        /// The queues.
        queues: Vec<String>,
    },
    /// The job is there, but not dead.
    #[error("job {id} is {state}, not dead")]
    NotDead {
        /// The job.
        id: String,
        /// Where it is.
        state: &'static str,
    },
    /// The job is there, but where this cannot be done to it.
    #[error("job {id} is {state}: nothing was changed")]
    NotWaiting {
        /// The job.
        id: String,
        /// Where it is.
        state: &'static str,
    },
    /// No queue has such an operation.
    #[error("there is no operation `{0}`: `longshore operations` lists them")]
    UnknownOperation(String),
    /// An operation has done all there was to do.
    #[error("the operation {0} is done: there is nothing left of it to change")]
    OperationOver(String),
    /// No queue has such a replay operation.
    #[error("there is no replay `{0}`: `longshore dead replays` lists them")]
    UnknownReplay(String),
    /// A replay operation has moved all of its letters.
    #[error("the replay {0} has moved all of its letters: there is nothing left of it to change")]
    ReplayOver(String),
    /// Another one of the same letters is running.
    #[error(
        "the replay {id} of these letters is running at another rate: `longshore dead replays cancel {id}` first"
    )]
    ReplayRunning {
        /// The one that runs.
        id: String,
    },
    /// Args that are none of the letter's kind.
    #[error("args: {0}")]
    InvalidArgs(#[from] InvalidArgs),
    /// A job cannot be edited.
    #[error("{id} cannot be edited: {why}")]
    NotEditable {
        /// The job.
        id: String,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A request of the job may have been carried out.
    #[error(
        "the outcome of {0} is unknown: a request with the old args may have been carried out, and one with new args would be another request. First find out what happened; --force edits it anyway"
    )]
    OutcomeUnknown(String),
    /// An export could not be written: no letter was touched.
    #[error("{file}: {reason}; no dead letter was touched")]
    File {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The file of an export is there already.
    #[error("{0} exists already, and may hold letters that exist nowhere else: name another file")]
    FileExists(String),
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
    #[error(
        "{0} addresses or numbers on the suppression list have a hash that begins like this: write more digits"
    )]
    AmbiguousSuppressed(usize),
    /// A name cannot be used.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// Redis could not be reached, or refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
}
