//! Where a client's jobs go.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Enqueued, Key, Link, NewJob, Queue, QueueError, RawId, Rescheduled, RunAt, Signed,
};
use tokio::time::{Instant, sleep};

use crate::waiting::Waiting;
use crate::{ClientError, JobStatus};

/// How long an enqueue is repeated while Redis is away.
///
/// Must stay under the ten seconds for which a completed job is always kept: then a repeated enqueue finds its id.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Longer than any queue keeps ended jobs.
const FOR_GOOD: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

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
    Redis(Arc<Queue>),
    Sink(&'a dyn Sink, &'a str),
}

impl Target<'_> {
    /// How many jobs go into one call.
    pub(crate) fn most_jobs(&self) -> usize {
        match self {
            Self::Redis(_) => CHUNK,
            Self::Sink(..) => usize::MAX,
        }
    }

    /// Looks whether keys are free or stand for the same args, before the first of several calls.
    pub(crate) async fn check_keys(&self, jobs: &[NewJob]) -> Result<(), QueueError> {
        match self {
            Self::Redis(queue) => queue.check_keys(jobs).await,
            Self::Sink(..) => Ok(()),
        }
    }

    /// Pushes jobs of one call.
    pub(crate) async fn push(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
        match self {
            Self::Redis(queue) => push(queue, jobs).await,
            Self::Sink(sink, queue) => sink.enqueue(queue, jobs),
        }
    }
}

/// The queues of one namespace.
pub(crate) struct Redis {
    link: Link,
    namespace: Arc<str>,
    /// The queues that were asked for so far. Each is made when a job for it is first enqueued.
    queues: Mutex<HashMap<String, Arc<Queue>>>,
    waiting: Waiting,
}

impl Redis {
    pub(crate) fn new(link: Link, namespace: &str) -> Self {
        Self {
            link,
            namespace: namespace.into(),
            queues: Mutex::default(),
            waiting: Waiting::default(),
        }
    }

    pub(crate) fn with_wait_replicas(&self, replicas: u32) -> Self {
        let link = self.link.clone().with_wait_replicas(replicas);
        Self::new(link, &self.namespace)
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn queue(&self, name: &str) -> Result<Arc<Queue>, ClientError> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name) {
            return Ok(Arc::clone(queue));
        }
        let queue = Arc::new(Queue::new(self.link.clone(), &self.namespace, name)?);
        queues.insert(name.to_owned(), Arc::clone(&queue));
        Ok(queue)
    }

    /// Waits until the job has ended, but not longer than until `give_up`.
    pub(crate) async fn until_ended(
        &self,
        queue: &str,
        id: JobId,
        give_up: Instant,
    ) -> Result<JobStatus, ClientError> {
        let queue = self.queue(queue)?;
        self.waiting.until_ended(&queue, id, give_up).await
    }

    pub(crate) async fn status(&self, id: JobId) -> Result<Option<JobStatus>, ClientError> {
        let raw = RawId::from(id);
        self.first(|queue| {
            let raw = raw.clone();
            async move {
                let job = queue.job(&raw).await?;
                Ok(job.map(|job| JobStatus::of(id, queue.name(), job)))
            }
        })
        .await
    }

    /// The job that has this key.
    pub(crate) async fn find(&self, key: &Key) -> Result<Option<JobId>, ClientError> {
        self.first(|queue| async move { holder(&queue, key).await })
            .await
    }

    /// The job of this queue that has this key.
    pub(crate) async fn holder(
        &self,
        queue: &str,
        key: &Key,
    ) -> Result<Option<JobId>, ClientError> {
        let queue = self.queue(queue)?;
        Ok(holder(&queue, key).await?)
    }

    /// What is found first: where this client enqueues, then in all queues that anybody has enqueued into. What is broken in
    /// one queue says nothing of the others.
    async fn first<T, F>(&self, look: impl Fn(Arc<Queue>) -> F) -> Result<Option<T>, ClientError>
    where
        F: Future<Output = Result<Option<T>, QueueError>>,
    {
        let mut own: Vec<String> = {
            let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            queues.keys().cloned().collect()
        };
        own.sort_unstable();
        let mut names = own.clone().into_iter();
        let (mut asked_others, mut broken) = (false, None);
        loop {
            let Some(name) = names.next() else {
                if !asked_others {
                    asked_others = true;
                    names = self.others(&own).await?.into_iter();
                    continue;
                }
                return broken.map_or(Ok(None), |error: QueueError| Err(error.into()));
            };
            match look(self.queue(&name)?).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) if error.of_one_queue().is_some() => broken = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The queues that somebody else has enqueued into. `own` is in order.
    async fn others(&self, own: &[String]) -> Result<Vec<String>, ClientError> {
        let mut others = match self.link.registered_queues(&self.namespace).await {
            Ok(others) => others,
            // A producer may be one that is not let in there.
            Err(QueueError::Refused { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        others.retain(|name| own.binary_search(name).is_err());
        Ok(others)
    }

    pub(crate) async fn cancel(
        &self,
        id: JobId,
        signed: &Signed,
    ) -> Result<Cancelled, ClientError> {
        let Some(found) = self.status(id).await? else {
            return Ok(Cancelled::Unknown);
        };
        // How long ended jobs are kept is the workers' to say: none is forgotten because of this call.
        let queue = Queue::clone(&*self.queue(&found.queue)?);
        let queue = queue.with_retention(FOR_GOOD).with_cancelled_bytes(0);
        let came = queue.cancel(&[id.into()], false, signed).await?;
        Ok(came.first().copied().unwrap_or(Cancelled::Unknown))
    }

    pub(crate) async fn reschedule(
        &self,
        id: JobId,
        when: RunAt,
        signed: &Signed,
    ) -> Result<Rescheduled, ClientError> {
        let Some(found) = self.status(id).await? else {
            return Ok(Rescheduled::Unknown);
        };
        let queue = self.queue(&found.queue)?;
        Ok(queue.reschedule(&id.into(), when, signed).await?)
    }
}

async fn holder(queue: &Queue, key: &Key) -> Result<Option<JobId>, QueueError> {
    let holder = queue.holder(key).await?;
    Ok(holder.and_then(|id| id.job_id()))
}

/// Pushes, and repeats while Redis, or its replicas, are away: a known id is left as it is, so nothing doubles.
async fn push(queue: &Queue, jobs: &[NewJob]) -> Result<Vec<Enqueued>, QueueError> {
    let give_up = Instant::now() + GIVE_UP_AFTER;
    let mut wait = Duration::from_millis(50);
    let mut too_few = None;
    loop {
        match tokio::time::timeout_at(give_up, queue.enqueue(jobs)).await {
            Ok(Err(error)) if error.may_pass() && Instant::now() + wait < give_up => {
                too_few = Some(error).filter(|error| matches!(error, QueueError::NotCopied { .. }));
                sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(1));
            }
            Ok(answer) => return answer,
            // Redis took it, and then it was its replicas that were waited for.
            Err(_) => {
                return Err(too_few.unwrap_or_else(|| QueueError::Unreachable {
                    server: queue.link().server().to_owned(),
                    reason: format!("no answer within {} s", GIVE_UP_AFTER.as_secs()),
                }));
            }
        }
    }
}
