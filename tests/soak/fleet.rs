//! A fleet of every role, as shipped, and what became of its jobs.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_events::sandbox::EventsSandbox;
use longshore_outbox::SCHEMA;
use longshore_sandbox::{Fault, FaultRule, PostgresServer, When};
use longshore_tests::{Act, Stage, Worker, gone_by, http, within};
use tokio::process::Child;

/// The queues that take part.
pub(crate) const ACTS: [Act; 5] = [
    Act::Email,
    Act::Sms,
    Act::Payments,
    Act::Geocode,
    Act::Service,
];

/// Who the API lets in.
pub(crate) const TOKEN: &str = "soak-0123456789abcdef0123456789abcdef";

/// How long a provider takes.
const USUAL_MS: u64 = 20;

/// How long all may take to end: a retry waits for a minute, and 300 s after the next failure.
const ENDS_WITHIN: Duration = Duration::from_secs(900);

/// All that runs.
pub(crate) struct Fleet {
    pub(crate) stage: Stage,
    pub(crate) postgres: PostgresServer,
    pub(crate) api: SocketAddr,
    workers: Vec<(&'static str, Worker)>,
    console: Child,
    _app: EventsSandbox,
}

impl Fleet {
    pub(crate) async fn start(kept: Duration) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut stage = Stage::set().await.as_shipped();
        stage.with_queues_of(&ACTS);
        stage.hears_events();
        let app = EventsSandbox::start(anywhere).await.expect("a free port");
        let console_addr = TcpListener::bind(anywhere).and_then(|l| l.local_addr());
        let console_addr = console_addr.expect("a free port");
        let url = format!("{}/events", app.origin());
        for (name, value) in [
            ("EVENTS__URL", url.as_str()),
            ("EVENTS__SECRET", EventsSandbox::SECRET),
            ("EVENTS__ON", r#"["completed", "dead", "cancelled"]"#),
            ("EVENTS__KINDS", r#"["create_customer", "send_sms"]"#),
            ("API__TOKENS__SHOP__SECRET", TOKEN),
            ("CONSOLE__HTTP_ADDR", &console_addr.to_string()),
            ("CONSOLE__PRIVATE_ADDR", "127.0.0.1:0"),
            ("CONSOLE__TRUSTED_HEADER", "X-Forwarded-User"),
            ("CRON__PULSE__SCHEDULE", "* * * * *"),
            ("CRON__PULSE__KIND", "send_email"),
            (
                "CRON__PULSE__ARGS",
                r#"{template = "welcome", to = {email = "pulse@example.com"}, data = {}}"#,
            ),
        ] {
            stage.set_for_all(name, value);
        }
        for act in ACTS {
            let queue = act.queue().to_uppercase().replace('-', "_");
            let kept = kept.as_secs().to_string();
            stage.set_for_all(&format!("QUEUES__{queue}__COMPLETED_SECONDS"), kept.clone());
            let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
            stage.faults_of(act).set(vec![usual]).expect("valid rules");
        }
        stage.set_for_all(
            "QUEUES__EVENTS__COMPLETED_SECONDS",
            kept.as_secs().to_string(),
        );
        stage.faults([
            sometimes_away(),
            FaultRule::always(Fault::Delay { ms: USUAL_MS }),
        ]);
        let postgres = PostgresServer::start().expect("a private Postgres starts");
        postgres.sql(SCHEMA);
        let api = stage.api().start().await;
        let api_addr = api.api_addr();
        let workers = vec![
            ("worker 1", stage.worker().all_queues().start().await),
            ("worker 2", stage.worker().all_queues().start().await),
            ("outbox", stage.outbox(&postgres).start().await),
            ("webhooks", stage.webhooks().start().await),
            ("api", api),
        ];
        let console = stage.start(&["console"]);
        tokio::spawn(look_at(console_addr));
        Self {
            stage,
            postgres,
            api: api_addr,
            workers,
            console,
            _app: app,
        }
    }

    /// What each process has in memory, in KiB.
    pub(crate) fn memory(&self) -> Vec<(&'static str, u64)> {
        let workers = self.workers.iter();
        let pids = workers.map(|(name, worker)| (*name, u32::try_from(worker.pid()).unwrap_or(0)));
        let console = self.console.id().map(|pid| ("console", pid));
        pids.chain(console)
            .map(|(name, pid)| (name, resident(pid)))
            .collect()
    }

    /// Waits until everything has ended. Returns what must not be.
    pub(crate) async fn ends(&self, accepted: &[(Act, JobId)]) -> Vec<String> {
        within(ENDS_WITHIN, "everything ends", || async {
            let mut under_way = self.postgres.sql("SELECT count(*) FROM longshore_outbox") != "0";
            for queue in ACTS.iter().map(|act| act.queue()).chain(["events"]) {
                let queue = self.stage.queue.sibling(queue).expect("a valid name");
                under_way |= queue.stats().await.map_or(true, |s| {
                    s.pending + s.scheduled + s.running + s.retryable + s.notices > 0
                });
            }
            !under_way
        })
        .await;
        let mut problems = Vec::new();
        for act in ACTS.into_iter().filter(|act| *act != Act::Geocode) {
            let effects = self.stage.ledger_of(act).count_by_job();
            problems.extend(not_once(act, accepted, &effects));
        }
        for queue in ACTS.iter().map(|act| act.queue()).chain(["events"]) {
            let queue = self.stage.queue.sibling(queue).expect("a valid name");
            match queue.stats().await {
                Ok(stats) if stats.dead == 0 => {}
                stats => problems.push(format!("{}: {stats:?}", queue.name())),
            }
        }
        problems
    }
}

/// Who was not served exactly once.
fn not_once(act: Act, accepted: &[(Act, JobId)], effects: &HashMap<String, u64>) -> Vec<String> {
    let of_act = accepted.iter().filter(|(of, _)| *of == act);
    let wrong = of_act.filter_map(|(_, id)| {
        let times = effects.get(&id.to_string()).copied().unwrap_or(0);
        (times != 1).then(|| format!("{id} of {} had {times} effects", act.queue()))
    });
    wrong.collect()
}

fn sometimes_away() -> FaultRule {
    let away = Fault::Answer {
        status: 503,
        headers: [].into(),
        body: None,
        effect: false,
    };
    let chance = When::Chance {
        probability: 0.005,
        seed: 1,
    };
    FaultRule::new(away, chance)
}

/// Somebody who looks at the first page each five seconds.
async fn look_at(console: SocketAddr) {
    loop {
        let now = Instant::now();
        gone_by(Duration::from_secs(5), now).await;
        let headers = [("X-Forwarded-User", "ada")];
        let (status, page) = http::request(console, "GET /", &headers, "").await;
        assert!(status == 200, "the console says {status}: {page}");
    }
}

/// What a process has in memory, in KiB, as Linux says.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
