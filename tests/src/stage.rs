use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, JobId, JobState, QueueError};
use longshore_queue::{Job, Link, LinkOptions, Queue, Stats};
use longshore_sandbox::{AppendFsync, Fault, Ledger, Only, RedisServer, Rule, SendGridSandbox};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Said, Start, eventually, gone_by, program};

/// The namespace that flows play in.
pub const NAMESPACE: &str = "flow";

/// The queue that flows play on.
pub const QUEUE: &str = "email";

/// A Redis of one's own, a stand-in for SendGrid in this process, and a producer. Workers are started on it with
/// [`Stage::worker`]. All of it is gone when the stage is.
#[derive(Debug)]
pub struct Stage {
    /// The Redis. It writes every change down before it answers, so that a kill loses nothing that was acknowledged.
    pub redis: RedisServer,
    /// The provider.
    pub sendgrid: SendGridSandbox,
    /// A producer.
    pub client: Client,
    /// The queue, to look at.
    pub queue: Queue,
    started: AtomicUsize,
    // Removed last, after all that writes into it.
    dir: TempDir,
}

impl Stage {
    /// Sets it.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn set() -> Self {
        let redis = RedisServer::options()
            .append_only(AppendFsync::Always)
            .start()
            .expect("a Redis");
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let sendgrid = SendGridSandbox::start(anywhere).await.expect("a provider");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("a valid URL");
        Self {
            client: Client::in_namespace(&redis.url(), NAMESPACE).expect("a valid URL"),
            queue: Queue::new(link, NAMESPACE, QUEUE).expect("valid names"),
            redis,
            sendgrid,
            started: AtomicUsize::new(0),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// A worker to be started on it.
    pub fn worker(&self) -> Start<'_> {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        Start::new(self, number)
    }

    /// What the provider has carried out.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.sendgrid.ledger()
    }

    /// Makes the provider misbehave by these rules, instead of those before.
    ///
    /// # Panics
    /// When a rule cannot be followed.
    pub fn faults(&self, rules: impl IntoIterator<Item = Rule>) {
        let rules = rules.into_iter().collect();
        self.sendgrid.faults().set(rules).expect("valid rules");
    }

    /// Enqueues this many mails.
    ///
    /// # Panics
    /// When they are not accepted.
    pub async fn enqueue(&self, count: usize) -> Vec<JobId> {
        let jobs = (0..count).map(email);
        self.client.enqueue_all(jobs).await.expect("accepted")
    }

    /// Enqueues this many mails of another template (`d-invoice`), which a rule makes slow, and waits until the provider
    /// has them all.
    ///
    /// # Panics
    /// When it does not get them.
    pub async fn slow_calls(&self, count: usize) -> Vec<JobId> {
        let jobs = (0..count).map(|n| SendEmail::new("invoice", format!("slow{n}@example.com")));
        let ids = self.client.enqueue_all(jobs).await.expect("accepted");
        eventually("the slow calls are out", || async {
            ids.iter().all(|id| self.effects(*id) == 1)
        })
        .await;
        ids
    }

    /// The rules for that: slow calls take this long, and all others 50 ms.
    ///
    /// # Panics
    /// When they cannot be followed.
    pub fn slow_calls_take(&self, ms: u64) {
        let slow = Only {
            template: Some("d-invoice".to_owned()),
            ..Only::default()
        };
        self.faults([
            Rule::always(Fault::Delay { ms }).only(slow),
            Rule::always(Fault::Delay { ms: 50 }),
        ]);
    }

    /// Counts the queue, once Redis is there.
    ///
    /// # Panics
    /// When it stays away.
    pub async fn stats(&self) -> Stats {
        answered(|| self.queue.stats()).await
    }

    /// One job, from the queue itself, once Redis is there.
    ///
    /// # Panics
    /// When Redis stays away, or the job is not there: accepted means kept.
    pub async fn job(&self, id: JobId) -> Job {
        let id = id.into();
        let job = answered(|| self.queue.job(&id)).await;
        job.unwrap_or_else(|| panic!("{id} is nowhere"))
    }

    /// Waits until a job is in this state.
    ///
    /// # Panics
    /// When it does not come to it.
    pub async fn is(&self, id: JobId, state: JobState) {
        eventually(&format!("{id} is {state}"), || async {
            self.job(id).await.state == state
        })
        .await;
    }

    /// Waits until this many jobs run.
    ///
    /// # Panics
    /// When they do not.
    pub async fn running(&self, count: u64) {
        eventually(&format!("{count} jobs run"), || async {
            self.stats().await.running == count
        })
        .await;
    }

    /// Waits until this many jobs have completed since the stage was set.
    ///
    /// # Panics
    /// When they do not.
    pub async fn completed(&self, count: u64) {
        eventually(&format!("{count} jobs have completed"), || async {
            self.stats().await.counter("completed") >= count
        })
        .await;
    }

    /// Waits until this many more jobs have completed: the workers work.
    ///
    /// # Panics
    /// When they do not.
    pub async fn progress(&self, count: u64) {
        let before = self.stats().await.counter("completed");
        self.completed(before + count).await;
    }

    /// Waits until every job has ended, and checks that these have completed, and that the provider has carried out
    /// each job once.
    ///
    /// # Panics
    /// When one was lost, or doubled.
    pub async fn done_once(&self, ids: &[JobId]) {
        eventually("every job ends", || async {
            let stats = self.stats().await;
            stats.pending + stats.running + stats.scheduled + stats.retryable == 0
        })
        .await;
        for &id in ids {
            let job = self.job(id).await;
            assert_eq!(job.state, JobState::Completed, "{id}: {:?}", job.history);
            assert!(self.effects(id) >= 1, "{id} completed without an effect");
        }
        let summary = self.ledger().summary();
        assert_eq!(summary.duplicates, 0, "of {} jobs", ids.len());
    }

    /// Waits until the provider has had this many requests.
    ///
    /// # Panics
    /// When it does not get them.
    pub async fn requests(&self, count: u64) {
        eventually(&format!("{count} requests came"), || async {
            self.ledger().requests() >= count
        })
        .await;
    }

    /// How many effects a job has had.
    #[must_use]
    pub fn effects(&self, id: JobId) -> u64 {
        let counts = self.ledger().count_by_job();
        counts.get(&id.to_string()).copied().unwrap_or(0)
    }

    /// Makes scheduled and retryable jobs due now, instead of waiting for their time.
    ///
    /// # Panics
    /// When Redis is away.
    pub async fn back_date(&self) {
        let scheduled = &self.queue.keys().scheduled;
        let mut into = redis::cmd("ZUNIONSTORE");
        // Weight 0: due in 1970.
        into.arg(scheduled).arg(1).arg(scheduled);
        into.arg("WEIGHTS").arg(0);
        let _: u64 = self.queue.link().command(&into).await.expect("back-dates");
    }

    /// Runs one of the other commands to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn longshore(&self, args: &[&str]) -> Said {
        let mut command = self.command(&self.redis.url());
        let output = command.args(args).output().await.expect("starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The program with nothing but this stage's settings: no `./config`, and no variables of ours from outside.
    pub(crate) fn command(&self, redis_url: &str) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.dir()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGSHORE_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let origin = self.sendgrid.origin();
        let settings = [
            ("REDIS__URL", redis_url),
            ("REDIS__NAMESPACE", NAMESPACE),
            ("WORKER__HTTP_ADDR", "127.0.0.1:0"),
            ("PROVIDERS__SENDGRID__BASE_URL", &origin),
            ("PROVIDERS__SENDGRID__API_KEY", "SG.flow"),
            // Out of the way of flows that are about something else.
            ("PROVIDERS__SENDGRID__RATE_PER_SECOND", "100000"),
            ("PROVIDERS__SENDGRID__BREAKER__FAILURES", "1000"),
            ("EMAIL__FROM", r#"{email = "shop@example.com"}"#),
            ("EMAIL__TEMPLATES__WELCOME", "d-welcome"),
            ("EMAIL__TEMPLATES__INVOICE", "d-invoice"),
        ];
        for (name, value) in settings {
            command.env(format!("LONGSHORE_{name}"), value);
        }
        command.kill_on_drop(true);
        command
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Looks until Redis answers: a connection that a restart has broken only shows when it is used.
async fn answered<T, Fut>(mut look: impl FnMut() -> Fut) -> T
where
    Fut: Future<Output = Result<T, QueueError>>,
{
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        match look().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < give_up, "{error}"),
        }
        gone_by(Duration::from_millis(10), Instant::now()).await;
    }
}

/// One mail of many.
#[must_use]
pub fn email(number: usize) -> SendEmail {
    SendEmail::new("welcome", format!("customer{number}@example.com"))
}

/// What a job's history says came of each of its runs, oldest first.
#[must_use]
pub fn outcomes(job: &Job) -> Vec<&str> {
    let history = job.history.iter();
    history
        .map(|recorded| recorded.entry.outcome.as_str())
        .collect()
}
