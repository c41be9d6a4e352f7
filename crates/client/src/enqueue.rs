use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use longshore_job::{Job, JobId, Prepared, Priority};
use longshore_queue::Enqueued;

use crate::{Client, ClientError, EnqueueOptions, JobStatus};

/// A job about to be enqueued: set options, then await it.
#[derive(Debug)]
#[must_use = "nothing is enqueued until it is awaited"]
pub struct Enqueue<'a, J> {
    client: &'a Client,
    job: J,
    options: EnqueueOptions,
}

impl<'a, J: Job> Enqueue<'a, J> {
    pub(crate) fn new(client: &'a Client, job: J) -> Self {
        Self {
            client,
            job,
            options: EnqueueOptions::default(),
        }
    }

    /// Makes at most one job of its kind with this key. A later job with the same args is not enqueued; the call returns the id
    /// of the first. A later job with other args is refused ([`ClientError::KeyTaken`]). The key holds while its job waits, runs or is
    /// dead. After that it holds until 24 hours after the enqueue, or for as long as completed jobs are kept, whichever is
    /// longer.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.options.key(key);
        self
    }

    /// Runs the job after this time at the earliest, by Redis's clock.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay(delay);
        self
    }

    /// Runs the job at this time at the earliest. A time in the past means at once.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.options.at(time);
        self
    }

    /// Does not start the job later than this after it was due: it is then dead as `expired`. Must be longer than the delay, if
    /// there is one: a shorter one is refused, since it seems to count from now. [`expires_at`](Self::expires_at) names a time instead.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.options.expires_in(life);
        self
    }

    /// Does not start the job at this time or later: it is then dead as `expired`. A reminder that is due an hour before an event
    /// expires at the event. Must be later than now, and than the time at which the job is due; not beside
    /// [`expires_in`](Self::expires_in). It is stored as a time after the job is due: who reschedules the job moves both. By the clock
    /// of this machine, if the job is not due [at a time](Self::at).
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.options.expires_at(time);
        self
    }

    /// Makes the job as urgent as this, whatever its kind says.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority(priority);
        self
    }

    /// Names whose job it is: a customer, a campaign. 1 to 64 characters. Operators see it, so it should name no person.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.options.tenant(tenant);
        self
    }

    /// Adds a tag, by which operators find the job: 1 to 64 characters, at most 10 tags. Operators see it, so it should name no
    /// person.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.options.tag(tag);
        self
    }

    /// Enqueues the job, and says whether its key was taken already.
    ///
    /// # Errors
    /// When the job, its key or an option is refused, or Redis is away until the call gives up. [`ClientError::NotCopied`] when Redis
    /// accepted the job, but too few replicas have it.
    pub async fn send(self) -> Result<Enqueued, ClientError> {
        let prepared = Prepared::new(&self.job)?;
        let (job, queue) = self.client.checked(prepared, &self.options)?;
        self.client.push_one(&queue, &job).await
    }

    /// Enqueues the job and waits until it has ended, but at most for `timeout`, as [`Client::enqueue_and_wait`] does. Where its key
    /// was taken already, the job that has it is waited for.
    ///
    /// # Errors
    /// As [`Client::enqueue_and_wait`].
    pub async fn and_wait(self, timeout: Duration) -> Result<JobStatus, ClientError> {
        let prepared = Prepared::new(&self.job)?;
        let enqueued = self
            .client
            .enqueue_prepared_and_listen(prepared, &self.options, timeout);
        let (_, ended) = enqueued.await?;
        ended.await
    }
}

impl<'a, J: Job> IntoFuture for Enqueue<'a, J> {
    type Output = Result<JobId, ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture
    where
        J: 'a,
    {
        Box::pin(async move { Ok(self.send().await?.id) })
    }
}
