mod jobs;

pub use jobs::outcomes;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_client::Client;
use longshore_email::sandbox::SendGridSandbox;
use longshore_geocode::sandbox::GoogleMapsSandbox;
use longshore_integration::settings::SecretRef;
use longshore_payment_reconcile::sandbox::{AppSandbox, StripeSandbox, WebhookEndpoint};
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::{
    AppendFsync, FaultRule, Faults, Ledger, PostgresServer, RedisServer, free_port,
};
use longshore_services::AuthType;
use longshore_services::sandbox::ServiceSandbox;
use longshore_sms::sandbox::TwilioSandbox;
use longshore_storage::sandbox::S3Sandbox;
use tempfile::TempDir;
use tokio::process::Command;

use crate::act::{APP_SECRET, SERVICE, SERVICE_TOKEN, WEBHOOK_SECRET, operations};
use crate::users::{Refusals, User, users};
use crate::{Act, Said, Start, Wire, program};

/// The cron entries that are there by themselves, as variables have them.
const BUILT_IN_CRON: [&str; 7] = [
    "LIFECYCLE_EXPORTS",
    "LIFECYCLE_UPLOADS",
    "MOVE_BACK_EXPORTS",
    "MOVE_BACK_UPLOADS",
    "NIGHTLY_RECONCILE",
    "SWEEP_EXPORTS",
    "SWEEP_UPLOADS",
];

/// The namespace that flows play in.
pub const NAMESPACE: &str = "flow";

/// A Redis of one's own, a stand-in for each provider in this process, and a producer, for a flow on one provider's
/// queue. Workers are started on it with [`Stage::worker`]. All of it is gone when the stage is.
#[derive(Debug)]
pub struct Stage {
    // Dropped first, since it asks the Redis.
    _refusals: Refusals,
    /// The Redis. It writes every change down before it answers, so that a kill loses nothing that was acknowledged.
    pub redis: RedisServer,
    /// Which queue the flow plays on.
    pub act: Act,
    /// The providers.
    pub sendgrid: SendGridSandbox,
    /// See above.
    pub twilio: TwilioSandbox,
    /// See above.
    pub google_maps: GoogleMapsSandbox,
    /// See above.
    pub stripe: StripeSandbox,
    /// See above.
    pub s3: S3Sandbox,
    /// The service that configuration alone describes.
    pub service: ServiceSandbox,
    /// The company's app.
    pub app: AppSandbox,
    /// A producer.
    pub client: Client,
    /// The queue, to look at.
    pub queue: Queue,
    /// Where `longshore webhooks` will listen.
    webhooks: SocketAddr,
    /// What is set for all commands beside.
    settings: Vec<(String, String)>,
    /// Limits and breakers of its act's provider are as they are shipped.
    shipped: bool,
    started: AtomicUsize,
    // Removed last, after all that writes into it.
    dir: TempDir,
}

impl Stage {
    /// Sets it for a flow of emails.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn set() -> Self {
        Self::set_for(Act::Email).await
    }

    /// Sets it.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn set_for(act: Act) -> Self {
        let redis = RedisServer::options()
            .append_only(AppendFsync::Always)
            .users(users(NAMESPACE))
            .start()
            .expect("a Redis");
        Self::set_on(redis, act).await
    }

    /// Sets it on a Redis that keeps its data in another way, and has [`users`] as well.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn set_on(redis: RedisServer, act: Act) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let sendgrid = SendGridSandbox::start(anywhere).await;
        let twilio = TwilioSandbox::start(anywhere).await;
        let google_maps = GoogleMapsSandbox::start(anywhere).await;
        let stripe = StripeSandbox::start(anywhere).await;
        let s3 = S3Sandbox::start(anywhere).await;
        let token = SecretRef::new(SERVICE_TOKEN.to_owned());
        let auth = AuthType::Bearer { token };
        let service = ServiceSandbox::start(anywhere, SERVICE, operations(), &auth).await;
        let app = AppSandbox::start(anywhere).await.expect("an app");
        app.set_secret(APP_SECRET);
        // Messages have to name it before there is a listener, and while that is dead.
        let webhooks = free_port().expect("a free port");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("a valid URL");
        Self {
            _refusals: Refusals::at(&redis.url()),
            client: Client::in_namespace(&User::Producer.at(&redis.url()), NAMESPACE)
                .expect("a valid URL"),
            queue: Queue::new(link, NAMESPACE, act.queue()).expect("valid names"),
            act,
            redis,
            sendgrid: sendgrid.expect("a provider"),
            twilio: twilio.expect("a provider"),
            google_maps: google_maps.expect("a provider"),
            stripe: stripe.expect("a provider"),
            s3: s3.expect("a provider"),
            service: service.expect("a provider"),
            app,
            webhooks: SocketAddr::from(([127, 0, 0, 1], webhooks)),
            settings: Vec::new(),
            shipped: false,
            started: AtomicUsize::new(0),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Sets `LONGSHORE_<name>` for all that is started on it from now on.
    pub fn set_for_all(&mut self, name: &str, value: impl Into<String>) {
        self.settings.push((name.to_owned(), value.into()));
    }

    /// Leaves the limits and the breaker of its act's provider as they are shipped.
    #[must_use]
    pub fn as_shipped(mut self) -> Self {
        self.shipped = true;
        self
    }

    /// Configures these queues beside its act's, with the limits and breakers as they are shipped.
    pub fn with_queues_of(&mut self, acts: &[Act]) {
        for act in acts {
            let settings = act.settings(self.webhooks, self.app.origin());
            let base_url = (act.of_provider("BASE_URL"), self.provider_of(*act).1);
            let settings = settings.into_iter().filter(|(name, _)| !is_roomy(name));
            self.settings.extend(settings.chain([base_url]));
        }
    }

    /// The faults of the provider of this act's queue.
    #[must_use]
    pub fn faults_of(&self, act: Act) -> &Faults {
        self.provider_of(act).0
    }

    /// The port of the provider of this act's queue.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn provider_port(&self, act: Act) -> u16 {
        let origin = self.provider_of(act).1;
        let port = origin.rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("an origin with a port")
    }

    /// Has all reach that provider by this wire from now on.
    pub fn reach_provider_by(&mut self, act: Act, wire: &Wire) {
        self.set_for_all(&act.of_provider("BASE_URL"), wire.origin());
    }

    /// A worker to be started on it.
    pub fn worker(&self) -> Start<'_> {
        Start::work(self, self.started())
    }

    /// A listener for providers' events to be started on it.
    pub fn webhooks(&self) -> Start<'_> {
        Start::webhooks(self, self.started())
    }

    /// An HTTP API to be started on it.
    pub fn api(&self) -> Start<'_> {
        Start::api(self, self.started())
    }

    /// A console to be started on it.
    pub fn console(&self) -> Start<'_> {
        Start::console(self, self.started())
    }

    /// A carrier of the jobs in this Postgres to be started on it.
    pub fn outbox(&self, postgres: &PostgresServer) -> Start<'_> {
        Start::outbox(self, self.started()).set("OUTBOX__DATABASE_URL", postgres.url())
    }

    /// Where [`Stage::webhooks`] listens for this provider's events.
    #[must_use]
    pub fn webhooks_url(&self, provider: &str) -> String {
        format!("http://{}/webhooks/{provider}", self.webhooks)
    }

    /// Has Stripe post its events to [`Stage::webhooks`].
    pub fn hears_events(&self) {
        let endpoint = WebhookEndpoint::new(self.webhooks_url("stripe"), WEBHOOK_SECRET);
        self.stripe
            .change_webhooks(|webhooks| webhooks.endpoints = vec![endpoint]);
    }

    fn started(&self) -> usize {
        self.started.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What the provider has carried out.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.ledger_of(self.act)
    }

    /// What the provider of this act's queue has carried out.
    #[must_use]
    pub fn ledger_of(&self, act: Act) -> &Ledger {
        match act {
            Act::Email => self.sendgrid.ledger(),
            Act::Sms => self.twilio.ledger(),
            Act::Geocode => self.google_maps.ledger(),
            Act::Payments => self.stripe.ledger(),
            Act::Storage => self.s3.ledger(),
            Act::Service => self.service.ledger(),
        }
    }

    fn provider(&self) -> (&Faults, String) {
        self.provider_of(self.act)
    }

    fn provider_of(&self, act: Act) -> (&Faults, String) {
        match act {
            Act::Email => (self.sendgrid.faults(), self.sendgrid.origin()),
            Act::Sms => (self.twilio.faults(), self.twilio.origin()),
            Act::Geocode => (self.google_maps.faults(), self.google_maps.origin()),
            Act::Payments => (self.stripe.faults(), self.stripe.origin()),
            Act::Storage => (self.s3.faults(), self.s3.origin()),
            Act::Service => (self.service.faults(), self.service.origin()),
        }
    }

    /// Makes the provider misbehave by these rules, instead of those before.
    ///
    /// # Panics
    /// When a rule cannot be followed.
    pub fn faults(&self, rules: impl IntoIterator<Item = FaultRule>) {
        let rules = rules.into_iter().collect();
        self.provider().0.set(rules).expect("valid rules");
    }

    /// Runs one of the other commands to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn longshore(&self, args: &[&str]) -> Said {
        self.longshore_with(args, &[]).await
    }

    /// The same with variables of its environment.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn longshore_with(&self, args: &[&str], env: &[(&str, &str)]) -> Said {
        let mut command = self.command(&User::Operator.at(&self.redis.url()));
        command.envs(env.iter().copied());
        let output = command.args(args).output().await.expect("starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts one of the other commands, and goes on. It is killed when it is dropped.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> tokio::process::Child {
        let mut command = self.command(&User::Operator.at(&self.redis.url()));
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.args(args).spawn().expect("starts")
    }

    /// The program with nothing but this stage's settings: no `./config`, and no variables of ours from outside.
    pub(crate) fn command(&self, redis_url: &str) -> Command {
        self.command_of(&program(), redis_url)
    }

    /// The same by this build of the program.
    pub(crate) fn command_of(&self, program: &Path, redis_url: &str) -> Command {
        self.set_up(Command::new(program), redis_url)
    }

    /// The same, with so many descriptors at the most.
    pub(crate) fn limited_command(
        &self,
        program: &Path,
        redis_url: &str,
        descriptors: usize,
    ) -> Command {
        let mut command = Command::new("sh");
        let script = r#"ulimit -n "$0" && exec "$@""#;
        command.args(["-c", script, &descriptors.to_string()]);
        command.arg(program);
        self.set_up(command, redis_url)
    }

    /// The same, which goes on where a file may not grow.
    pub(crate) fn enduring_command(&self, program: &Path, redis_url: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]);
        command.arg(program);
        self.set_up(command, redis_url)
    }

    fn set_up(&self, mut command: Command, redis_url: &str) -> Command {
        command.current_dir(self.dir()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGSHORE_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let mut settings = self.act.settings(self.webhooks, self.app.origin());
        if self.shipped {
            settings.retain(|(name, _)| !is_roomy(name));
        }
        settings.extend([
            ("REDIS__URL".to_owned(), redis_url.to_owned()),
            ("REDIS__NAMESPACE".to_owned(), NAMESPACE.to_owned()),
            ("WORKER__HTTP_ADDR".to_owned(), "127.0.0.1:0".to_owned()),
            (self.act.of_provider("BASE_URL"), self.provider().1),
        ]);
        // A flow that plays at night has no job more than it enqueues.
        settings.extend(
            BUILT_IN_CRON.map(|name| (format!("CRON__{name}__ENABLED"), "false".to_owned())),
        );
        settings.extend(self.settings.iter().cloned());
        for (name, value) in settings {
            command.env(format!("LONGSHORE_{name}"), value);
        }
        command.kill_on_drop(true);
        command
    }

    /// Where everything is started, and `./config` is looked for.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Whether a setting of an act is there to keep limits and breakers out of a flow's way.
fn is_roomy(name: &str) -> bool {
    name.ends_with("RATE_PER_SECOND") || name.ends_with("__BREAKER__FAILURES")
}
