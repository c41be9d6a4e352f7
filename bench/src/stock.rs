//! Stock apalis-redis, as a plain apalis program uses it.

use std::fmt;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::backend::TaskSink;
use apalis_core::error::{BoxDynError, RetryAfterError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_redis::{Config, RedisStorage};
use longshore_job::Job;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{Does, Jobs, NEWS, Probe, Trial, eventually};

/// The payload that Longshore's workers read; to apalis it is a type like any other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    kind: String,
    v: u32,
    /// The args.
    pub args: Probe,
}

impl Envelope {
    /// Job number `n`.
    #[must_use]
    pub fn of(n: u32) -> Self {
        Self {
            kind: Probe::KIND.to_owned(),
            v: Probe::VERSION,
            args: Probe { n },
        }
    }
}

/// Its storage over a connection of its own.
pub async fn storage(trial: &Trial, config: Config) -> RedisStorage<Envelope> {
    RedisStorage::new(trial.connect().await).with_config(config)
}

/// Pushes jobs 0 to `n` - 1, to run at once.
///
/// # Panics
/// When Redis does not take them.
pub async fn push(storage: &mut RedisStorage<Envelope>, n: u32) {
    let jobs: Vec<Envelope> = (0..n).map(Envelope::of).collect();
    for chunk in jobs.chunks(1000) {
        storage.push_bulk(chunk.to_vec()).await.expect("pushes");
    }
}

/// Starts a worker with this name and concurrency. The handle says why it ended.
pub fn start(
    storage: &RedisStorage<Envelope>,
    name: &str,
    concurrency: usize,
    jobs: &Jobs,
) -> JoinHandle<Result<(), WorkerError>> {
    let jobs = jobs.clone();
    let worker = WorkerBuilder::new(name)
        .backend(storage.clone())
        .concurrency(concurrency)
        .build(move |envelope: Envelope| {
            let jobs = jobs.clone();
            async move {
                jobs.run(envelope.args.n).await;
                end(jobs.does)
            }
        });
    tokio::spawn(worker.run())
}

/// What such a job ends with, in apalis's words.
///
/// # Errors
/// When that is what it does.
pub fn end(does: Does) -> Result<(), BoxDynError> {
    match does {
        Does::Nothing | Does::Takes(_) => Ok(()),
        Does::Fails => Err(AsAsked.into()),
        Does::AsksToWait(time) => Err(RetryAfterError::new(AsAsked, time).into()),
    }
}

#[derive(Debug)]
struct AsAsked;

impl fmt::Display for AsAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed as asked")
    }
}

impl std::error::Error for AsAsked {}

/// Why a worker ended by itself, as it should not.
///
/// # Panics
/// With the news, when it goes on for another 30 s, or ends well.
pub async fn ended(worker: JoinHandle<Result<(), WorkerError>>) -> String {
    tokio::time::timeout(Duration::from_secs(30), worker)
        .await
        .expect(NEWS)
        .expect("no panic")
        .expect_err(NEWS)
        .to_string()
}

/// Waits until the workers of a trial have asked Redis for nothing for 200 ms: they sleep.
///
/// # Panics
/// When they do not fall asleep within 30 s.
pub async fn asleep(trial: &Trial) {
    let mut redis = trial.connect().await;
    let (mut calls, mut quiet) = (String::new(), 0);
    eventually("the workers sleep", async || {
        let stats: String = redis::cmd("INFO")
            .arg("commandstats")
            .query_async(&mut redis)
            .await
            .expect("Redis answers");
        let scripts = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_evalsha:"));
        let now = scripts.unwrap_or_default().to_owned();
        quiet = if now == calls { quiet + 1 } else { 0 };
        calls = now;
        quiet == 20
    })
    .await;
}
