//! What the demo plays on: a private Redis, a stand-in for SendGrid, workers as processes of their own. All of it is
//! gone when the stage is.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use longshore_client::Client;
use longshore_operator::{Operator, QueueInfo, QueueRow};
use longshore_queue::{BreakerState, Link, LinkOptions, Queue};
use longshore_sandbox::{AppendFsync, RedisServer, Rule, SendGridSandbox, Summary};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;

const NAMESPACE: &str = "demo";
const QUEUE: &str = "email";
pub(super) const PROVIDER: &str = "sendgrid";

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) operator: Operator,
    queue: Queue,
    sendgrid: SendGridSandbox,
    workers: Vec<Child>,
    started: usize,
    redis: RedisServer,
    dir: TempDir,
}

impl Stage {
    pub(super) async fn set() -> Result<Self, Failure> {
        let redis = RedisServer::options()
            .append_only(AppendFsync::EverySecond)
            .start()
            .map_err(Failure::failed)?;
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let sendgrid = SendGridSandbox::start(anywhere)
            .await
            .map_err(Failure::failed)?;
        let link = Link::new(&redis.url(), LinkOptions::default())?;
        let info = QueueInfo {
            name: QUEUE.to_owned(),
            max_attempts: 4,
            providers: vec![PROVIDER.to_owned()],
        };
        Ok(Self {
            client: Client::over(&link, NAMESPACE)?,
            operator: Operator::new(&link, NAMESPACE, vec![info])?,
            queue: Queue::new(link, NAMESPACE, QUEUE).map_err(Failure::failed)?,
            sendgrid,
            workers: Vec::new(),
            started: 0,
            redis,
            dir: tempfile::tempdir().map_err(Failure::failed)?,
        })
    }

    pub(super) fn faults(&self, rules: Vec<Rule>) -> Result<(), Failure> {
        self.sendgrid.faults().set(rules).map_err(Failure::failed)
    }

    pub(super) fn ledger(&self) -> Summary {
        self.sendgrid.ledger().summary()
    }

    /// Starts `longshore work`, this very program, with nothing but what is said here.
    pub(super) fn start_worker(&mut self) -> Result<(), Failure> {
        self.started += 1;
        let log = self.dir.path().join(format!("worker-{}.log", self.started));
        let log = File::create(log).map_err(Failure::failed)?;
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let origin = self.sendgrid.origin();
        let settings = [
            ("REDIS__URL", self.redis.url()),
            ("REDIS__NAMESPACE", NAMESPACE.to_owned()),
            ("RETRY__SCHEDULE_SECONDS", "[1, 2, 4]".to_owned()),
            ("WORKER__HTTP_ADDR", "127.0.0.1:0".to_owned()),
            ("PROVIDERS__SENDGRID__BASE_URL", origin),
            ("PROVIDERS__SENDGRID__API_KEY", "SG.demo".to_owned()),
            ("PROVIDERS__SENDGRID__RATE_PER_SECOND", "500".to_owned()),
            ("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "1".to_owned()),
            ("EMAIL__FROM", r#"{email = "demo@example.com"}"#.to_owned()),
            (
                "EMAIL__TEMPLATES__ORDER_CONFIRMATION",
                "d-order-confirmation".to_owned(),
            ),
            ("EMAIL__TEMPLATES__INVOICE", "d-invoice".to_owned()),
        ];
        let mut command = Command::new(program);
        // Not what happens to be in this directory's ./config.
        command.current_dir(self.dir.path()).arg("work");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGSHORE_") {
                command.env_remove(name);
            }
        }
        for (name, value) in settings {
            command.env(format!("LONGSHORE_{name}"), value);
        }
        let worker = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::failed)?;
        self.workers.push(worker);
        Ok(())
    }

    /// SIGTERM to the oldest worker; it has to leave in good order.
    pub(super) async fn stop_worker(&mut self) -> Result<(), Failure> {
        let mut worker = self.workers.remove(0);
        let pid = worker.id().map(|pid| pid.to_string()).unwrap_or_default();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .map_err(Failure::failed)?;
        match timeout(PATIENCE, worker.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.with_logs(&format!("the worker left with {status}"))),
            Ok(Err(error)) => Err(Failure::failed(error)),
            Err(_) => Err(self.with_logs("the worker does not stop")),
        }
    }

    pub(super) async fn stop_all_workers(&mut self) -> Result<(), Failure> {
        while !self.workers.is_empty() {
            self.stop_worker().await?;
        }
        Ok(())
    }

    pub(super) async fn row(&self) -> Result<QueueRow, Failure> {
        let rows = self.operator.queues().await?;
        rows.into_iter()
            .next()
            .ok_or_else(|| Failure::failed("there is no queue"))
    }

    /// Waits until the provider's breaker stands like this.
    pub(super) async fn breaker(&self, state: BreakerState) -> Result<(), Failure> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let row = self.row().await?;
            if row.breakers.iter().any(|breaker| breaker.state == state) {
                return Ok(());
            }
            if Instant::now() > give_up {
                return Err(self.with_logs(&format!("no breaker is {}", state.as_str())));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many attempts failed and are, or were, made again.
    pub(super) async fn retried(&self) -> Result<u64, Failure> {
        Ok(self.queue.stats().await?.counter("retried"))
    }

    /// Waits until a number in the queue's row has come to `goal`, under a progress bar.
    pub(super) async fn wait(
        &self,
        what: &str,
        goal: u64,
        of: fn(&QueueRow) -> u64,
    ) -> Result<(), Failure> {
        let start = of(&self.row().await?);
        let bar = ProgressBar::new(goal.saturating_sub(start));
        if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        let give_up = Instant::now() + PATIENCE;
        loop {
            let row = self.row().await?;
            let now = of(&row);
            bar.set_position(now.saturating_sub(start));
            bar.set_message(format!(
                "{what}; {} pending, {} to be retried",
                row.pending, row.retryable
            ));
            if now >= goal {
                bar.finish_and_clear();
                return Ok(());
            }
            if Instant::now() > give_up {
                bar.abandon();
                return Err(self.with_logs(&format!(
                    "{now} of {goal} {what} after {} s",
                    PATIENCE.as_secs()
                )));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A failure with the last words of the workers, since they are gone with the stage.
    fn with_logs(&self, what: &str) -> Failure {
        let mut text = what.to_owned();
        for n in 1..=self.started {
            let log = std::fs::read_to_string(self.dir.path().join(format!("worker-{n}.log")))
                .unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(5).collect();
            text.push_str(&format!(
                "\nworker {n}, last lines first:\n  {}",
                tail.join("\n  ")
            ));
        }
        Failure::Failed(text)
    }
}
