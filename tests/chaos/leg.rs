//! One leg of a run: a Redis, a fleet, producers, and the plan's faults carried out on them.

mod links;
mod providers;
mod redis;
mod rows;
mod vault;
mod workers;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_sandbox::{AppendFsync, PostgresServer, RedisServer};
use longshore_storage::sandbox::S3Sandbox;
use longshore_tests::{Act, NAMESPACE, Stage, Worker, gone_by, users};

use self::links::Links;
use self::redis::Around;
use self::vault::Kept;
use crate::app::App;
use crate::facts::{CronEntry, Facts};
use crate::faults::{Action, Persistence, ServersAction, Step, Topology};
use crate::looker::Looker;
use crate::memory::{self, Process};
use crate::operate::{OPERATOR, Operators};
use crate::plan::{CARRIERS, WORKERS, plan};
use crate::produce::{Producers, now_ms};
use crate::recovery;
use crate::roles::{Role, Roles};
use crate::rows::{Rows, Tried, database};
use crate::servers::Servers;
use crate::sort::Sort;
use crate::supervise::works;

/// The queues that take part, and whose providers.
pub(crate) const ACTS: [Act; 6] = [
    Act::Email,
    Act::Sms,
    Act::Payments,
    Act::Geocode,
    Act::Service,
    Act::Storage,
];

/// How often providers tell what was not taken: for a hundred seconds, longer than any outage.
const RETRIES: u32 = 11;

/// The cron entries that tick in a leg, and how often, in ms.
pub(crate) const TICKING: [(&str, u64); 3] = [
    ("chaos_mail", 2000),
    ("chaos_rules", 5000),
    ("chaos_backfill", 10_000),
];

/// The mail of a tick.
const TICK_ARGS: &str =
    r#"{"template":"welcome","to":{"email":"staff@example.com"},"data":{"at":"{tick}"}}"#;

/// How often it is looked whether a process has ended by itself.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a leg is left with once its faults are over.
pub(crate) struct Leg {
    pub(crate) stage: Stage,
    /// Several servers, where Redis is not the stage's own.
    servers: Option<Servers>,
    places: Vec<Option<Worker>>,
    pub(crate) postgres: PostgresServer,
    carriers: Vec<Option<Worker>>,
    pub(crate) app: App,
    /// Workers that were asked to stop, or cannot be asked any more.
    leaving: Vec<Worker>,
    sick: Option<Worker>,
    roles: Roles,
    /// Until they have ended.
    pub(crate) operators: Option<Operators>,
    /// Where buckets' objects go while S3 is away.
    _r2: S3Sandbox,
    poor: Option<Worker>,
    around: Around,
    links: Links,
    vault: Option<Kept>,
    seed: u64,
    persistence: Persistence,
    saved_ms: u64,
    /// What transactions had, committed or not.
    pub(crate) tried: Vec<Tried>,
    pub(crate) facts: Facts,
    pub(crate) counts: BTreeMap<&'static str, usize>,
}

impl Leg {
    /// Sets a leg up and carries its plan out. From the end of it on, nothing is broken any more.
    pub(crate) async fn run(
        seed: u64,
        length: Duration,
        topology: Topology,
        persistence: Persistence,
    ) -> Self {
        let mut leg = Self::set(seed, topology, persistence).await;
        let steps = plan(seed, length, topology, persistence);
        let api = leg.roles.door(Role::Api);
        let producers = Producers::start(&leg.stage.client, leg.mails(), api);
        let looker = Looker::start(leg.roles.door(Role::Console));
        let rows = Rows::start(&leg.postgres);
        let started = Instant::now();
        let (mut early, fifth) = (None, length / 5);
        for Step { at, action } in steps {
            if at >= fifth && early.is_none() {
                leg.go_on_until(fifth, started).await;
                early = Some(leg.processes());
            }
            leg.go_on_until(at, started).await;
            leg.carry_out(action).await;
            leg.facts.mends.extend(recovery::mend(action));
        }
        leg.go_on_until(length, started).await;
        leg.end_of_vault().await;
        leg.facts.memory = memory::grown(&early.unwrap_or_default(), &leg.processes());
        let (accepted, calls) = producers.end().await;
        leg.facts.accepted = accepted;
        leg.facts.accepted.extend(calls.accepted);
        leg.facts.keys = calls.keys;
        leg.facts.misbehaved.extend(calls.misbehaved);
        leg.counts.insert("requests repeated", calls.repeated);
        let looks = looker.end().await;
        leg.counts.insert("pages seen", looks.seen);
        leg.counts.insert("pages without Redis", looks.away);
        leg.facts.misbehaved.extend(looks.misbehaved);
        leg.tried = rows.end().await;
        leg
    }

    /// What each process holds in memory.
    fn processes(&self) -> Vec<Process> {
        let workers = self.places.iter().flatten().map(|worker| ("work", worker));
        let carriers = self.carriers.iter().flatten();
        let carriers = carriers.map(|carrier| ("outbox", carrier));
        let all = workers.chain(carriers).chain(self.roles.running());
        all.filter_map(|(role, process)| Process::look(role, process.pid()))
            .collect()
    }

    /// Lets the time go by, and sees to processes that have to be started again.
    pub(crate) async fn go_on_until(&mut self, at: Duration, started: Instant) {
        loop {
            self.roles
                .look_after(&self.stage, &mut self.facts.misbehaved);
            self.look_after_workers();
            let left = at.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            gone_by(left.min(LOOK_EVERY), Instant::now()).await;
        }
    }

    async fn set(seed: u64, topology: Topology, persistence: Persistence) -> Self {
        let options = RedisServer::options();
        let options = match persistence {
            Persistence::Always => options.append_only(AppendFsync::Always),
            Persistence::EverySecond => options.append_only(AppendFsync::EverySecond),
            // Of several servers there are others.
            Persistence::Snapshots | Persistence::Replicated | Persistence::Waited => options,
        };
        let (around, options) = Around::of(topology, options);
        let redis = options.users(users(NAMESPACE)).start().expect("a Redis");
        let mut stage = Stage::set_on(redis, Act::Email).await;
        stage.with_queues_of(&ACTS);
        let servers = Servers::start(&mut stage, topology, persistence).await;
        let r2 = S3Sandbox::start(([127, 0, 0, 1], 0).into());
        let r2 = r2.await.expect("a provider");
        tell_events(&mut stage, &r2);
        let roles = Roles::set(&mut stage);
        let links = Links::make(&mut stage, topology).await;
        let mut leg = Self {
            stage,
            servers,
            places: Vec::new(),
            postgres: database(),
            carriers: Vec::new(),
            app: App::start().await,
            leaving: Vec::new(),
            sick: None,
            roles,
            operators: None,
            _r2: r2,
            poor: None,
            around,
            links,
            vault: Kept::make(),
            seed,
            persistence,
            saved_ms: now_ms(),
            tried: Vec::new(),
            facts: Facts {
                several_nodes: topology == Topology::Cluster,
                ..Facts::default()
            },
            counts: BTreeMap::new(),
        };
        if leg.mails() == Sort::MailHeld {
            leg.stage.set_for_all("QUEUES__EMAIL__ON_UNKNOWN", "hold");
        }
        let url = leg.app.url();
        for (name, value) in [
            ("EVENTS__URL", url.as_str()),
            ("EVENTS__SECRET", App::SECRET),
            ("EVENTS__ON", r#"["completed", "dead", "cancelled"]"#),
            // More than the producers make.
            ("PROVIDERS__EVENTS__RATE_PER_SECOND", "1000"),
            ("SERVICES__CRM__RATE_PER_SECOND", "100"),
            ("OPERATOR", OPERATOR),
            ("CRON__CHAOS_MAIL__SCHEDULE", "*/2 * * * * *"),
            ("CRON__CHAOS_MAIL__KIND", "send_email"),
            ("CRON__CHAOS_MAIL__ARGS", TICK_ARGS),
            ("CRON__CHAOS_RULES__SCHEDULE", "*/5 * * * * *"),
            ("CRON__CHAOS_RULES__KIND", "apply_lifecycle"),
            ("CRON__CHAOS_RULES__ARGS", r#"{"bucket":"exports"}"#),
            ("CRON__CHAOS_BACKFILL__SCHEDULE", "*/10 * * * * *"),
            ("CRON__CHAOS_BACKFILL__KIND", "backfill_stripe_events"),
            (
                "CRON__CHAOS_BACKFILL__ARGS",
                r#"{"from":"{tick-1h}","to":"{tick}"}"#,
            ),
        ] {
            leg.stage.set_for_all(name, value);
        }
        leg.start_all().await;
        leg
    }

    /// Starts whoever takes part.
    async fn start_all(&mut self) {
        for act in ACTS {
            self.mend(act);
        }
        self.roles.start(&self.stage);
        for place in 0..WORKERS {
            let worker = works(|| self.worker(Some(place))).await;
            self.places.push(Some(worker));
        }
        let from_ms = now_ms();
        let entries = TICKING.map(|(name, every_ms)| CronEntry {
            name,
            every_ms,
            from_ms,
            until_ms: from_ms,
        });
        self.facts.cron.extend(entries);
        let api = self.roles.door(Role::Api);
        self.operators = Some(Operators::new(&self.stage, api, self.mails()));
        for _ in 0..CARRIERS {
            let carrier = self.stage.outbox(&self.postgres).spawn();
            self.carriers.push(Some(carrier));
        }
    }

    /// Mails are retried when their outcome is not known, as shipped; where Redis forgets, they are held, since that is
    /// where a second mail would have no cause.
    pub(crate) fn mails(&self) -> Sort {
        match self.persistence {
            Persistence::Snapshots => Sort::MailHeld,
            _ => Sort::MailRetried,
        }
    }

    async fn carry_out(&mut self, action: Action) {
        match action {
            Action::Worker(action) => self.on_workers(action).await,
            Action::Redis(action) => self.on_redis(action).await,
            Action::Servers(action) => self.on_servers(action).await,
            Action::Rows(action) => self.on_rows(action).await,
            Action::App(action) => self.on_app(action).await,
            Action::Provider(action) => self.on_provider(action),
            Action::Operate(operation) => {
                if let Some(operators) = &mut self.operators {
                    operators.begin(operation);
                }
            }
            Action::Role(action) => {
                if let Some(what) = self.roles.carry_out(action, &self.stage).await {
                    self.count(what);
                }
            }
            Action::Link(action) => self.on_link(action),
            Action::Vault(action) => self.on_vault(action),
        }
    }

    async fn on_servers(&mut self, action: ServersAction) {
        let Self {
            servers,
            facts,
            counts,
            ..
        } = self;
        if let Some(servers) = servers {
            servers.carry_out(action, facts, counts).await;
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// Has providers tell what became of things, and R2 stand in for S3.
fn tell_events(stage: &mut Stage, r2: &S3Sandbox) {
    for (name, value) in [
        ("PROVIDERS__R2__ENDPOINT_URL", r2.origin()),
        ("BUCKETS__EXPORTS__FALLBACK_NAME", "exports-away".to_owned()),
        (
            "PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS",
            format!(r#"["{}"]"#, stage.sendgrid.public_key()),
        ),
    ] {
        stage.set_for_all(name, value);
    }
    let url = stage.webhooks_url("sendgrid");
    stage.sendgrid.change_webhook(|webhook| {
        webhook.url = Some(url);
        webhook.retries = Some(RETRIES);
    });
    stage.hears_events();
    stage
        .stripe
        .change_webhooks(|webhooks| webhooks.retries = Some(RETRIES));
}
