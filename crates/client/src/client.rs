use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{Job, JobId, Prepared, Priority};
use longshore_queue::{
    Address, Cancelled, Enqueued, EnqueuedBy, InvalidLabel, Key, Link, LinkOptions, NewJob, Queue,
    QueueError, RunAt, check_labels,
};
use tokio::time::{Instant, sleep};

use crate::target::{Redis, Sink, Target, To};
use crate::{ClientError, Enqueue, JobStatus};

/// A producer's connection to Longshore. Cheap to clone; clones share one connection, which is opened when first
/// needed and opened again when it breaks.
#[derive(Clone)]
pub struct Client {
    pub(crate) to: To,
    pub(crate) by: Option<EnqueuedBy>,
}

impl Client {
    /// A client of the Redis at `url`, in the namespace `longshore`: `redis://[user:password@]host[:port][/db]`, `rediss://`
    /// for TLS, or `unix:///path`. [`Client::connect`] takes everything else.
    ///
    /// # Errors
    /// When the URL is not a Redis URL. The connection is opened later, when it is first needed.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        Self::in_namespace(url, "longshore")
    }

    /// A client of the Redis at `url`, in this namespace. It must be the `redis.namespace` of the workers' configuration.
    ///
    /// # Errors
    /// When the URL is not a Redis URL, or the namespace is not valid.
    pub fn in_namespace(url: &str, namespace: &str) -> Result<Self, ClientError> {
        Self::connect(Address::new(url), namespace)
    }

    /// A client of the Redis at this address, in this namespace: Redis behind Sentinels, a cluster, a server with an authority
    /// of its own. The connection is opened later, when it is first needed.
    ///
    /// # Errors
    /// When the address does not fit together, a file that it names cannot be used, or the namespace is not valid.
    pub fn connect(address: Address, namespace: &str) -> Result<Self, ClientError> {
        let options = LinkOptions {
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
        };
        Self::over(&Link::open_later(address, options)?, namespace)
    }

    /// A client that uses an existing connection, in this namespace.
    ///
    /// # Errors
    /// When the namespace is not valid.
    pub fn over(link: &Link, namespace: &str) -> Result<Self, ClientError> {
        // Any name will do: it is the namespace that is checked.
        Queue::new(link.clone(), namespace, "any")?;
        Ok(Self {
            to: To::Redis(Redis::new(link.clone(), namespace).into()),
            by: None,
        })
    }

    /// A client whose jobs go to `sink` instead of Redis, for tests of producers.
    #[must_use]
    pub fn over_sink(sink: Arc<dyn Sink>) -> Self {
        Self {
            to: To::Sink(sink),
            by: None,
        }
    }

    /// Changes the client so that a job is accepted only once this many replicas of Redis have it. Use the value of
    /// `redis.wait_replicas` in the workers' configuration. A failover then loses no accepted job. If too few replicas have
    /// the job after five seconds, the call fails with [`ClientError::NotCopied`].
    #[must_use]
    pub fn with_wait_replicas(self, replicas: u32) -> Self {
        let to = match self.to {
            To::Redis(redis) => To::Redis(redis.with_wait_replicas(replicas).into()),
            sink @ To::Sink(_) => sink,
        };
        Self { to, ..self }
    }

    /// Begins to enqueue a job. Set options on the returned value, then await it.
    pub fn enqueue<J: Job>(&self, job: J) -> Enqueue<'_, J> {
        Enqueue::new(self, job)
    }

    /// Enqueues many jobs of one kind. All are checked before the first is enqueued. Returns their ids, in order.
    ///
    /// # Errors
    /// When a job is refused; then nothing is enqueued. When Redis goes away half way: [`ClientError::Interrupted`] says
    /// which jobs were enqueued.
    pub async fn enqueue_all<J: Job>(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Result<Vec<JobId>, ClientError> {
        let prepared = jobs
            .into_iter()
            .map(|job| Prepared::new(&job))
            .collect::<Result<Vec<_>, _>>()?;
        let jobs = prepared
            .into_iter()
            .map(|prepared| self.new_job(prepared, &EnqueueOptions::default()))
            .collect();
        let enqueued = self.push_all(J::QUEUE, jobs).await?;
        Ok(enqueued.into_iter().map(|enqueued| enqueued.id).collect())
    }

    /// Enqueues checked jobs of one queue, in order, 500 per call of Redis. For producers that get their args as text.
    ///
    /// # Errors
    /// When a job is refused; then nothing is enqueued. When Redis goes away half way: [`ClientError::Interrupted`] says
    /// which jobs were enqueued.
    pub async fn enqueue_prepared(
        &self,
        queue: &str,
        jobs: Vec<(Prepared, EnqueueOptions)>,
    ) -> Result<Vec<Enqueued>, ClientError> {
        for (_, options) in &jobs {
            options.check()?;
        }
        let jobs = jobs
            .into_iter()
            .map(|(prepared, options)| self.new_job(prepared, &options))
            .collect();
        self.push_all(queue, jobs).await
    }

    async fn push_all(&self, queue: &str, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, ClientError> {
        twice(&jobs)?;
        let target = self.target(queue)?;
        let keyed = jobs.iter().any(|job| job.key.is_some());
        if keyed && jobs.len() > target.most_jobs() {
            // A key that is taken is to be found before the first of many calls.
            target.check_keys(&jobs).await?;
        }
        let mut enqueued: Vec<Enqueued> = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(target.most_jobs()) {
            match target.push(chunk).await {
                Ok(answers) => enqueued.extend(answers),
                Err(source) if enqueued.is_empty() => return Err(not_pushed(chunk, source)),
                Err(source) => {
                    let accepted = enqueued.into_iter().map(|enqueued| enqueued.id).collect();
                    return Err(ClientError::Interrupted { accepted, source });
                }
            }
        }
        Ok(enqueued)
    }

    /// Where jobs of this queue go.
    pub(crate) fn target<'a>(&'a self, queue: &'a str) -> Result<Target<'a>, ClientError> {
        Ok(match &self.to {
            To::Redis(redis) => Target::Redis(redis.queue(queue)?),
            To::Sink(sink) => Target::Sink(&**sink, queue),
        })
    }

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

    /// Takes a job back, and says what came of it. A job that waits is cancelled, and its idempotency key is free. A job that runs is
    /// asked to stop ([`Cancelled::Asked`]): it stops before its next request, and [`Client::status`] or [`Client::wait_for`] says
    /// what it came to. A job that may have been sent is left alone ([`Cancelled::MayHaveBeenSent`]). `reason` is kept in the
    /// job's history and in the queue's audit.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses. The call can be repeated.
    pub async fn cancel(&self, id: JobId, reason: &str) -> Result<Cancelled, ClientError> {
        match &self.to {
            To::Redis(redis) => redis.cancel(id, reason).await,
            To::Sink(sink) => Ok(sink.cancel(id)?),
        }
    }

    /// Enqueues a job and waits until it has completed, died or was cancelled, but at most for `timeout`. For jobs that a user
    /// waits for: the end is told by whoever writes it, over one connection for all that this client waits for. After
    /// `timeout` the job stays in its queue, unless it has an expiry.
    ///
    /// # Errors
    /// When the job is refused, when Redis is away, or when the job has not ended in time ([`ClientError::StillRunning`]).
    pub async fn enqueue_and_wait<J: Job>(
        &self,
        job: J,
        timeout: Duration,
    ) -> Result<JobStatus, ClientError> {
        let give_up = Instant::now() + timeout;
        let id = self.enqueue(job).await?;
        self.until_ended(J::QUEUE, id, give_up).await
    }

    /// Waits for a job of this kind that was enqueued before, by whomever: with options, or by a request that was repeated with
    /// the same key. As [`Client::enqueue_and_wait`] does.
    ///
    /// # Errors
    /// When Redis is away, or when the job has not ended in time ([`ClientError::StillRunning`]); also when it is not known.
    pub async fn wait_for<J: Job>(
        &self,
        id: JobId,
        timeout: Duration,
    ) -> Result<JobStatus, ClientError> {
        let give_up = Instant::now() + timeout;
        self.until_ended(J::QUEUE, id, give_up).await
    }

    async fn until_ended(
        &self,
        queue: &str,
        id: JobId,
        give_up: Instant,
    ) -> Result<JobStatus, ClientError> {
        let sink = match &self.to {
            To::Redis(redis) => return redis.until_ended(queue, id, give_up).await,
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
                return Err(ClientError::StillRunning { id });
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = match &self.to {
            To::Redis(redis) => redis.namespace(),
            To::Sink(_) => "none: a sink",
        };
        f.debug_struct("Client")
            .field("namespace", &namespace)
            .finish_non_exhaustive()
    }
}

/// How a job is enqueued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// When it may run.
    pub run_at: RunAt,
    /// At most one job of its kind with this key ([`Enqueue::key`]): 1 to 256 bytes.
    pub key: Option<String>,
    /// How long after it is due the job expires: then it is dead as `expired`. `None` = the expiry of its kind. It must be
    /// longer than the delay; a shorter one is refused.
    pub expires_in: Option<Duration>,
    /// How urgent it is ([`Enqueue::priority`]); `None` = as urgent as its kind and its args say.
    pub priority: Option<Priority>,
    /// Whose job it is ([`Enqueue::tenant`]): 1 to 64 characters.
    pub tenant: Option<String>,
    /// What it is found by ([`Enqueue::tag`]): at most 10, of 1 to 64 characters each.
    pub tags: Vec<String>,
}

impl EnqueueOptions {
    /// Whether a job can be enqueued so. Every call that enqueues checks it, before anything is enqueued.
    ///
    /// # Errors
    /// Says which option is wrong, and what would be right.
    pub fn check(&self) -> Result<(), ClientError> {
        /// A hundred years: what lies beyond is a slip.
        const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        if self
            .key
            .as_ref()
            .is_some_and(|key| !(1..=256).contains(&key.len()))
        {
            return Err(ClientError::InvalidOption(
                "key: must be 1 to 256 bytes long",
            ));
        }
        check_labels(self.tenant.as_deref(), &self.tags).map_err(|error| {
            ClientError::InvalidOption(match error {
                InvalidLabel::Tenant => {
                    "tenant: must be 1 to 64 characters without control characters"
                }
                InvalidLabel::Tag => "tag: must be 1 to 64 characters without control characters",
                InvalidLabel::TooManyTags => "tag: a job has at most 10 tags",
            })
        })?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let latest = u64::try_from((now + LONGEST).as_millis()).unwrap_or(u64::MAX);
        if matches!(self.run_at, RunAt::At(at) if at > latest) {
            return Err(ClientError::InvalidOption(
                "at: must be at most a hundred years from now",
            ));
        }
        if matches!(self.run_at, RunAt::In(wait) if wait > LONGEST) {
            return Err(ClientError::InvalidOption(
                "delay: must be at most a hundred years",
            ));
        }
        if self
            .expires_in
            .is_some_and(|life| life.is_zero() || life > LONGEST)
        {
            return Err(ClientError::InvalidOption(
                "expires_in: must be more than 0 and at most a hundred years",
            ));
        }
        let delay = match self.run_at {
            RunAt::Now => Duration::ZERO,
            RunAt::In(wait) => wait,
            RunAt::At(at) => Duration::from_millis(at).saturating_sub(now),
        };
        // It is counted from when the job is due. Whoever gives a shorter one than the delay counts from now, and would get
        // a job that is done long after they gave it up.
        if !delay.is_zero() && self.expires_in.is_some_and(|life| life <= delay) {
            return Err(ClientError::InvalidOption(
                "expires_in: is over before the job is due: leave it out, or make it longer than the delay",
            ));
        }
        Ok(())
    }
}

/// Refuses jobs of one call that have the same key and different args.
fn twice(jobs: &[NewJob]) -> Result<(), ClientError> {
    let mut first: HashMap<&str, (usize, &Key)> = HashMap::new();
    for (place, job) in jobs.iter().enumerate() {
        let Some(key) = &job.key else { continue };
        let (earlier, held) = *first.entry(key.full_name()).or_insert((place, key));
        if held.clashes_with(key) {
            return Err(ClientError::KeyTwice {
                key: key.name().to_owned(),
                places: (earlier, place),
            });
        }
    }
    Ok(())
}

/// Why jobs were not pushed.
pub(crate) fn not_pushed(jobs: &[NewJob], source: QueueError) -> ClientError {
    match source {
        QueueError::NotCopied { .. } => ClientError::NotCopied {
            ids: jobs.iter().map(|job| job.id).collect(),
            source,
        },
        source => source.into(),
    }
}
