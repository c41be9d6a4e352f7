use std::fmt;
use std::sync::Arc;

use longshore_job::{Job, JobId, Prepared};
use longshore_queue::{Address, Enqueued, EnqueuedBy, Link, Queue};

use crate::batch::ids;
use crate::one_queue::Patience;
use crate::redis::Redis;
use crate::target::{Sink, Target, To};
use crate::trace::TraceContext;
use crate::{Batch, ClientBuilder, ClientError, Enqueue, EnqueueOptions};

/// A producer's connection to Longshore. Cheap to clone; clones share one connection, which is opened when first
/// needed and opened again when it breaks.
#[derive(Clone)]
pub struct Client {
    pub(crate) to: To,
    pub(crate) by: Option<EnqueuedBy>,
    pub(crate) trace: Option<TraceContext>,
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
        Self::builder(address).namespace(namespace).build()
    }

    /// Begins a client with settings of its own, at a URL or an [`Address`]: how long calls may take, and what they do while
    /// Redis is away.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use longshore_client::{Client, ClientError};
    /// let client = Client::builder("redis://10.0.0.7:6379")
    ///     .name("shop")
    ///     .give_up_after(Duration::from_millis(300))
    ///     .fail_fast(true)
    ///     .build()?;
    /// # Ok::<_, ClientError>(())
    /// ```
    pub fn builder(address: impl Into<Address>) -> ClientBuilder {
        ClientBuilder::new(address.into())
    }

    /// A client that uses an existing connection, in this namespace.
    ///
    /// # Errors
    /// When the namespace is not valid.
    pub fn over(link: &Link, namespace: &str) -> Result<Self, ClientError> {
        Self::patiently(link, namespace, Patience::default())
    }

    pub(crate) fn patiently(
        link: &Link,
        namespace: &str,
        patience: Patience,
    ) -> Result<Self, ClientError> {
        // Any name will do: it is the namespace that is checked.
        Queue::new(link.clone(), namespace, "any")?;
        Ok(Self {
            to: To::Redis(Redis::new(link.clone(), namespace, patience).into()),
            by: None,
            trace: None,
        })
    }

    /// A client whose jobs go to `sink` instead of Redis, for tests of producers.
    #[must_use]
    pub fn over_sink(sink: Arc<dyn Sink>) -> Self {
        Self {
            to: To::Sink(sink),
            by: None,
            trace: None,
        }
    }

    /// Changes the client so that a job is accepted only once this many replicas of Redis have it. Use the value of
    /// `redis.wait_replicas` in the workers' configuration. With all of them, a failover loses no accepted job. If too few
    /// replicas have the job when the call gives up, it fails with [`ClientError::NotCopied`].
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

    /// Enqueues many jobs of one kind, without options. All are checked before the first is enqueued. Returns their ids, in order.
    ///
    /// # Errors
    /// As [`Batch::send`].
    pub async fn enqueue_all<J: Job>(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Result<Vec<JobId>, ClientError> {
        let mut batch = self.batch();
        for job in jobs {
            batch.add(job);
        }
        Ok(ids(batch.send().await?))
    }

    /// Begins to enqueue many jobs, of any kinds, each with options of its own.
    ///
    /// ```no_run
    /// # use longshore_client::{Client, ClientError, kinds::{SendEmail, SendSms}};
    /// # async fn example(client: &Client) -> Result<(), ClientError> {
    /// let mut batch = client.batch();
    /// batch.add(SendEmail::new("welcome", "ada@example.com")).key("welcome-7");
    /// batch.add(SendSms::new("+4790000000", "Your parcel is here.")).tag("parcels");
    /// let enqueued = batch.send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Enqueues jobs that were checked before, of any kinds. For producers that get args as text.
    ///
    /// # Errors
    /// As [`Batch::send`].
    pub async fn enqueue_prepared(
        &self,
        jobs: impl IntoIterator<Item = (Prepared, EnqueueOptions)>,
    ) -> Result<Vec<Enqueued>, ClientError> {
        let mut batch = self.batch();
        for (job, options) in jobs {
            *batch.add_prepared(job) = options;
        }
        batch.send().await
    }

    /// Where jobs of this queue go.
    pub(crate) fn target(&self, queue: &str) -> Result<Target<'_>, ClientError> {
        Ok(match &self.to {
            To::Redis(redis) => Target::Redis(redis.queue(queue)?),
            To::Sink(sink) => Target::Sink(&**sink, queue.to_owned()),
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
