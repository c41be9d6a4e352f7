//! Jobs that do as told, and who saw them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_job::{InvalidArgs, Job};
use longshore_sandbox::RedisServer;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::{Deserialize, Serialize};

/// The args of a job: its number in the trial.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The number.
    pub n: u32,
}

impl Job for Probe {
    const KIND: &'static str = "probe";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// What the jobs of a trial do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Nothing, well.
    Nothing,
    /// A call to a slow provider: waits so long, without using the processor.
    Takes(Duration),
    /// Fails, and may be tried again.
    Fails,
    /// Fails, and asks to be tried again after so long.
    AsksToWait(Duration),
}

/// The jobs of a trial: what they do, and how often each was run.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// What they do.
    pub does: Does,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    started: BTreeMap<u32, u32>,
    finished: BTreeMap<u32, u32>,
}

impl Jobs {
    /// Jobs that do this.
    #[must_use]
    pub fn that(does: Does) -> Self {
        Self {
            does,
            seen: Arc::default(),
        }
    }

    /// One run of job `n`.
    pub async fn run(&self, n: u32) {
        *self.seen().started.entry(n).or_default() += 1;
        if let Does::Takes(time) = self.does {
            tokio::time::sleep(time).await;
        }
        *self.seen().finished.entry(n).or_default() += 1;
    }

    /// How many runs were started.
    #[must_use]
    pub fn started(&self) -> u32 {
        self.seen().started.values().sum()
    }

    /// How many runs went to their end.
    #[must_use]
    pub fn finished(&self) -> u32 {
        self.seen().finished.values().sum()
    }

    /// How many jobs were started exactly `times` times.
    #[must_use]
    pub fn ran(&self, times: u32) -> usize {
        let seen = self.seen();
        seen.started.values().filter(|runs| **runs == times).count()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A Redis of its own, and jobs.
#[derive(Debug)]
pub struct Trial {
    /// The Redis.
    pub redis: RedisServer,
    /// The jobs.
    pub jobs: Jobs,
}

impl Trial {
    /// A trial with jobs that do this.
    ///
    /// # Panics
    /// When no Redis can be started.
    #[must_use]
    pub fn new(does: Does) -> Self {
        Self {
            redis: RedisServer::start().expect("a private Redis starts"),
            jobs: Jobs::that(does),
        }
    }

    /// A connection. It is more patient than the one of `apalis_redis::connect`, which gives up after 500 ms, so
    /// that a slow machine decides no trial.
    ///
    /// # Panics
    /// When the trial's Redis does not answer.
    pub async fn connect(&self) -> ConnectionManager {
        let patient = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(10)))
            .set_response_timeout(Some(Duration::from_secs(10)));
        let client = redis::Client::open(self.redis.url()).expect("a good URL");
        client
            .get_connection_manager_with_config(patient)
            .await
            .expect("the private Redis answers")
    }

    /// Asks the trial's Redis a question whose answer is a number.
    ///
    /// # Panics
    /// When it does not answer with one.
    pub async fn number(&self, command: &[&str]) -> u64 {
        let (name, args) = command.split_first().expect("a command has a name");
        let mut connection = self.connect().await;
        redis::cmd(name)
            .arg(args)
            .query_async(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}
