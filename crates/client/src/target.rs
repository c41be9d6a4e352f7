//! Where a client's jobs go.

use std::sync::Arc;

use longshore_job::JobId;
use longshore_queue::{Cancelled, Enqueued, NewJob, QueueError, Rescheduled, RunAt};

use crate::JobStatus;
use crate::one_queue::{Failed, OneQueue};
use crate::redis::Redis;

/// How many jobs go into one call of Redis.
const CHUNK: usize = 500;

/// Takes a client's jobs instead of Redis, for tests of producers. `longshore-testing` has one that records them. The client has
/// already checked the jobs and their options.
pub trait Sink: Send + Sync {
    /// Takes jobs for one queue, all of them or none.
    ///
    /// # Errors
    /// [`QueueError::KeyTaken`] when a key stands for other args, and whatever else an enqueue into Redis returns.
    fn enqueue(&self, queue: &str, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError>;

    /// Looks whether keys are free or stand for the same args, before the first of several calls.
    ///
    /// # Errors
    /// [`QueueError::KeyTaken`] when one stands for other args.
    fn check_keys(&self, queue: &str, jobs: &[NewJob]) -> Result<(), QueueError>;

    /// What has become of a job; `None` when it is not known.
    ///
    /// # Errors
    /// The error of a Redis that cannot be reached.
    fn status(&self, id: JobId) -> Result<Option<JobStatus>, QueueError>;

    /// The job of this kind that has this idempotency key.
    ///
    /// # Errors
    /// The error of a Redis that cannot be reached.
    fn find(&self, kind: &str, key: &str) -> Result<Option<JobId>, QueueError>;

    /// Takes a job back.
    ///
    /// # Errors
    /// The error of a Redis that cannot be reached.
    fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError>;

    /// Gives a job that waits another time.
    ///
    /// # Errors
    /// The error of a Redis that cannot be reached.
    fn reschedule(&self, id: JobId, when: RunAt) -> Result<Rescheduled, QueueError>;
}

/// Where a client's jobs go.
#[derive(Clone)]
pub(crate) enum To {
    Redis(Arc<Redis>),
    Sink(Arc<dyn Sink>),
}

/// Where the jobs of one queue go.
pub(crate) enum Target<'a> {
    Redis(OneQueue),
    Sink(&'a dyn Sink, String),
}

impl Target<'_> {
    /// How many jobs go into one call.
    pub(crate) fn most_jobs(&self) -> usize {
        match self {
            Self::Redis(..) => CHUNK,
            Self::Sink(..) => usize::MAX,
        }
    }

    /// Looks whether keys are free or stand for the same args, before the first of several calls.
    pub(crate) async fn check_keys(&self, jobs: &[NewJob]) -> Result<(), Failed> {
        match self {
            Self::Redis(queue) => queue.check_keys(jobs).await,
            Self::Sink(sink, queue) => Ok(sink.check_keys(queue, jobs)?),
        }
    }

    /// Pushes jobs of one call.
    pub(crate) async fn push(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Failed> {
        match self {
            Self::Redis(queue) => queue.push(jobs).await,
            Self::Sink(sink, queue) => Ok(sink.enqueue(queue, jobs)?),
        }
    }
}
