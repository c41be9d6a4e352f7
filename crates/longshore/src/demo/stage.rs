//! What the demo plays on: a private Redis, a stand-in for each provider, workers and a listener for events as processes
//! of their own. All of it is gone when the stage is.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use longshore_client::Client;
use longshore_email::sandbox::SendGridSandbox;
use longshore_geocode::sandbox::GoogleMapsSandbox;
use longshore_job::Kinds;
use longshore_operator::{ConfigRefusal, Operator, QueueInfo, QueueRow, RepeatEffect};
use longshore_payment_reconcile::sandbox::{AppSandbox, StripeSandbox, WebhookEndpoint};
use longshore_queue::{BreakerState, Key, Link, LinkOptions, Queue};
use longshore_sandbox::{AppendFsync, FaultRule, RedisServer};
use longshore_sms::sandbox::TwilioSandbox;
use longshore_storage::sandbox::S3Sandbox;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use longshore_app::Failure;

const NAMESPACE: &str = "demo";
/// The queues and their providers.
pub(super) const EMAIL: (&str, &str) = ("email", "sendgrid");
pub(super) const SMS: (&str, &str) = ("sms", "twilio");
pub(super) const GEOCODE: (&str, &str) = ("geocode", "google_maps");
pub(super) const PAYMENTS: (&str, &str) = ("payment-reconcile", "stripe");

pub(super) const BUCKETS: (&str, &str) = ("export-cleanup", "s3");
/// The bucket of exports, and its stand-in at R2.
pub(super) const EXPORTS: &str = "exports-demo";
pub(super) const EXPORTS_AWAY: &str = "exports-demo-away";

const WEBHOOK_SECRET: &str = "whsec_demo";
const APP_SECRET: &str = "demo";

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) operator: Operator,
    pub(super) sendgrid: SendGridSandbox,
    pub(super) twilio: TwilioSandbox,
    pub(super) maps: GoogleMapsSandbox,
    pub(super) stripe: StripeSandbox,
    pub(super) app: AppSandbox,
    pub(super) s3: S3Sandbox,
    pub(super) r2: S3Sandbox,
    email: Queue,
    webhooks: Option<Child>,
    webhooks_addr: SocketAddr,
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
        let sendgrid = SendGridSandbox::start(anywhere).await;
        let twilio = TwilioSandbox::start(anywhere).await;
        let maps = GoogleMapsSandbox::start(anywhere).await;
        let stripe = StripeSandbox::start(anywhere).await;
        let s3 = S3Sandbox::start(anywhere).await;
        let r2 = S3Sandbox::start(anywhere).await;
        let app = AppSandbox::start(anywhere).await.map_err(Failure::failed)?;
        app.set_secret(APP_SECRET);
        // Messages name it before there is a listener: bound, noted and let go.
        let webhooks_addr = std::net::TcpListener::bind(anywhere).and_then(|l| l.local_addr());
        let link = Link::new(&redis.url(), LinkOptions::default())?;
        let program = crate::program();
        let queues = [EMAIL, SMS, GEOCODE, PAYMENTS, BUCKETS].map(|(queue, provider)| QueueInfo {
            kinds: Kinds::new(
                program
                    .integrations()
                    .iter()
                    .flat_map(|of| of.kinds)
                    .copied(),
            ),
            refusal: ConfigRefusal::never(),
            repeats: RepeatEffect::Double,
            name: queue.to_owned(),
            max_attempts: 4,
            max_attempts_by_kind: std::collections::BTreeMap::new(),
            keep: Key::HOLDS,
            cancelled_bytes: 64 << 20,
            fallback: None,
            providers: vec![provider.to_owned()],
        });
        Ok(Self {
            client: Client::over(&link, NAMESPACE)?,
            operator: Operator::new(&link, NAMESPACE, queues.to_vec())?,
            email: Queue::new(link, NAMESPACE, EMAIL.0).map_err(Failure::failed)?,
            sendgrid: sendgrid.map_err(Failure::failed)?,
            twilio: twilio.map_err(Failure::failed)?,
            maps: maps.map_err(Failure::failed)?,
            stripe: stripe.map_err(Failure::failed)?,
            s3: s3.map_err(Failure::failed)?,
            r2: r2.map_err(Failure::failed)?,
            app,
            webhooks: None,
            webhooks_addr: webhooks_addr.map_err(Failure::failed)?,
            workers: Vec::new(),
            started: 0,
            redis,
            dir: tempfile::tempdir().map_err(Failure::failed)?,
        })
    }

    pub(super) fn faults(&self, rules: Vec<FaultRule>) -> Result<(), Failure> {
        self.sendgrid.faults().set(rules).map_err(Failure::failed)
    }

    pub(super) fn start_worker(&mut self) -> Result<(), Failure> {
        let worker = self.start("work")?;
        self.workers.push(worker);
        Ok(())
    }

    /// Starts the listener for events, and waits until it listens: Twilio tries a report four times within half a second,
    /// and on a busy machine a process takes longer than that to start.
    pub(super) async fn start_webhooks(&mut self) -> Result<(), Failure> {
        let mut listener = self.start("webhooks")?;
        let give_up = Instant::now() + PATIENCE;
        while TcpStream::connect(self.webhooks_addr).await.is_err() {
            if listener.try_wait().map_err(Failure::failed)?.is_some() {
                return Err(self.with_logs("the listener left as soon as it was started"));
            }
            if Instant::now() > give_up {
                return Err(self.with_logs("the listener does not listen"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.webhooks = Some(listener);
        Ok(())
    }

    /// Has Stripe post its events to the listener, or to nobody.
    pub(super) fn hear_stripe(&self, hears: bool) {
        let url = format!("http://{}/webhooks/stripe", self.webhooks_addr);
        let endpoint = WebhookEndpoint::new(url, WEBHOOK_SECRET);
        self.stripe.change_webhooks(|webhooks| {
            webhooks.endpoints = hears.then_some(endpoint).into_iter().collect();
        });
    }

    /// Starts this very program, with nothing but what is said here.
    fn start(&mut self, what: &str) -> Result<Child, Failure> {
        self.started += 1;
        let log = File::create(self.log(self.started)).map_err(Failure::failed)?;
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let mut command = Command::new(program);
        // Not what happens to be in this directory's ./config.
        command.current_dir(self.dir.path()).arg(what);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGSHORE_") {
                command.env_remove(name);
            }
        }
        for (name, value) in self.settings() {
            command.env(format!("LONGSHORE_{name}"), value);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failure::failed)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let sendgrid = [
            ("PROVIDERS__SENDGRID__BASE_URL", self.sendgrid.origin()),
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
        let twilio = [
            ("PROVIDERS__TWILIO__BASE_URL", self.twilio.origin()),
            ("PROVIDERS__TWILIO__ACCOUNT_SID", "ACdemo".to_owned()),
            ("PROVIDERS__TWILIO__AUTH_TOKEN", "demo".to_owned()),
            ("PROVIDERS__TWILIO__FROM", "+4780000000".to_owned()),
            // What is lost here would open it.
            ("PROVIDERS__TWILIO__BREAKER__FAILURES", "100".to_owned()),
            ("WEBHOOKS__HTTP_ADDR", self.webhooks_addr.to_string()),
            ("WEBHOOKS__PRIVATE_ADDR", "127.0.0.1:0".to_owned()),
            (
                "WEBHOOKS__PUBLIC_URL",
                format!("http://{}", self.webhooks_addr),
            ),
        ];
        let maps = [
            ("PROVIDERS__GOOGLE_MAPS__BASE_URL", self.maps.origin()),
            ("PROVIDERS__GOOGLE_MAPS__API_KEY", "demo".to_owned()),
        ];
        let payments = [
            ("PROVIDERS__STRIPE__BASE_URL", self.stripe.origin()),
            ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_demo".to_owned()),
            (
                "PROVIDERS__STRIPE__WEBHOOK_SECRETS",
                format!(r#"["{WEBHOOK_SECRET}"]"#),
            ),
            // What is lost here would open it.
            ("PROVIDERS__STRIPE__BREAKER__FAILURES", "100".to_owned()),
            ("APP__BASE_URL", self.app.origin()),
            ("APP__SECRET", APP_SECRET.to_owned()),
        ];
        let key = || S3Sandbox::ACCESS_KEY_ID.to_owned();
        let secret = || S3Sandbox::SECRET_ACCESS_KEY.to_owned();
        let buckets = [
            ("PROVIDERS__S3__REGION", "eu-north-1".to_owned()),
            ("PROVIDERS__S3__ENDPOINT_URL", self.s3.origin()),
            ("PROVIDERS__S3__FORCE_PATH_STYLE", "true".to_owned()),
            ("PROVIDERS__S3__ACCESS_KEY_ID", key()),
            ("PROVIDERS__S3__SECRET_ACCESS_KEY", secret()),
            ("PROVIDERS__R2__ENDPOINT_URL", self.r2.origin()),
            ("PROVIDERS__R2__FORCE_PATH_STYLE", "true".to_owned()),
            ("PROVIDERS__R2__ACCESS_KEY_ID", key()),
            ("PROVIDERS__R2__SECRET_ACCESS_KEY", secret()),
            ("BUCKETS__EXPORTS__NAME", EXPORTS.to_owned()),
            ("BUCKETS__EXPORTS__FALLBACK_NAME", EXPORTS_AWAY.to_owned()),
        ];
        let all = [
            ("REDIS__URL", self.redis.url()),
            ("REDIS__NAMESPACE", NAMESPACE.to_owned()),
            ("RETRY__SCHEDULE_SECONDS", "[1, 2, 4]".to_owned()),
            ("WORKER__HTTP_ADDR", "127.0.0.1:0".to_owned()),
            // Nothing but what the show enqueues, whatever the hour.
            ("CRON__NIGHTLY_RECONCILE__ENABLED", "false".to_owned()),
            ("CRON__LIFECYCLE_EXPORTS__ENABLED", "false".to_owned()),
            ("CRON__MOVE_BACK_EXPORTS__ENABLED", "false".to_owned()),
            ("CRON__SWEEP_EXPORTS__ENABLED", "false".to_owned()),
        ];
        all.into_iter()
            .chain(sendgrid)
            .chain(twilio)
            .chain(maps)
            .chain(payments)
            .chain(buckets)
            .collect()
    }

    fn log(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("process-{number}.log"))
    }

    /// SIGTERM to the oldest worker; it has to leave in good order.
    pub(super) async fn stop_worker(&mut self) -> Result<(), Failure> {
        let worker = self.workers.remove(0);
        self.stop("worker", worker).await
    }

    async fn stop(&self, what: &str, mut process: Child) -> Result<(), Failure> {
        let pid = process.id().map(|pid| pid.to_string()).unwrap_or_default();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .map_err(Failure::failed)?;
        match timeout(PATIENCE, process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.with_logs(&format!("the {what} left with {status}"))),
            Ok(Err(error)) => Err(Failure::failed(error)),
            Err(_) => Err(self.with_logs(&format!("the {what} does not stop"))),
        }
    }

    /// All workers, and the listener.
    pub(super) async fn stop_all(&mut self) -> Result<(), Failure> {
        while !self.workers.is_empty() {
            self.stop_worker().await?;
        }
        match self.webhooks.take() {
            Some(listener) => self.stop("listener", listener).await,
            None => Ok(()),
        }
    }

    pub(super) async fn row(&self, queue: &str) -> Result<QueueRow, Failure> {
        let rows = self.operator.queues().await?;
        rows.into_iter()
            .find(|row| row.queue == queue)
            .ok_or_else(|| Failure::failed(format!("there is no queue {queue}")))
    }

    /// Waits until SendGrid's breaker stands like this.
    pub(super) async fn breaker(&self, state: BreakerState) -> Result<(), Failure> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let row = self.row(EMAIL.0).await?;
            if row.breakers.iter().any(|breaker| breaker.state == state) {
                return Ok(());
            }
            if Instant::now() > give_up {
                return Err(self.with_logs(&format!("no breaker is {}", state.as_str())));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many attempts of emails failed and are, or were, made again.
    pub(super) async fn retried(&self) -> Result<u64, Failure> {
        Ok(self.email.stats().await?.counter("retried"))
    }

    /// Waits until a number in the queue's row has come to `goal`, under a progress bar.
    pub(super) async fn wait(
        &self,
        queue: &str,
        what: &str,
        goal: u64,
        of: fn(&QueueRow) -> u64,
    ) -> Result<(), Failure> {
        let start = of(&self.row(queue).await?);
        let bar = ProgressBar::new(goal.saturating_sub(start));
        if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        let give_up = Instant::now() + PATIENCE;
        loop {
            let row = self.row(queue).await?;
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

    /// A failure with the last words of the processes, since they are gone with the stage.
    fn with_logs(&self, what: &str) -> Failure {
        let mut text = what.to_owned();
        for n in 1..=self.started {
            let log = std::fs::read_to_string(self.log(n)).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(5).collect();
            text.push_str(&format!(
                "\nprocess {n}, last lines first:\n  {}",
                tail.join("\n  ")
            ));
        }
        Failure::Failed(text)
    }
}
