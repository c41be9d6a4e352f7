//! A fleet in this process, on a Redis of its own, with jobs that do what their args say.

pub mod beats;
pub mod going_on;
pub mod harmless;
pub mod running;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use longshore_job::{
    Handler, InvalidArgs, Job, JobError, JobId, KindOverrides, NoticeFilter, Outcome, Prepared,
    RetrySchedule, Run,
};
use longshore_queue::{
    JobState, Lane, Link, LinkOptions, NewJob, OnUnknown, Policy, Queue, Retention, RunAt,
};
use longshore_sandbox::{AppendFsync, RedisServer};
use longshore_worker::{Fleet, FleetOptions, Handlers, NoticeDelivery, Watch, WorkSettings};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use going_on::Stepping;
use harmless::Repeating;
pub use running::Running;

/// What a test job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Completes at once.
    Nothing,
    /// Logs a line.
    Logs,
    /// Sends, then completes.
    Sends,
    /// Waits for the test's word, then sends and completes.
    WaitsThenSends,
    /// Sends, then waits for the test's word.
    SendsThenWaits,
    Panics,
    Hangs,
    SendsThenHangs,
    /// Reads five times, then completes.
    Reads,
    /// Reads, then never ends.
    ReadsThenHangs,
    /// Remembers across runs.
    Remembers,
    /// Sends, and keeps what came of it in a map.
    SendsThenAssigns,
    /// Sends, waits for the test's word, and sends again.
    SendsTwice,
    /// Keeps a checkpoint at each word of the test, for ever.
    KeepsOn,
    /// Counts its runs in its checkpoint, and fails until the third.
    ComesOn,
    /// Has another job follow it.
    IsFollowed,
    IsRefused,
    Fails,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    pub does: Does,
}

impl Job for Probe {
    const KIND: &'static str = "probe";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";
    const VERIFIABLE: bool = true;

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// What the handler saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub started: HashMap<JobId, u32>,
    pub sent: HashMap<JobId, u32>,
    pub runs: Vec<(JobId, u32, bool)>,
    pub verified: Vec<JobId>,
    /// When reads were let out.
    pub reads: Vec<Instant>,
    /// What each run recalled, whether the message was its own, and the message it knew of.
    pub remembered: Vec<(Option<Vec<u8>>, bool, Option<String>)>,
}

#[derive(Debug, Clone)]
pub struct Probing {
    pub seen: Arc<Mutex<Seen>>,
    /// One permit lets one waiting job go on.
    pub word: Arc<Semaphore>,
    /// The provider says, when asked, that it has carried the job out.
    pub carried_out: bool,
}

impl Probing {
    pub fn new() -> Self {
        Self {
            seen: Arc::default(),
            word: Arc::new(Semaphore::new(0)),
            carried_out: false,
        }
    }

    pub fn started(&self) -> u32 {
        let seen = self.seen.lock().expect("not poisoned");
        seen.started.values().sum()
    }

    pub fn sent(&self, id: JobId) -> u32 {
        self.seen
            .lock()
            .expect("not poisoned")
            .sent
            .get(&id)
            .copied()
            .unwrap_or(0)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("not poisoned")
    }

    async fn send(&self, run: &Run) {
        run.clear_to_send().await;
        *self.seen().sent.entry(run.id).or_default() += 1;
    }

    async fn hear_the_word(&self) {
        self.word.acquire().await.expect("never closed").forget();
    }
}

impl Handler for Probing {
    type Job = Probe;

    async fn verify(&self, _: &Probe, run: &Run) -> Result<Option<Outcome>, JobError> {
        let mut seen = self.seen.lock().expect("not poisoned");
        seen.verified.push(run.id);
        Ok(self.carried_out.then(Outcome::done))
    }

    async fn run(&self, job: Probe, run: Run) -> Result<Outcome, JobError> {
        {
            let mut seen = self.seen();
            *seen.started.entry(run.id).or_default() += 1;
            seen.runs
                .push((run.id, run.attempt, run.may_have_been_sent));
        }
        match job.does {
            Does::Nothing => {}
            Does::Logs => tracing::info!("as asked"),
            Does::Sends => self.send(&run).await,
            Does::WaitsThenSends => {
                self.hear_the_word().await;
                self.send(&run).await;
            }
            Does::SendsThenWaits | Does::SendsTwice => {
                self.send(&run).await;
                self.hear_the_word().await;
                if job.does == Does::SendsTwice {
                    self.send(&run).await;
                }
            }
            Does::KeepsOn => loop {
                self.hear_the_word().await;
                run.memory().save(&1.into()).await?;
            },
            Does::Panics => panic!("as asked"),
            Does::Hangs => std::future::pending().await,
            Does::SendsThenAssigns => {
                self.send(&run).await;
                run.memory().assign("places", "ada", "Oslo").await?;
            }
            Does::SendsThenHangs => {
                self.send(&run).await;
                std::future::pending::<()>().await;
            }
            Does::Reads => {
                for _ in 0..5 {
                    run.clear_to_read().await;
                    self.seen().reads.push(Instant::now());
                }
            }
            Does::ReadsThenHangs => {
                run.clear_to_read().await;
                std::future::pending::<()>().await;
            }
            Does::Remembers => {
                let memory = run.memory();
                let recalled = memory.recall("place").await?;
                let owned = memory.note_message("SM1").await?;
                let earlier = memory.earlier_requests().await?;
                memory
                    .keep("place", b"Oslo", Duration::from_secs(60))
                    .await?;
                let told = (recalled, owned, earlier.message);
                self.seen().remembered.push(told);
            }
            Does::ComesOn => {
                let runs = run.memory().checkpoint().await?;
                let runs = runs.and_then(|runs| runs.as_u64()).unwrap_or(0) + 1;
                assert!(run.memory().save(&runs.into()).await?, "it is ours");
                if runs < 3 {
                    return Err(JobError::transient("not now"));
                }
            }
            Does::IsFollowed => {
                let week = Duration::from_secs(7 * 24 * 3600);
                for _ in 0..2 {
                    let does = Does::Nothing;
                    let next = Prepared::new(&Probe { does });
                    let next = next.expect("good");
                    run.outbox().enqueue(next, "after", week).await?;
                }
            }
            Does::IsRefused => return Err(JobError::permanent("no")),
            Does::Fails => return Err(JobError::transient("not now")),
        }
        Ok(Outcome::done())
    }
}

pub struct Bench {
    pub redis: RedisServer,
    pub queue: Queue,
    pub probing: Probing,
    /// What is configured for each kind.
    pub overrides: KindOverrides,
    pub watch: Option<Arc<dyn Watch>>,
    /// What the application is told, and how.
    pub notices: Option<(Arc<NoticeFilter>, NoticeDelivery)>,
}

impl Bench {
    pub fn new() -> Self {
        let redis = RedisServer::options().append_only(AppendFsync::Always);
        Self::on(redis.start().expect("a private Redis starts"))
    }

    /// On a Redis that keeps what [`Bench::save`] saved, and forgets what came after it when it is restarted.
    pub fn forgetful() -> Self {
        Self::on(RedisServer::start().expect("a private Redis starts"))
    }

    /// Has Redis make a copy of itself.
    pub async fn save(&self) {
        let save = redis::cmd("SAVE");
        let saved: String = self.queue.link().command(&save).await.expect("saves");
        assert_eq!(saved, "OK");
    }

    /// Kills Redis, and restarts it from its copy.
    pub fn restore(&mut self) {
        self.redis.restart().expect("Redis comes back");
    }

    /// On this Redis.
    pub fn on(redis: RedisServer) -> Self {
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        Self {
            queue: Queue::new(link, "t", "probe").expect("good names"),
            redis,
            probing: Probing::new(),
            overrides: KindOverrides::default(),
            watch: None,
            notices: None,
        }
    }

    pub async fn enqueue(&self, does: Does) -> JobId {
        self.enqueue_many(does, 1).await[0]
    }

    pub async fn enqueue_many(&self, does: Does, n: usize) -> Vec<JobId> {
        let jobs: Vec<NewJob> = (0..n).map(|_| new_job(does)).collect();
        let enqueued = self.queue.enqueue(&jobs).await.expect("enqueues");
        enqueued.into_iter().map(|enqueued| enqueued.id).collect()
    }

    pub fn start(&self) -> Running {
        self.start_with(settings(), Duration::from_secs(20))
    }

    pub fn start_with(&self, settings: WorkSettings, drain: Duration) -> Running {
        let (stop, stopped) = mpsc::channel(2);
        // A free port, which the test has to know: bound, noted and let go.
        let addr = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("there is a free port");
        let options = FleetOptions {
            name: "test".to_owned(),
            host: "test".to_owned(),
            http_addr: addr,
            drain,
        };
        let handlers = Handlers::new()
            .with(self.probing.clone())
            .with(Repeating(self.probing.clone()))
            .with(Stepping(self.probing.clone()))
            .with_overrides(|_| self.overrides.clone());
        let link = self.queue.link();
        // As another process has it: what it remembers is its own.
        let queue = Queue::new(link.another(LinkOptions::default()), "t", "probe")
            .expect("good names")
            .with_provider(self.queue.provider().clone())
            .with_notices(self.notices.as_ref().map(|(wanted, _)| Arc::clone(wanted)));
        let mut fleet = Fleet::new(options).queue(queue, settings, handlers);
        if let Some(watch) = &self.watch {
            fleet = fleet.watched_by(Arc::clone(watch));
        }
        if let Some((_, delivery)) = self.notices {
            fleet = fleet.delivers_notices(delivery);
        }
        Running {
            stop,
            fleet: tokio::spawn(fleet.run(stopped)),
            addr,
        }
    }

    pub async fn state(&self, id: JobId) -> Option<JobState> {
        self.queue
            .job(&id.into())
            .await
            .expect("looks")
            .map(|job| job.state)
    }

    pub async fn is(&self, id: JobId, state: JobState) {
        longshore_tests::eventually(&format!("{id} is {state}"), || async {
            // Redis may be away in the middle of a test.
            self.queue
                .job(&id.into())
                .await
                .is_ok_and(|job| job.is_some_and(|job| job.state == state))
        })
        .await;
    }

    pub async fn completed(&self, n: u64) {
        longshore_tests::eventually(&format!("{n} jobs have completed"), || async {
            self.queue
                .stats()
                .await
                .is_ok_and(|stats| stats.counter("completed") == n)
        })
        .await;
    }

    pub async fn running(&self, n: u32) {
        longshore_tests::eventually(&format!("{n} runs have started"), || async {
            self.probing.started() == n
        })
        .await;
    }
}

pub fn new_job(does: Does) -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: Prepared::new(&Probe { does }).expect("good").payload,
        run_at: RunAt::Now,
        key: None,
        expires_in: None,
        traceparent: None,
        tracestate: None,
        lane: Lane::default(),
        tags: Vec::new(),
        by: None,
    }
}

pub fn settings() -> WorkSettings {
    WorkSettings {
        concurrency: 10,
        max_running: None,
        timeout: Duration::from_secs(20),
        policy: Policy {
            schedule: RetrySchedule::default(),
            on_unknown: OnUnknown::Retry,
        },
        retention: Retention {
            keep: Duration::from_secs(3600),
            max_bytes: None,
        },
        heartbeat: Duration::from_millis(200),
        unknown_kind: Duration::from_secs(3600),
        lost_after: Duration::from_millis(1000),
    }
}
