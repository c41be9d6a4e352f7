//! What a run can remember beyond its own end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use crate::{Answer, InvalidArgs, JobError, JobId, Prepared, Scope};

/// How long a job waits when the memory could not be asked and it may not go on without.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// An answer of the [`Memory`], on its way.
pub type MemoryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unremembered>> + Send + 'a>>;

/// What the whole fleet remembers for the runs of one queue. The worker implements it.
///
/// Times are by the fleet's one clock, not by this machine's.
pub trait Memory: Send + Sync {
    /// What is known of the job's earlier requests. Only of use to a run that
    /// [may have been sent](crate::Run::may_have_been_sent).
    fn earlier_requests(&self) -> MemoryFuture<'_, EarlierRequests>;

    /// Notes that this message, given by the provider's id, was sent for this job, so that delivery updates find the job. Returns
    /// `false` if the message belongs to another job; then nothing is noted.
    fn note_message<'a>(&'a self, message: &'a str) -> MemoryFuture<'a, bool>;

    /// The value stored under this key by any job of the queue.
    fn recall<'a>(&'a self, key: &'a str) -> MemoryFuture<'a, Option<Vec<u8>>>;

    /// Stores a value under this key for this long.
    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> MemoryFuture<'a, ()>;

    /// Stores a value under this key for this long at most, as a cache: it may be forgotten sooner when there are many. Only for
    /// values that can be fetched again.
    fn cache<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> MemoryFuture<'a, ()> {
        self.keep(key, value, time)
    }

    /// Stores a value under this key for this long, unless one is stored already. Returns the stored value.
    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        time: Duration,
    ) -> MemoryFuture<'a, Vec<u8>>;

    /// The checkpoint of this job: how far this run or an earlier one has come.
    fn checkpoint(&self) -> MemoryFuture<'_, Option<serde_json::Value>>;

    /// Stores the job's checkpoint: how far it has come. Operators see the fields that its kind calls public
    /// ([`Job::PUBLIC_PROGRESS`](crate::Job::PUBLIC_PROGRESS)). Returns `false` if the job is no longer this run's: then nothing
    /// is stored, and the run is about to be dropped.
    fn save<'a>(&'a self, checkpoint: &'a serde_json::Value) -> MemoryFuture<'a, bool>;

    /// The value of a key in a map. Maps are kept for ever, such as the one from users to customers.
    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> MemoryFuture<'a, Option<String>>;

    /// Which of these keys, at most some thousand, have a value in a map.
    fn find_which<'a>(&'a self, map: &'a str, keys: &'a [String]) -> MemoryFuture<'a, Vec<bool>> {
        Box::pin(async move {
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                found.push(self.find(map, key).await?.is_some());
            }
            Ok(found)
        })
    }

    /// Sets the value of a key in a map, unless it has one already. Returns the value that the key has then.
    fn assign<'a>(&'a self, map: &'a str, key: &'a str, value: &'a str)
    -> MemoryFuture<'a, String>;
}

/// Where a run puts jobs that follow from it. The worker implements it.
pub trait Outbox: Send + Sync {
    /// Checks and encodes a job of a kind that the run's own integration knows only by name. `args` is JSON.
    ///
    /// # Errors
    /// When this program does not know the kind, or when `args` are not the kind's args.
    fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs>;

    /// Enqueues a job. A run may be repeated: with the same key the job is enqueued once. The key holds while the job
    /// waits, runs or is dead, and at least for `key_holds` from its enqueue.
    fn enqueue<'a>(
        &'a self,
        job: Prepared,
        key: &'a str,
        key_holds: Duration,
    ) -> OutboxFuture<'a, JobId>;
}

/// An answer of the [`Outbox`], on its way.
pub type OutboxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, NotEnqueued>> + Send + 'a>>;

/// A job that follows from a run was not enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEnqueued {
    /// Redis could not be asked.
    #[error(transparent)]
    Unremembered(#[from] Unremembered),
    /// The job's key stands for another job with other args. Trying again does not help.
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
pub struct EarlierRequests {
    /// The earliest time at which one of them may have gone out.
    pub after: SystemTime,
    /// The latest time at which one of them may have gone out.
    pub before: SystemTime,
    /// The time now, by Redis's clock or this machine's, whichever is later.
    pub now: SystemTime,
    /// The message that was noted with [`Memory::note_message`], or for which a delivery update came. If there is one, it was sent.
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
