//! What a producer asks about its jobs, and does to them after they were enqueued.

use std::future::Future;
use std::time::Duration;

use longshore_job::{Job, JobId, Prepared};
use longshore_queue::{Cancelled, Enqueued, EnqueuedBy, Key, Rescheduled, RunAt, Signed};
use tokio::time::{Instant, sleep};

use crate::options::check_time;
use crate::target::To;
use crate::waiting::Listening;
use crate::{Client, ClientError, EnqueueOptions, JobStatus};

/// Nobody waits longer.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

impl Client {
    /// What became of a job. `None` if no queue knows the job, or knows it no longer: a completed job is forgotten after its
    /// queue's `completed_seconds`.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn status(&self, id: JobId) -> Result<Option<JobStatus>, ClientError> {
        match &self.to {
            To::Redis(redis) => redis.status(id).await,
            To::Sink(sink) => Ok(sink.status(id)?),
        }
    }

    /// The job of this kind that holds this idempotency key; `None` while the key is free. It may have ended, and be
    /// forgotten: a key holds for 24 hours at least. For a kind with several queues ([`Job::ONE_QUEUE`]) all queues are looked
    /// through.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find<J: Job>(&self, key: &str) -> Result<Option<JobId>, ClientError> {
        match &self.to {
            To::Redis(redis) if J::ONE_QUEUE => {
                redis.holder(J::QUEUE, &Key::new(J::KIND, key)).await
            }
            To::Redis(redis) => redis.find(&Key::new(J::KIND, key)).await,
            To::Sink(sink) => Ok(sink.find(J::KIND, key)?),
        }
    }

    /// The same for a kind whose Rust type is not at hand. All queues are looked through.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn find_by_name(&self, kind: &str, key: &str) -> Result<Option<JobId>, ClientError> {
        match &self.to {
            To::Redis(redis) => redis.find(&Key::new(kind, key)).await,
            To::Sink(sink) => Ok(sink.find(kind, key)?),
        }
    }

    /// Takes a job back, and says what came of it. A job that waits is cancelled, and its idempotency key is free. A job that runs is
    /// asked to stop ([`Cancelled::Asked`]): it stops before its next request, and [`Client::status`] or [`Client::wait`] says
    /// what it came to. A job that may have been sent is left alone ([`Cancelled::MayHaveBeenSent`]). `reason` is kept in the
    /// job's history and in the queue's audit.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. The call can be repeated.
    pub async fn cancel(&self, id: JobId, reason: &str) -> Result<Cancelled, ClientError> {
        match &self.to {
            To::Redis(redis) => redis.cancel(id, &self.signed(reason)).await,
            To::Sink(sink) => Ok(sink.cancel(id)?),
        }
    }

    /// Makes a job that waits (pending, scheduled or retryable) due at another time: a [`Duration`] from now by Redis's clock, or
    /// at a [`SystemTime`](std::time::SystemTime). A time in the past means at once. Its expiry counts from then. `reason` is kept in
    /// the queue's audit.
    ///
    /// # Errors
    /// When the time is more than a hundred years away, or Redis cannot be reached or refuses. The call can be repeated.
    pub async fn reschedule(
        &self,
        id: JobId,
        when: impl Into<RunAt>,
        reason: &str,
    ) -> Result<Rescheduled, ClientError> {
        let when = when.into();
        check_time(when)?;
        match &self.to {
            To::Redis(redis) => redis.reschedule(id, when, &self.signed(reason)).await,
            To::Sink(sink) => Ok(sink.reschedule(id, when)?),
        }
    }

    /// Enqueues a job and waits until it has completed, died or was cancelled, but at most for `timeout`. For jobs that a user
    /// waits for: the end is told by whoever writes it, over one connection for all that this client waits for. After
    /// `timeout` the job stays in its queue, unless it has an expiry. [`JobStatus::private_result`] has what only who waits is told.
    ///
    /// # Errors
    /// When the job is refused, when Redis is away while it is enqueued, or when the job has not ended in time
    /// ([`ClientError::StillRunning`]).
    pub async fn enqueue_and_wait<J: Job>(
        &self,
        job: J,
        timeout: Duration,
    ) -> Result<JobStatus, ClientError> {
        self.enqueue(job).and_wait(timeout).await
    }

    /// Enqueues a job that was checked before, as [`Client::enqueue_prepared`] does. Returns whether it is new, and a future that
    /// waits for its end as [`Client::enqueue_and_wait`] does. `timeout` is for both.
    ///
    /// # Errors
    /// When the job is not accepted.
    pub async fn enqueue_prepared_and_listen(
        &self,
        job: Prepared,
        options: &EnqueueOptions,
        timeout: Duration,
    ) -> Result<
        (
            Enqueued,
            impl Future<Output = Result<JobStatus, ClientError>> + Send,
        ),
        ClientError,
    > {
        let give_up = deadline(timeout);
        let (job, queue) = self.checked(job, options)?;
        let listening = match &self.to {
            To::Redis(redis) => Some(redis.listen(&queue, job.id, give_up).await?),
            To::Sink(_) => None,
        };
        let enqueued = self.push_one(&queue, &job).await?;
        let listening = listening.filter(|_| enqueued.id == job.id);
        let id = enqueued.id;
        let ended = async move { self.until_ended(&queue, id, give_up, listening).await };
        Ok((enqueued, ended))
    }

    /// Waits until a job that was enqueued before, by whomever, has completed, died or was cancelled, but at most for `timeout`. For
    /// a job with options, or of a request that was repeated with the same key. As [`Client::enqueue_and_wait`] does.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when no queue knows the job, at once. [`ClientError::StillRunning`] when it has not ended in
    /// time. When Redis is away as the wait begins.
    pub async fn wait(&self, id: JobId, timeout: Duration) -> Result<JobStatus, ClientError> {
        let give_up = deadline(timeout);
        match self.status(id).await? {
            None => Err(ClientError::NotFound { id }),
            Some(status) if status.has_ended() => Ok(status),
            Some(status) => self.until_ended(&status.queue, id, give_up, None).await,
        }
    }

    /// Who does something to a job, and why.
    fn signed(&self, reason: &str) -> Signed {
        let by = match &self.by {
            Some(EnqueuedBy::Operator(name)) => name.clone(),
            Some(by) => by.to_string(),
            None => "client".to_owned(),
        };
        Signed::new(by, reason)
    }

    async fn until_ended(
        &self,
        queue: &str,
        id: JobId,
        give_up: Instant,
        listening: Option<Listening>,
    ) -> Result<JobStatus, ClientError> {
        let sink = match &self.to {
            To::Redis(redis) => return redis.until_ended(queue, id, give_up, listening).await,
            To::Sink(sink) => sink,
        };
        let mut pause = Duration::from_millis(10);
        loop {
            if let Some(status) = sink.status(id)?
                && status.has_ended()
            {
                return Ok(status);
            }
            if Instant::now() + pause > give_up {
                return Err(ClientError::StillRunning { id, source: None });
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}

/// When to give up. A time that no clock can say is cut.
fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(LONGEST_WAIT)
}
