use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Job, JobId, Prepared};
use longshore_queue::{
    Address, Enqueued, EnqueuedBy, Key, Link, LinkOptions, NewJob, Queue, QueueError,
};

use crate::target::{Redis, Sink, Target, To};
use crate::{ClientError, Enqueue, EnqueueOptions};

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
