//! The others, each as its own documentation says, on the same jobs.

use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::backend::TaskSink;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_redis::{Config, RedisStorage};
use bullmq::options::RedisConnectionOptions;
use bullmq::worker::CancellationToken;
use bullmq::{BulkJob, QueueOptions, WorkerOptions};
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, Script};
use serde_json::{Value, json};

use super::Failure;
use super::load::{Does, Envelope, Load, Meter, PAYLOAD_BYTES};

/// How stock apalis-redis is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Apalis {
    /// As it comes.
    Stock,
    /// No locks, no events, a hundred jobs a fetch, each spawned.
    Lean,
}

/// Runs so many jobs on stock apalis-redis: jobs a second, until Redis has all outcomes.
///
/// Each push goes to its scheduled set, and from 8,000 due jobs on it does not move any more: its jobs are moved to
/// the waiting list beforehand, which costs it nothing.
pub(crate) async fn apalis(how: Apalis, n: usize) -> Result<f64, Failure> {
    let redis = RedisServer::start()?;
    let patient = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(10)))
        .set_response_timeout(Some(Duration::from_secs(10)));
    let mut connection: ConnectionManager = redis::Client::open(redis.url())?
        .get_connection_manager_with_config(patient)
        .await?;
    let config = match how {
        Apalis::Stock => Config::default(),
        Apalis::Lean => Config::default()
            .lock_tasks(false)
            .emit_events(false)
            .batch_size(100),
    };
    let mut storage: RedisStorage<Envelope> =
        RedisStorage::new(connection.clone()).with_config(config.clone());
    let jobs = vec![Envelope::new()?; n];
    for chunk in jobs.chunks(1000) {
        storage.push_bulk(chunk.to_vec()).await?;
        let moving = Script::new(
            "local due = redis.call('ZRANGE', KEYS[1], 0, -1)
             redis.call('DEL', KEYS[1])
             return redis.call('RPUSH', KEYS[2], unpack(due))",
        );
        let _: u64 = moving
            .key(config.scheduled_jobs_set())
            .key(config.active_jobs_list())
            .invoke_async(&mut connection)
            .await?;
    }

    let meter = Meter::new(Does::Nothing, n);
    let counted = Arc::clone(&meter);
    let handler = move |envelope: Envelope| {
        let meter = Arc::clone(&counted);
        async move {
            meter.run(envelope.load()).await;
            Ok::<_, BoxDynError>(json!({ "ok": true }))
        }
    };
    let builder = WorkerBuilder::new("bench")
        .backend(storage)
        .concurrency(100);
    let worker = match how {
        Apalis::Stock => tokio::spawn(builder.build(handler).run()),
        Apalis::Lean => tokio::spawn(builder.parallelize(tokio::spawn).build(handler).run()),
    };
    let link = Link::new(&redis.url(), LinkOptions::default())?;
    let mut count = redis::cmd("SCARD");
    count.arg(config.done_jobs_set());
    let rate = meter.settled_rate(&link, &count).await;
    worker.abort();
    rate
}

/// A private Redis with a queue of BullMQ's on it.
pub(crate) struct BullMq {
    pub(crate) redis: RedisServer,
    connection: RedisConnectionOptions,
    queue: bullmq::Queue,
}

impl BullMq {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let redis = RedisServer::start()?;
        let connection = RedisConnectionOptions::new().url(redis.url());
        let options = QueueOptions {
            connection: connection.clone(),
            ..QueueOptions::default()
        };
        let queue = bullmq::Queue::with_options("load", options).await?;
        Ok(Self {
            redis,
            connection,
            queue,
        })
    }

    /// Enqueues so many jobs.
    pub(crate) async fn fill(&self, n: usize) -> Result<(), Failure> {
        let envelope = serde_json::to_value(Envelope::new()?)?;
        let mut left = n;
        while left > 0 {
            let chunk = left.min(1000);
            let jobs = vec![envelope.clone(); chunk];
            let jobs = jobs.into_iter().map(|data| BulkJob::new("load", data));
            self.queue.add_bulk(jobs.collect()).await?;
            left -= chunk;
        }
        Ok(())
    }

    /// Works off so many jobs with its default worker, 100 at once: jobs a second, until Redis has all outcomes.
    pub(crate) async fn drain(&self, n: usize) -> Result<f64, Failure> {
        let meter = Meter::new(Does::Nothing, n);
        let worker = self.work(&meter).await?;
        let link = Link::new(&self.redis.url(), LinkOptions::default())?;
        let rate = meter.settled_rate(&link, &Self::count()).await;
        worker.close(5000).await?;
        rate
    }

    /// Enqueues one job.
    pub(crate) async fn add_one(&self) -> Result<(), Failure> {
        self.queue.add("load", Envelope::new()?).await?;
        Ok(())
    }

    /// Asks how many have completed.
    pub(crate) fn count() -> Cmd {
        let mut count = redis::cmd("ZCARD");
        count.arg("bull:load:completed");
        count
    }

    /// Starts its default worker, 100 jobs at once.
    pub(crate) async fn work(&self, meter: &Arc<Meter>) -> Result<bullmq::Worker, Failure> {
        let load = Load::new(PAYLOAD_BYTES, 0)?;
        let counted = Arc::clone(meter);
        let processor = move |_: bullmq::Job, _: CancellationToken| {
            let (meter, load) = (Arc::clone(&counted), load.clone());
            async move {
                meter.run(&load).await;
                Ok::<Value, bullmq::Error>(json!({ "ok": true }))
            }
        };
        let options = WorkerOptions {
            connection: self.connection.clone(),
            concurrency: 100,
            ..WorkerOptions::default()
        };
        Ok(bullmq::Worker::with_options("load", processor, options).await?)
    }
}
