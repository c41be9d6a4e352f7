use std::fmt;

use longshore_job::{InvalidArgs, JobId};
use longshore_queue::{Enqueued, InvalidName, QueueError};

/// Why a call of the client failed. Its `Debug` says the same as its `Display`, and what to do about it, since a `main` or a test
/// that returns it prints that.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The job's args are wrong; nothing was enqueued.
    #[error("the job was refused: {0}")]
    InvalidArgs(#[from] InvalidArgs),
    /// An option of the call is wrong; nothing was enqueued.
    #[error("the job was refused: {0}")]
    InvalidOption(&'static str),
    /// An idempotency key stands for a job with other args; nothing was enqueued.
    #[error("the job was refused: the key `{key}` stands for other args, those of job {holder}")]
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
    /// Redis could not be reached until the call gave up (5 s unless [`ClientBuilder`](crate::ClientBuilder) says otherwise), or
    /// refused it. It may be unknown whether the job was enqueued.
    #[error(transparent)]
    Queue(QueueError),
    /// Redis was away a moment ago, for longer than that call waited: this call was not made, and nothing was enqueued. It fails
    /// at once, so that not each call waits for the same outage. Within half a second one finds out whether it is over.
    #[error("nothing was sent, since a moment ago {source}")]
    Away {
        /// What the other call met.
        source: QueueError,
    },
    /// Redis accepted the job, but until the call gave up fewer replicas had it than [`Client::with_wait_replicas`] asks for.
    /// It is in the queue and will run, unless Redis fails over to a replica that lacks it. If you enqueue it again, it runs
    /// twice, unless it has an idempotency key. A call with many jobs says [`ClientError::Interrupted`].
    ///
    /// [`Client::with_wait_replicas`]: crate::Client::with_wait_replicas
    #[error(
        "{}: {source}; {}",
        in_doubt(ids),
        "to enqueue it again makes a second job, unless it has a key"
    )]
    NotCopied {
        /// Its id, for [`Client::status`](crate::Client::status).
        ids: Vec<JobId>,
        /// How many replicas there were.
        source: QueueError,
    },
    /// One job of a call with many is wrong; nothing was enqueued.
    #[error("job {place} of the call: {source}")]
    InBatch {
        /// Which of the jobs, from 0.
        place: usize,
        /// What is wrong with it.
        source: Box<ClientError>,
    },
    /// A call with many jobs stopped before its end, and some of them are in the queue, or may be. Jobs that stand in neither list
    /// were not enqueued.
    #[error("{} jobs were enqueued, and of {} it is not known, then: {source}", accepted.len(), in_doubt.len())]
    Interrupted {
        /// The jobs that were enqueued: the place in the call, from 0, and what became of each.
        accepted: Vec<(usize, Enqueued)>,
        /// At most 500 jobs that may have been enqueued: the place in the call, and the id for [`Client::status`](crate::Client::status).
        in_doubt: Vec<(usize, JobId)>,
        /// What happened then.
        source: QueueError,
    },
    /// The job is accepted, and it is not known that it has ended: not within the given time, or Redis refused to say. It stays
    /// in its queue.
    #[error("job {id} has not ended within the given time; it goes on{}", unseen(source.as_ref()))]
    StillRunning {
        /// The job.
        id: JobId,
        /// Why Redis could not be asked last, if it could not.
        source: Option<QueueError>,
    },
    /// No queue knows the job, or knows it any longer.
    #[error("job {id} is not known (any more)")]
    NotFound {
        /// The job.
        id: JobId,
    },
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}; {}", self.cure())
    }
}

impl ClientError {
    /// Whether the same call may go well in a moment: Redis was away or passed through a state such as a failover, for longer
    /// than the call waits itself. Its ids are new ones, so that jobs without idempotency keys may double if it is repeated.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Queue(source)
            | Self::NotCopied { source, .. }
            | Self::Interrupted { source, .. } => {
                source.may_pass() || matches!(source, QueueError::Full { .. })
            }
            _ => false,
        }
    }

    /// What went wrong, as one word for programs. It stays the same from version to version; `docs/outages.md` lists all.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.known().0
    }

    /// What to do about it, for people.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        self.known().1
    }

    fn known(&self) -> (&'static str, &'static str) {
        match self {
            Self::InBatch { source, .. } => source.known(),
            Self::InvalidArgs(_) => (
                "invalid_args",
                "correct the args: the same job would be refused again",
            ),
            Self::InvalidOption(_) => (
                "invalid_option",
                "correct the option: the same call would be refused again",
            ),
            Self::KeyTaken { .. } => KEY_TAKEN,
            Self::KeyTwice { .. } => ("key_twice", "give each job a key of its own"),
            Self::InvalidName(_) => (
                "invalid_name",
                "use the namespace of the workers' configuration (redis.namespace)",
            ),
            Self::Away { .. } => (
                "redis_away",
                "call again in a moment, or tell the user to; check that Redis runs",
            ),
            Self::NotCopied { .. } => (
                "not_copied",
                "do not enqueue the jobs again without keys: look at the replicas, and ask for the jobs by their ids",
            ),
            Self::Interrupted { .. } => (
                "interrupted",
                "enqueue the jobs again that were not accepted; with the same keys none of them doubles",
            ),
            Self::StillRunning { .. } => ("still_running", "wait again, or look at it later"),
            Self::NotFound { .. } => (
                "not_found",
                "check the id: ended jobs are forgotten after the queue's completed_seconds",
            ),
            Self::Queue(source) => of_redis(source),
        }
    }
}

const KEY_TAKEN: (&str, &str) = ("key_taken", "use another key for another job");

/// The code of what Redis said, and what to do about it.
fn of_redis(error: &QueueError) -> (&'static str, &'static str) {
    match error {
        QueueError::Unreachable { .. } => (
            "redis_unreachable",
            "check that Redis runs and can be reached from here; call again with the same key",
        ),
        QueueError::Passing { .. } => (
            "redis_not_ready",
            "call again in a moment with the same key; if it stays so, `longshore doctor` says why",
        ),
        QueueError::Address(_) => ("redis_address", "correct the URL, or what is set beside it"),
        QueueError::NoEntry { .. } => (
            "redis_no_entry",
            "check the user and the password, and that a Redis listens there",
        ),
        QueueError::Refused { .. } => (
            "redis_refused",
            "look at Redis's own words: `longshore doctor` says what it lacks",
        ),
        QueueError::NotCopied { .. } => (
            "not_copied",
            "look at the replicas: `longshore doctor` says how many there are",
        ),
        QueueError::Layout { .. } => (
            "redis_layout",
            "use the version of this library that the workers have, or another namespace",
        ),
        QueueError::KeyTaken(_) => KEY_TAKEN,
        QueueError::Full { .. } => ("queue_full", "call again later, or let fewer jobs wait"),
        QueueError::Unexpected(_) => (
            "redis_unexpected",
            "another program writes to these keys: `longshore doctor` names them",
        ),
    }
}

/// Why it was not seen whether a job has ended.
fn unseen(source: Option<&QueueError>) -> String {
    source.map_or_else(String::new, |source| format!("; at last {source}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_it_says_what_to_do() {
        let error = ClientError::Queue(QueueError::Unreachable {
            server: "127.0.0.1:6379".to_owned(),
            reason: "Connection refused (os error 111)".to_owned(),
        });
        assert_eq!(
            format!("{error:?}"),
            "Redis at 127.0.0.1:6379 cannot be reached: Connection refused (os error 111); check that Redis runs and can be \
             reached from here; call again with the same key"
        );
    }
}
