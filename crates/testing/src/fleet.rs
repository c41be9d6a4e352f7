//! A fleet in the test's own process, on a Redis of its own.

mod left;
mod noted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use longshore_client::Client;
use longshore_job::{Handler, Handlers, Job, KindSpec, Kinds, RetrySchedule};
use longshore_queue::{
    Link, LinkOptions, OnUnknown, Policy, Queue, QueueError, Retention, Selection, Stats,
};
use longshore_sandbox::{RedisServer, RedisServerError};
use longshore_worker::{Fleet, FleetError, FleetOptions, WorkSettings};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

pub use left::{DeadJob, Leftover, Worked};
use noted::{Noting, Runs};

/// Between two looks at the queues.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The namespace that clients and workers have unless told otherwise.
const NAMESPACE: &str = "longshore";

type Add = Box<dyn Fn(Handlers) -> Handlers + Send + Sync>;

/// Why a [`TestFleet`] did not finish its work. `Debug` prints the same text as `Display`, because `expect` and a test that returns an
/// error print it with `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TestFleetError {
    /// No Redis could be started.
    #[error(transparent)]
    Server(#[from] RedisServerError),
    /// Redis refused something, or could not be reached.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The workers ended by themselves.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// Jobs are left.
    #[error("the queues are not empty (given {} s):{}", within.as_secs_f64(), left::listed(left))]
    NotEmpty {
        /// How long the workers ran.
        within: Duration,
        /// What is left, by queue.
        left: Vec<Leftover>,
    },
}

impl fmt::Debug for TestFleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Workers in the test's own process, with their handlers, on a Redis that belongs to the test alone. Enqueue jobs with
/// [`client`](Self::client), then [`run_until_empty`](Self::run_until_empty). It needs the program `redis-server` on the path
/// (or the one that the variable `LONGSHORE_TEST_REDIS_SERVER` names), and a test with several threads:
/// `#[tokio::test(flavor = "multi_thread")]`.
///
/// The workers are the real ones: claims, leases, retries, dead letters, keys. Handlers send real requests, too: give
/// them a stand-in's address. A queue has no provider here, so there are neither limits nor breakers, and a provider's
/// `Retry-After` holds back only its job.
pub struct TestFleet {
    redis: RedisServer,
    link: Link,
    handlers: BTreeMap<&'static str, Vec<Add>>,
    kinds: Vec<KindSpec>,
    policy: Policy,
    runs: Arc<Runs>,
}

impl TestFleet {
    /// Starts a Redis, for a fleet without handlers. The Redis ends when the fleet is dropped.
    ///
    /// # Errors
    /// When no Redis can be started.
    pub fn start() -> Result<Self, TestFleetError> {
        let redis = RedisServer::start()?;
        let link = Link::new(&redis.url(), LinkOptions::default())?;
        Ok(Self {
            redis,
            link,
            handlers: BTreeMap::new(),
            kinds: Vec::new(),
            policy: Policy {
                schedule: RetrySchedule::default(),
                on_unknown: OnUnknown::Hold,
            },
            runs: Arc::default(),
        })
    }

    /// Adds the handler of one kind. The fleet then works the kind's queue.
    #[must_use]
    pub fn with<H: Handler>(mut self, handler: H) -> Self {
        let (handler, runs) = (Arc::new(handler), Arc::clone(&self.runs));
        let add = move |handlers: Handlers| {
            handlers.with(Noting::new(Arc::clone(&handler), Arc::clone(&runs)))
        };
        let queue = self.handlers.entry(H::Job::QUEUE).or_default();
        queue.push(Box::new(add));
        self.knows::<H::Job>()
    }

    /// Adds a kind whose jobs runs can enqueue by its name. Kinds with a handler need not be added.
    #[must_use]
    pub fn knows<J: Job>(mut self) -> Self {
        self.kinds.push(KindSpec::of::<J>());
        self
    }

    /// Sets what follows in every queue where it is not known whether a request was carried out. Unless set, such a job is a
    /// dead letter.
    #[must_use]
    pub fn on_unknown(mut self, rule: OnUnknown) -> Self {
        self.policy.on_unknown = rule;
        self
    }

    /// A client of this Redis, the one that producers use.
    ///
    /// # Panics
    /// Never: the namespace is valid.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::over(&self.link, NAMESPACE).expect("the namespace is a good one")
    }

    /// The address of its Redis, for code that makes a client itself.
    #[must_use]
    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// Starts the workers, lets them work until no job waits, runs or has a retry left in any queue, and stops them. Call it again
    /// after you have enqueued more.
    ///
    /// No time has to pass: once a queue has nothing else to do, its delayed jobs are due at once, and so are retries
    /// and jobs that were put back. `within` ends the wait for a job that never ends, also for one that is put back each time.
    ///
    /// # Errors
    /// [`TestFleetError::NotEmpty`] when work is left after `within`, or as soon as credentials are refused or a queue is
    /// paused. It names what is left. Or when Redis or the workers fail.
    pub async fn run_until_empty(&self, within: Duration) -> Result<Worked, TestFleetError> {
        let (stop, stopped) = mpsc::channel(2);
        let fleet = tokio::spawn(self.fleet()?.run(stopped));
        let looked = tokio::select! {
            looked = self.until_empty(within) => looked,
            () = stop.closed() => Ok(None),
        };
        // Twice: what still runs is cut off.
        for _ in 0..2 {
            // Nobody hears it where the fleet has ended by itself.
            let _ = stop.send(()).await;
        }
        match fleet.await {
            Ok(ended) => drop(ended?),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
        match looked? {
            None => self.worked().await,
            Some(left) => Err(TestFleetError::NotEmpty { within, left }),
        }
    }

    /// The workers of all queues that have a handler.
    fn fleet(&self) -> Result<Fleet, TestFleetError> {
        let mut fleet = Fleet::new(FleetOptions {
            name: "test".to_owned(),
            host: "test".to_owned(),
            http_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            drain: Duration::from_secs(5),
        });
        let kinds = Kinds::new(self.kinds.iter().copied());
        for (name, adds) in &self.handlers {
            let handlers = Handlers::new().with_known(kinds.clone());
            let handlers = adds.iter().fold(handlers, |handlers, add| add(handlers));
            let link = self.link.another(LinkOptions::default());
            fleet = fleet.queue(queue(link, name)?, self.settings(), handlers);
        }
        Ok(fleet)
    }

    fn settings(&self) -> WorkSettings {
        let day = Duration::from_secs(24 * 3600);
        WorkSettings {
            concurrency: 10,
            max_running: None,
            timeout: Duration::from_secs(60),
            policy: self.policy.clone(),
            unknown_kind: day,
            retention: Retention {
                keep: day,
                max_bytes: None,
            },
            heartbeat: Duration::from_secs(5),
            lost_after: Duration::from_secs(15),
        }
    }

    /// What is left, unless there is nothing.
    async fn until_empty(&self, within: Duration) -> Result<Option<Vec<Leftover>>, TestFleetError> {
        let give_up = Instant::now() + within;
        // A job may come to a queue that was looked at already: it is empty once a second look finds the same.
        let mut empty_at = None;
        loop {
            let queues = self.look().await?;
            let refused = self.runs.were_refused();
            let stuck = refused || queues.iter().any(|(_, stats)| stats.paused.is_some());
            if stuck || Instant::now() >= give_up {
                let left = queues
                    .iter()
                    .map(|(queue, stats)| self.left_in(queue, stats));
                let left: Vec<_> = left.flatten().collect();
                return Ok((!left.is_empty()).then_some(left));
            }
            let enqueued = queues.iter().map(|(_, stats)| stats.counter("enqueued"));
            let seen = Some((queues.len(), enqueued.sum::<u64>()));
            match queues.iter().all(|(_, stats)| stats.to_do() == 0) {
                true if empty_at == seen => return Ok(None),
                true => empty_at = seen,
                false => {
                    empty_at = None;
                    for (queue, stats) in &queues {
                        skip_waiting(queue, stats).await?;
                    }
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Every queue that has a handler, or that anything was enqueued in.
    async fn look(&self) -> Result<Vec<(Queue, Stats)>, TestFleetError> {
        let mut looked = Vec::new();
        let registered = self.link.registered_queues(NAMESPACE).await?;
        let mut names: BTreeSet<&str> = registered.iter().map(String::as_str).collect();
        names.extend(self.handlers.keys());
        for name in names {
            let queue = queue(self.link.clone(), name)?;
            let stats = queue.stats().await?;
            looked.push((queue, stats));
        }
        Ok(looked)
    }

    fn left_in(&self, queue: &Queue, stats: &Stats) -> Option<Leftover> {
        let name = queue.name();
        (stats.to_do() > 0).then(|| Leftover {
            queue: name.to_owned(),
            pending: stats.pending - stats.parked.min(stats.pending),
            running: stats.running,
            waiting: stats.scheduled + stats.retryable,
            unknown_kinds: stats
                .parked_kinds
                .iter()
                .map(|parked| parked.kind.clone())
                .collect(),
            is_worked: self.handlers.contains_key(name),
            paused: stats.paused.as_ref().map(|paused| paused.reason.clone()),
            jobs: self.runs.unended(name),
        })
    }

    async fn worked(&self) -> Result<Worked, TestFleetError> {
        let mut worked = Worked::default();
        for (queue, stats) in self.look().await? {
            worked.completed += stats.counter("completed");
            let letters = queue
                .dead_letters(&Selection::All, None, usize::MAX)
                .await?;
            worked.dead.extend(letters.into_iter().map(|letter| {
                let last = letter.job.history.last();
                DeadJob {
                    id: letter.job.id.to_string(),
                    kind: letter.kind.unwrap_or_default(),
                    queue: queue.name().to_owned(),
                    reason: last
                        .and_then(|last| last.entry.reason.clone())
                        .unwrap_or_default(),
                }
            }));
        }
        Ok(worked)
    }
}

impl fmt::Debug for TestFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestFleet")
            .field("redis", &self.redis)
            .field("queues", &self.handlers.keys())
            .finish_non_exhaustive()
    }
}

/// Lets a queue that has nothing else to do go on with what waits for its time.
async fn skip_waiting(queue: &Queue, stats: &Stats) -> Result<(), QueueError> {
    let idle = stats.running == 0 && stats.pending == stats.parked;
    if idle && stats.scheduled + stats.retryable > 0 {
        queue.make_due().await?;
    }
    Ok(())
}

fn queue(link: Link, name: &str) -> Result<Queue, TestFleetError> {
    Queue::new(link, NAMESPACE, name).map_err(|error| {
        let reason = QueueError::Unexpected(format!("the queue `{name}`: {error}"));
        TestFleetError::Queue(reason)
    })
}
