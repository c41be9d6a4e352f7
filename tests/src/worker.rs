mod addresses;

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use longshore_storage::sandbox::S3Sandbox;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::act::storage;
use crate::limits::{Limit, limit};
use crate::{Act, Stage, User, eventually, http, program};

/// How many of its last lines a worker says when a flow fails.
const LAST_WORDS: usize = 40;

/// A worker, or a listener for events, about to be started.
#[derive(Debug)]
#[must_use = "nothing runs until it is started"]
pub struct Start<'a> {
    stage: &'a Stage,
    command: &'static str,
    args: &'static [&'static str],
    /// What it logs once it works.
    ready: &'static str,
    ready_in_json: &'static str,
    number: usize,
    redis_url: String,
    settings: Vec<(String, String)>,
    descriptors: Option<usize>,
    /// It outlives a write that a [`Limit`] refuses.
    ignores_limits: bool,
    /// Another build than the one under test.
    program: Option<PathBuf>,
}

impl<'a> Start<'a> {
    pub(crate) fn work(stage: &'a Stage, number: usize) -> Self {
        // Its own queue alone: no word about the others.
        let args = match stage.act {
            Act::Email => &["--queue", "email"],
            Act::Sms => &["--queue", "sms"],
            Act::Geocode => &["--queue", "geocode"],
            Act::Payments => &["--queue", "payment-reconcile"],
            Act::Storage => &["--queue", "export-cleanup"],
            Act::Service => &["--queue", "svc-crm"],
        };
        Self::new(stage, number, "work", args, "concurrency=")
    }

    pub(crate) fn webhooks(stage: &'a Stage, number: usize) -> Self {
        Self::new(stage, number, "webhooks", &[], "webhooks are taken")
    }

    pub(crate) fn api(stage: &'a Stage, number: usize) -> Self {
        Self::new(stage, number, "api", &[], "the API is served")
            .set("API__HTTP_ADDR", "127.0.0.1:0")
            .set("API__PRIVATE_ADDR", "127.0.0.1:0")
    }

    pub(crate) fn console(stage: &'a Stage, number: usize) -> Self {
        Self::new(stage, number, "console", &[], "the console is served")
            .set("CONSOLE__HTTP_ADDR", "127.0.0.1:0")
            .set("CONSOLE__PRIVATE_ADDR", "127.0.0.1:0")
    }

    pub(crate) fn outbox(stage: &'a Stage, number: usize) -> Self {
        let start = Self::new(stage, number, "outbox", &[], "jobs are carried");
        start.set("OUTBOX__PRIVATE_ADDR", "127.0.0.1:0")
    }

    fn new(
        stage: &'a Stage,
        number: usize,
        command: &'static str,
        args: &'static [&'static str],
        ready: &'static str,
    ) -> Self {
        Self {
            stage,
            command,
            args,
            ready,
            ready_in_json: "\"concurrency\":",
            number,
            redis_url: stage.redis.url(),
            settings: Vec::new(),
            descriptors: None,
            ignores_limits: false,
            program: None,
        }
    }

    /// Lets it open so many descriptors, as `ulimit -n` does.
    pub fn descriptors(mut self, most: usize) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// Has it go on where its files may not grow ([`Limit::FileSize`]), as where its disk is full.
    pub fn outlives_full_files(mut self) -> Self {
        self.ignores_limits = true;
        self
    }

    /// Has it run by this build of the program.
    pub fn by_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Has it work all queues instead of its act's.
    pub fn all_queues(mut self) -> Self {
        self.args = &[];
        self
    }

    /// Sets `LONGSHORE_<name>`: `("WORKER__DRAIN_SECONDS", "2")`.
    pub fn set(self, name: &str, value: impl Into<String>) -> Self {
        self.env(&format!("LONGSHORE_{name}"), value)
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// How many jobs it runs at the same time.
    pub fn concurrency(self, jobs: usize) -> Self {
        self.queue("CONCURRENCY", jobs.to_string())
    }

    /// Sets `queues.<its queue>.<key>`.
    pub fn queue(self, key: &str, value: impl Into<String>) -> Self {
        let name = self.stage.act.of_queue(key);
        self.set(&name, value)
    }

    /// Sets `providers.<its provider>.<key>`.
    pub fn provider(self, key: &str, value: impl Into<String>) -> Self {
        let name = self.stage.act.of_provider(key);
        self.set(&name, value)
    }

    /// A short lease: a heartbeat every 0.3 s, lost after 1 s.
    pub fn short_lease(self) -> Self {
        self.set("WORKER__HEARTBEAT_SECONDS", "0.3")
            .set("WORKER__LOST_AFTER_SECONDS", "1")
    }

    /// Has S3 as well, for flows on another provider's queue.
    pub fn with_s3(mut self) -> Self {
        for (name, value) in storage() {
            self = self.set(name, value);
        }
        let origin = self.stage.s3.origin();
        self.set("PROVIDERS__S3__ENDPOINT_URL", origin)
    }

    /// Has R2 stand in for the bucket of exports, as `exports-away`.
    pub fn with_r2(self, r2: &S3Sandbox) -> Self {
        self.set("PROVIDERS__R2__ENDPOINT_URL", r2.origin())
            .set("BUCKETS__EXPORTS__FALLBACK_NAME", "exports-away")
    }

    /// Reaches Redis by another way.
    pub fn by(mut self, redis_url: impl Into<String>) -> Self {
        self.redis_url = redis_url.into();
        self
    }

    /// Starts it, and waits until it works.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start(self) -> Worker {
        let (ready, ready_in_json) = (self.ready, self.ready_in_json);
        let mut worker = self.spawn();
        eventually("the worker works", || {
            let ended = worker.ended();
            assert_eq!(ended, None, "the worker ended at once");
            let works = worker.says(ready) || worker.says(ready_in_json);
            async move { works }
        })
        .await;
        worker
    }

    /// Starts it, and does not wait until it works: it may end at once.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(self) -> Worker {
        let name = format!("{}-{}.log", self.command, self.number);
        let log = self.stage.dir().join(name);
        let user = match self.command {
            "webhooks" => User::Webhooks,
            "outbox" => User::Producer,
            "console" => User::Operator,
            _ => User::Worker,
        };
        let redis_url = user.at(&self.redis_url);
        let program = self.program.unwrap_or_else(program);
        let mut command = match (self.descriptors, self.ignores_limits) {
            (None, false) => self.stage.command_of(&program, &redis_url),
            (None, true) => self.stage.enduring_command(&program, &redis_url),
            (Some(most), _) => self.stage.limited_command(&program, &redis_url, most),
        };
        command
            .arg(self.command)
            .args(self.args)
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log file"));
        for (name, value) in &self.settings {
            command.env(name, value);
        }
        Worker::spawn(&mut command, self.number, log)
    }
}

/// A `longshore work` process. Killed when it is dropped; its last words are printed when the flow fails.
#[derive(Debug)]
pub struct Worker {
    number: usize,
    child: Child,
    pid: Pid,
    log: PathBuf,
}

impl Worker {
    fn spawn(command: &mut Command, number: usize, log: PathBuf) -> Self {
        let child = command.spawn().expect("the worker starts");
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            number,
            pid: pid.and_then(Pid::from_raw).expect("it has a process id"),
            child,
            log,
        }
    }

    /// Its process id, which is part of its name.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// How it ended, if it has: its exit code, or -1 when a signal ended it.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("the system knows");
        status.map(|status| status.code().unwrap_or(-1))
    }

    /// Kills it, as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }

    /// Asks it to stop: SIGTERM.
    pub fn stop(&self) {
        self.signal(Signal::TERM);
    }

    /// How many descriptors it has open, on Linux.
    ///
    /// # Panics
    /// When the system does not say.
    #[must_use]
    pub fn open_descriptors(&self) -> usize {
        let open = format!("/proc/{}/fd", self.pid.as_raw_nonzero());
        std::fs::read_dir(open).expect("it runs").count()
    }

    /// Stops it in its tracks: SIGSTOP.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("it runs");
    }

    /// Limits what it may have.
    ///
    /// # Errors
    /// Where the system cannot.
    pub fn limit(&self, most: Limit) -> Result<(), String> {
        limit(self.pid, most)
    }

    /// Waits until it has left by itself, and returns its exit code (-1 when a signal ended it).
    ///
    /// # Panics
    /// When it stays for longer than `limit`.
    pub async fn left_within(&mut self, limit: Duration) -> i32 {
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(status) => status.expect("the system knows").code().unwrap_or(-1),
            Err(_) => panic!("worker {} stays for more than {limit:?}", self.number),
        }
    }

    /// Everything it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Whether it has logged this.
    #[must_use]
    pub fn says(&self, what: &str) -> bool {
        self.log().contains(what)
    }

    /// Waits until it has logged this.
    ///
    /// # Panics
    /// When it does not.
    pub async fn has_said(&self, what: &str) {
        eventually(&format!("worker {} says {what:?}", self.number), || async {
            self.says(what)
        })
        .await;
    }

    /// Waits until it knows that its lease may be over: from then on it sends nothing before a heartbeat is answered.
    ///
    /// # Panics
    /// When it does not come to that.
    pub async fn unconfirmed(&self) {
        eventually("its lease is not confirmed any more", || async {
            self.get("/readyz").await.1.contains("heartbeat")
        })
        .await;
    }

    /// Asks it over HTTP: the status and the body of `GET path`.
    ///
    /// # Panics
    /// When it does not answer within five seconds.
    pub async fn get(&self, path: &str) -> (u16, String) {
        http::get(self.http_addr(), path).await
    }

    /// Waits until `GET path` says this status, and returns the body.
    ///
    /// # Panics
    /// When it does not.
    pub async fn becomes(&self, path: &str, status: u16) -> String {
        let what = format!("worker {}: {path} says {status}", self.number);
        eventually(&what, || async { self.get(path).await.0 == status }).await;
        self.get(path).await.1
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LAST_WORDS)..];
            println!("worker {}:\n  {}", self.number, last.join("\n  "));
        }
    }
}
