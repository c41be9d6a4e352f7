//! The queues of one namespace in Redis, as a client calls them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Cancelled, Key, Link, Queue, QueueError, RawId, Rescheduled, RunAt, Signed};
use tokio::time::Instant;

use crate::one_queue::{Failed, OneQueue, Patience};
use crate::outage::Outage;
use crate::waiting::{Listening, Waiting};
use crate::{ClientError, JobStatus};

/// Longer than any queue keeps ended jobs.
const FOR_GOOD: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The queues of one namespace.
pub(crate) struct Redis {
    link: Link,
    namespace: Arc<str>,
    /// The queues that were asked for so far. Each is made when a job for it is first enqueued.
    queues: Mutex<HashMap<String, OneQueue>>,
    waiting: Waiting,
    patience: Patience,
    outage: Arc<Outage>,
}

impl Redis {
    pub(crate) fn new(link: Link, namespace: &str, patience: Patience) -> Self {
        Self {
            link,
            namespace: namespace.into(),
            queues: Mutex::default(),
            waiting: Waiting::default(),
            patience,
            outage: Arc::default(),
        }
    }

    pub(crate) fn with_wait_replicas(&self, replicas: u32) -> Self {
        let link = self.link.clone().with_wait_replicas(replicas);
        Self::new(link, &self.namespace, self.patience)
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn queue(&self, name: &str) -> Result<OneQueue, ClientError> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name) {
            return Ok(queue.clone());
        }
        let queue = OneQueue {
            queue: Arc::new(Queue::new(self.link.clone(), &self.namespace, name)?),
            // In a cluster one node may be away, and with it the queues that it has.
            outage: match self.link.is_cluster() {
                true => Arc::default(),
                false => Arc::clone(&self.outage),
            },
            patience: self.patience,
        };
        queues.insert(name.to_owned(), queue.clone());
        Ok(queue)
    }

    /// Listens for a job that is about to be enqueued.
    pub(crate) async fn listen(
        &self,
        queue: &str,
        id: JobId,
        give_up: Instant,
    ) -> Result<Listening, ClientError> {
        let queue = self.queue(queue)?;
        Ok(self.waiting.listen(&queue, id, give_up).await)
    }

    /// Waits until the job has ended, but not longer than until `give_up`.
    pub(crate) async fn until_ended(
        &self,
        queue: &str,
        id: JobId,
        give_up: Instant,
        listening: Option<Listening>,
    ) -> Result<JobStatus, ClientError> {
        let queue = self.queue(queue)?;
        self.waiting
            .until_ended(&queue, id, give_up, listening)
            .await
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
        Ok(queue.once(holder(&queue.queue, key)).await?)
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
                return broken.map_or(Ok(None), |failed: Failed| Err(failed.into()));
            };
            let queue = self.queue(&name)?;
            match queue.once(look(Arc::clone(&queue.queue))).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(failed) if failed.source.of_one_queue().is_some() => broken = Some(failed),
                Err(failed) => return Err(failed.into()),
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
        let one = self.queue(&found.queue)?;
        let queue = Queue::clone(&one.queue);
        let queue = queue.with_retention(FOR_GOOD).with_cancelled_bytes(0);
        let came = one.once(queue.cancel(&[id.into()], false, signed)).await?;
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
        let one = self.queue(&found.queue)?;
        let raw = RawId::from(id);
        let moved = one.queue.reschedule(&raw, when, signed);
        Ok(one.once(moved).await?)
    }
}

async fn holder(queue: &Queue, key: &Key) -> Result<Option<JobId>, QueueError> {
    let holder = queue.holder(key).await?;
    Ok(holder.and_then(|id| id.job_id()))
}
