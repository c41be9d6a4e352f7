//! What a run can remember beyond its own end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use crate::{Answer, InvalidArgs, JobError, JobId, Prepared, Scope};

/// How long a job waits when the memory could not be asked and it may not go on without.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// An answer of the [`Memory`], on its way.
pub type Recalling<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unremembered>> + Send + 'a>>;

/// What the whole fleet remembers for the runs of one queue. The worker implements it.
///
/// Times are by the fleet's one clock, not by this machine's.
pub trait Memory: Send + Sync {
    /// What is known of the job's earlier requests. Only of use to a run that
    /// [may have been sent](crate::Run::may_have_been_sent).
    fn earlier(&self) -> Recalling<'_, Earlier>;

    /// Notes that this message, by the provider's id, was sent for this job, so that news of its delivery finds the job.
    /// `false` when the message belongs to another job; then nothing is noted.
    fn own<'a>(&'a self, message: &'a str) -> Recalling<'a, bool>;

    /// What was kept under this key, by any job of the queue.
    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>>;

    /// Keeps this under this key for so long.
    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()>;

    /// Keeps this under this key for so long, as an answer that can be asked for again: it may be forgotten sooner, when
    /// there are many.
    fn cache<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()> {
        self.keep(key, value, time)
    }

    /// Keeps this under this key for so long, unless something is kept under it; returns what is.
    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        time: Duration,
    ) -> Recalling<'a, Vec<u8>>;

    /// How far an earlier run of this job, or this one, has come.
    fn checkpoint(&self) -> Recalling<'_, Option<serde_json::Value>>;

    /// Keeps how far this job has come; operators see of it what its kind calls public
    /// ([`Job::PUBLIC_PROGRESS`](crate::Job::PUBLIC_PROGRESS)). `false` when the
    /// job is no longer this run's: then nothing is kept, and the run is about to be dropped.
    fn save<'a>(&'a self, checkpoint: &'a serde_json::Value) -> Recalling<'a, bool>;

    /// What a key of a map stands for. Maps are for good: which user is which customer.
    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> Recalling<'a, Option<String>>;

    /// Lets a key of a map stand for a value, unless it stands for one already; returns what it stands for.
    fn assign<'a>(&'a self, map: &'a str, key: &'a str, value: &'a str) -> Recalling<'a, String>;
}

/// Where a run puts jobs that follow from it. The worker implements it.
pub trait Outbox: Send + Sync {
    /// Checks and encodes a job of a kind that the run's own integration knows by name only. `args` is JSON.
    ///
    /// # Errors
    /// When this program does not know the kind, or when they are not its args.
    fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs>;

    /// Enqueues a job. A run may be repeated: with the same key the job is enqueued once. The key holds while the job
    /// waits, runs or is dead, and at least for `key_holds` from its enqueue.
    fn enqueue<'a>(
        &'a self,
        job: Prepared,
        key: &'a str,
        key_holds: Duration,
    ) -> Sending<'a, JobId>;
}

/// An answer of the [`Outbox`], on its way.
pub type Sending<'a, T> = Pin<Box<dyn Future<Output = Result<T, NotEnqueued>> + Send + 'a>>;

/// A job that follows from a run was not enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEnqueued {
    /// The queue could not be asked.
    #[error(transparent)]
    Unremembered(#[from] Unremembered),
    /// Its key stands for a job with other args. It will do so again.
    #[error("the key of a job that follows stands for {holder}, which has other args")]
    KeyTaken {
        /// The job that has the key.
        holder: JobId,
    },
}

/// The job waits where the queue could not be asked; a key that is taken is refused.
impl From<NotEnqueued> for JobError {
    fn from(error: NotEnqueued) -> Self {
        match error {
            NotEnqueued::Unremembered(error) => error.into(),
            NotEnqueued::KeyTaken { .. } => Self::permanent(error.to_string()),
        }
    }
}

/// What is known of the requests that earlier runs of a job may have made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// None of them went out before this.
    pub after: SystemTime,
    /// None of them went out after this.
    pub before: SystemTime,
    /// What time it is.
    pub now: SystemTime,
    /// The message that was noted with [`Memory::own`], or that news of a delivery came for: then it was sent.
    pub message: Option<String>,
}

/// The fleet's memory could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fleet's memory cannot be asked: {0}")]
pub struct Unremembered(pub String);

/// The job waits, at the cost of no attempt.
impl From<Unremembered> for JobError {
    fn from(error: Unremembered) -> Self {
        Self::Throttled {
            retry_after: ASK_AGAIN,
            scope: Scope::Job,
            reason: error.to_string(),
            answer: Answer::default().quoting_nothing(),
        }
    }
}

impl fmt::Debug for dyn Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
