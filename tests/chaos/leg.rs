//! One leg of a run: a Redis, a fleet, producers, and the plan's faults carried out on them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_sandbox::{AppendFsync, Fault, FaultRule, PostgresServer, RedisServer, When};
use longshore_tests::{Act, NAMESPACE, Stage, Worker, gone_by, users};

use crate::app::App;
use crate::check::{Facts, Forgotten};
use crate::faults::{Action, Persistence, Step, Topology, Trouble};
use crate::plan::{CARRIERS, WORKERS, plan};
use crate::produce::{Producers, now_ms};
use crate::rows::{Rows, Tried, database};
use crate::servers::Servers;
use crate::sort::Sort;

/// The queues that take part, and whose providers.
pub(crate) const ACTS: [Act; 5] = [
    Act::Email,
    Act::Sms,
    Act::Payments,
    Act::Geocode,
    Act::Service,
];

/// How long every provider takes when it is well, so that requests are out when a worker is killed.
const USUAL_MS: u64 = 40;

/// How long a kill of Redis may take back under `everysec`: Redis lets a slow disk delay it to two seconds.
const EVERYSEC_MS: u64 = 2000;

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
        let producers = Producers::start(&leg.stage.client, leg.mails());
        let rows = Rows::start(&leg.postgres);
        let started = Instant::now();
        for Step { at, action } in steps {
            gone_by(at, started).await;
            leg.carry_out(action).await;
        }
        gone_by(length, started).await;
        leg.facts.accepted = producers.end().await;
        leg.tried = rows.end().await;
        leg
    }

    async fn set(seed: u64, topology: Topology, persistence: Persistence) -> Self {
        let options = RedisServer::options();
        let options = match persistence {
            Persistence::Always => options.append_only(AppendFsync::Always),
            Persistence::EverySecond => options.append_only(AppendFsync::EverySecond),
            // Of several servers there are others.
            Persistence::Snapshots | Persistence::Replicated | Persistence::Waited => options,
        };
        let redis = options.users(users(NAMESPACE)).start().expect("a Redis");
        let mut stage = Stage::set_on(redis, Act::Email).await;
        stage.with_queues_of(&ACTS);
        let servers = Servers::start(&mut stage, topology, persistence).await;
        let mut leg = Self {
            stage,
            servers,
            places: Vec::new(),
            postgres: database(),
            carriers: Vec::new(),
            app: App::start().await,
            leaving: Vec::new(),
            sick: None,
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
        ] {
            leg.stage.set_for_all(name, value);
        }
        for act in ACTS {
            leg.mend(act);
        }
        for _ in 0..WORKERS {
            let worker = leg.stage.worker().all_queues().start().await;
            leg.places.push(Some(worker));
        }
        for _ in 0..CARRIERS {
            let carrier = leg.stage.outbox(&leg.postgres).start().await;
            leg.carriers.push(Some(carrier));
        }
        leg
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
            Action::KillWorker(place) => self.kill(place).await,
            Action::StopWorker(place) => self.stop(place),
            Action::StartWorker(place) => {
                let worker = self.stage.worker().all_queues().start().await;
                self.places[place] = Some(worker);
            }
            Action::FreezeWorker(place) => {
                self.count("workers frozen");
                self.facts.deaths_ms.push(now_ms());
                if let Some(worker) = &self.places[place] {
                    worker.freeze();
                }
            }
            Action::ThawWorker(place) => {
                if let Some(worker) = &self.places[place] {
                    worker.thaw();
                }
            }
            Action::Save => self.save().await,
            Action::KillRedis => self.kill_redis(),
            Action::StartRedis => {
                self.stage.redis.restart().expect("Redis comes back");
                if let Some(forgotten) = self.facts.forgotten.last_mut() {
                    forgotten.back_ms = now_ms();
                }
            }
            Action::FreezeRedis => {
                self.count("Redis frozen");
                self.stage.redis.pause().expect("it runs");
            }
            Action::ThawRedis => self.stage.redis.resume().expect("it runs"),
            Action::CutConnections => self.cut_connections().await,
            Action::FreezeReplicas
            | Action::KillPrimary(_)
            | Action::StartKilled
            | Action::FreezePrimary(_)
            | Action::ThawPrimary
            | Action::FailOver(_)
            | Action::MoveSlot(_) => {
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
            Action::KillCarrier(_)
            | Action::StartCarrier(_)
            | Action::FreezeCarrier(_)
            | Action::ThawCarrier(_)
            | Action::KillPostgres
            | Action::StartPostgres => self.carry_out_on_rows(action).await,
            Action::BeginApp(trouble) => {
                self.count("troubles of the app");
                self.app.begin(trouble);
            }
            Action::MendApp => self.app.mend().await,
            Action::StartSickWorker => self.start_sick().await,
            Action::StopSickWorker => {
                if let Some(worker) = self.sick.take() {
                    worker.stop();
                    self.leaving.push(worker);
                }
            }
            Action::Begin(act, trouble) => self.begin(act, trouble),
            Action::Mend(act) => self.mend(act),
        }
    }

    /// What is done to Postgres and to those who carry its rows.
    async fn carry_out_on_rows(&mut self, action: Action) {
        match action {
            Action::KillCarrier(place) => {
                if let Some(carrier) = self.carriers[place].take() {
                    self.count("carriers killed");
                    carrier.kill().await;
                }
            }
            Action::StartCarrier(place) => {
                let carrier = self.stage.outbox(&self.postgres).start().await;
                self.carriers[place] = Some(carrier);
            }
            Action::FreezeCarrier(place) => {
                self.count("carriers frozen");
                if let Some(carrier) = &self.carriers[place] {
                    carrier.freeze();
                }
            }
            Action::ThawCarrier(place) => {
                if let Some(carrier) = &self.carriers[place] {
                    carrier.thaw();
                }
            }
            Action::KillPostgres => {
                self.count("Postgres killed");
                self.postgres.kill();
            }
            Action::StartPostgres => self.postgres.restart().expect("Postgres comes back"),
            _ => {}
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    async fn kill(&mut self, place: usize) {
        if let Some(worker) = self.places[place].take() {
            self.count("workers killed");
            self.facts.deaths_ms.push(now_ms());
            worker.kill().await;
        }
    }

    fn stop(&mut self, place: usize) {
        if let Some(worker) = self.places[place].take() {
            self.count("workers deployed");
            self.facts.deaths_ms.push(now_ms());
            worker.stop();
            self.leaving.push(worker);
        }
    }

    async fn save(&mut self) {
        let began = now_ms();
        let saved: Result<String, _> = self.stage.queue.link().command(&redis::cmd("SAVE")).await;
        if saved.is_ok() {
            self.saved_ms = began;
        }
    }

    fn kill_redis(&mut self) {
        self.count("Redis killed");
        self.stage.redis.kill();
        // What it took on until it was gone is gone as well.
        let killed_ms = now_ms();
        let from_ms = match self.persistence {
            Persistence::Always => return,
            Persistence::EverySecond => killed_ms - EVERYSEC_MS,
            Persistence::Snapshots => self.saved_ms,
            // Those are killed elsewhere.
            Persistence::Replicated | Persistence::Waited => return,
        };
        self.facts.forgotten.push(Forgotten {
            from_ms,
            killed_ms,
            back_ms: killed_ms,
            keeps_accepted: false,
        });
    }

    async fn cut_connections(&mut self) {
        self.count("connections cut");
        let mut cut = redis::cmd("CLIENT");
        cut.arg("KILL")
            .arg("TYPE")
            .arg("normal")
            .arg("SKIPME")
            .arg("yes");
        let link = self.stage.queue.link();
        for node in link.nodes().await.unwrap_or_default() {
            // Its own connection may break of it as well.
            let _: Result<u64, _> = link.command_at(&node, &cut).await;
        }
    }

    /// One on whose machine no provider can be reached.
    async fn start_sick(&mut self) {
        self.count("sick workers");
        let nowhere = "http://127.0.0.1:9";
        let mut start = self.stage.worker().all_queues();
        for provider in ["SENDGRID", "TWILIO", "STRIPE", "GOOGLE_MAPS"] {
            start = start.set(&format!("PROVIDERS__{provider}__BASE_URL"), nowhere);
        }
        start = start.set("SERVICES__CRM__BASE_URL", nowhere);
        let worker = start.set("EVENTS__URL", nowhere).start().await;
        self.facts.sick.push(worker.pid().to_string());
        self.sick = Some(worker);
    }

    fn begin(&mut self, act: Act, trouble: Trouble) {
        self.count("troubled providers");
        let (status, effect) = match trouble {
            Trouble::Unavailable => (503, false),
            _ => (500, true),
        };
        let fault = match trouble {
            Trouble::HangsUpUnread => Fault::HangUpUnread,
            Trouble::HangsUpAfter => Fault::HangUp { effect: true },
            Trouble::HangsUpBefore => Fault::HangUp { effect: false },
            Trouble::Unavailable | Trouble::Failed => Fault::Answer {
                status,
                headers: BTreeMap::new(),
                body: None,
                effect,
            },
            Trouble::Garbage => Fault::Garbage {
                status: 200,
                effect: true,
            },
            Trouble::Throttles => Fault::Throttle {
                retry_after_seconds: Some(2),
                reset_in_seconds: None,
            },
            Trouble::Slow => Fault::Delay { ms: 2000 },
        };
        let chance = When::Chance {
            probability: 0.33,
            seed: self.seed,
        };
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        let rules = vec![FaultRule::new(fault, chance), usual];
        self.stage.faults_of(act).set(rules).expect("valid rules");
    }

    fn mend(&mut self, act: Act) {
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        self.stage
            .faults_of(act)
            .set(vec![usual])
            .expect("valid rules");
    }
}
