//! What is tried: of which build everybody is, and how workers follow each other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_events::sandbox::EventsSandbox;
use longshore_queue::Queue;
use longshore_sandbox::{Fault, FaultRule, Only, PostgresServer, When};
use longshore_tests::{Act, Caller, NAMESPACE, Stage, Worker, gone_by, within};
use tokio::task::JoinHandle;

use crate::builds::{Build, Builds};
use crate::calls::{Notes, Place, TICK, TICK_TO, end, operate, produce, replay};
use crate::check::{Outcome, Scene, check};
use crate::rows::{commit, database, left};
use crate::servers::{Servers, Topology};

/// The queues that take part, and whose providers. A build may not know the last.
const ACTS: [Act; 5] = [
    Act::Email,
    Act::Sms,
    Act::Payments,
    Act::Geocode,
    Act::Service,
];

/// How many workers there are.
const WORKERS: usize = 4;

/// How often one of them is replaced, and an operator comes.
const STEP: Duration = Duration::from_secs(2);

/// How many steps there are. Something happens to Redis at the beginning of the fourth.
const STEPS: usize = 8;
const REDIS_CHANGES: usize = 3;

/// How long a worker may take to finish what it has begun, and the whole queue in the end.
const DRAINED_WITHIN: Duration = Duration::from_secs(20);
const ENDED_WITHIN: Duration = Duration::from_secs(120);

/// Of which build everybody is.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    producers: &'static [Build],
    /// They take turns.
    operators: &'static [Build],
    /// The first workers, and those that follow in the first half of the steps and in the second.
    workers: [Build; 3],
}

use Build::{Before, Now};

/// All of them. In the first an upgrade is rolled out, and taken back.
pub(crate) const CASES: [Case; 3] = [
    Case {
        name: "rolling",
        producers: &Build::BOTH,
        operators: &Build::BOTH,
        workers: [Before, Now, Before],
    },
    Case {
        name: "old-workers",
        producers: &[Now],
        operators: &[Now],
        workers: [Before; 3],
    },
    Case {
        name: "new-workers",
        producers: &[Before],
        operators: &[Before],
        workers: [Now; 3],
    },
];

/// What every build of a case knows.
#[derive(Debug, Clone, Copy)]
struct Knows {
    services: bool,
    events: bool,
}

/// Who is at work.
struct Fleet {
    workers: Vec<Worker>,
    carrier: Worker,
}

impl Case {
    pub(crate) async fn run(&self, builds: &Builds, topology: Topology) -> Outcome {
        let mut stage = Stage::set().await;
        let knows = known(builds).await;
        let mut servers = Servers::start(&mut stage, topology);
        let app = EventsSandbox::start(([127, 0, 0, 1], 0).into()).await;
        let app = app.ok().filter(|_| knows.events);
        configure(&mut stage, knows, app.as_ref());
        trouble(&stage, true);
        let before = Caller::new(&stage, builds.of(Before));
        let postgres = database(&before).await;
        let (notes, over) = (Notes::default(), Arc::new(AtomicBool::new(false)));
        let mut producing = self.producing(&stage, builds, knows, &notes, &over);
        producing.push(commit(postgres.url(), notes.clone(), Arc::clone(&over)));
        let operators = self.operators.iter();
        let operators = operators.map(|build| Caller::new(&stage, builds.of(*build)));
        let operators: Vec<_> = operators.collect();
        let mut fleet = self.fleet(&stage, builds, &postgres).await;
        let (began, mut cancelled) = (Instant::now(), Vec::new());
        for step in 0..STEPS {
            gone_by(STEP * step as u32, began).await;
            if step == REDIS_CHANGES {
                servers.change(&mut stage).await;
            }
            let build = self.workers[1 + step / (STEPS / 2)];
            fleet
                .replace(&stage, builds.of(build), &postgres, step, &notes)
                .await;
            let operator = &operators[step % operators.len()];
            cancelled.extend(operate(operator, &notes).await);
            if step == STEPS / 2 {
                trouble(&stage, false);
            }
            if step > STEPS / 2 {
                replay(operator, &notes).await;
            }
        }
        over.store(true, Ordering::Release);
        for producer in producing {
            producer.await.expect("a producer does not panic");
        }
        end(&operators[0], &notes).await;
        replay(&operators[0], &notes).await;
        ended(&stage, &postgres, knows).await;
        fleet.end(&notes).await;
        let scene = Scene {
            stage: &stage,
            postgres: &postgres,
            app: app.as_ref(),
            notes: &notes,
            cancelled: &cancelled,
        };
        check(self.name, &scene).await
    }

    fn producing(
        &self,
        stage: &Stage,
        builds: &Builds,
        knows: Knows,
        notes: &Notes,
        over: &Arc<AtomicBool>,
    ) -> Vec<JoinHandle<()>> {
        let of = self.producers.len();
        let producers = self.producers.iter().enumerate();
        producers
            .map(|(number, build)| {
                let place = Place {
                    number,
                    of,
                    services: knows.services,
                };
                let caller = Caller::new(stage, builds.of(*build));
                produce(caller, place, notes.clone(), Arc::clone(over))
            })
            .collect()
    }

    async fn fleet(&self, stage: &Stage, builds: &Builds, postgres: &PostgresServer) -> Fleet {
        let program = builds.of(self.workers[0]);
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(work(stage, program).await);
        }
        let carrier = carry(stage, program, postgres).await;
        Fleet { workers, carrier }
    }
}

impl Fleet {
    /// One worker and the carrier are replaced by those of this build.
    async fn replace(
        &mut self,
        stage: &Stage,
        program: &Path,
        postgres: &PostgresServer,
        step: usize,
        notes: &Notes,
    ) {
        let next = work(stage, program).await;
        let place = step % self.workers.len();
        let old = std::mem::replace(&mut self.workers[place], next);
        leave(old, step, notes).await;
        let next = carry(stage, program, postgres).await;
        let old = std::mem::replace(&mut self.carrier, next);
        leave(old, step + 1, notes).await;
    }

    async fn end(self, notes: &Notes) {
        for mut one in self.workers.into_iter().chain([self.carrier]) {
            if let Some(code) = one.ended() {
                notes.problem(format!("a worker ended by itself, with {code}"));
                continue;
            }
            // Asked to stop, each.
            leave(one, 1, notes).await;
        }
    }
}

/// What both builds know, by what they say where a service is set, and where none is. Who does not know services says nothing but
/// that, so they are asked on a stage of their own.
async fn known(builds: &Builds) -> Knows {
    let (plain, mut with_service) = (Stage::set().await, Stage::set().await);
    with_service.with_queues_of(&[Act::Service]);
    let mut said = Vec::new();
    for build in Build::BOTH {
        let mut kinds = String::new();
        for stage in [&plain, &with_service] {
            let caller = Caller::new(stage, builds.of(build));
            kinds += &caller.call(&["kinds"], "").await.stdout;
        }
        said.push(kinds);
    }
    let know = |kind: &str| said.iter().all(|kinds| kinds.contains(kind));
    let knows = Knows {
        services: know("call_service"),
        events: know("deliver_event"),
    };
    for (is_known, what) in [
        (knows.services, "configured services"),
        (knows.events, "telling the app"),
    ] {
        if !is_known {
            println!("without {what}: the earlier build does not know that");
        }
    }
    knows
}

fn configure(stage: &mut Stage, knows: Knows, app: Option<&EventsSandbox>) {
    let acts = ACTS.len() - usize::from(!knows.services);
    stage.with_queues_of(&ACTS[..acts]);
    stage.set_for_all("RETRY__SCHEDULE_SECONDS", "[0.5, 0.5, 1, 2, 4]");
    let args = format!(r#"{{"template":"welcome","to":{{"email":"{TICK_TO}"}},"data":{{}}}}"#);
    for (key, value) in [
        ("SCHEDULE", "*/2 * * * * *"),
        ("KIND", "send_email"),
        ("ARGS", &args),
    ] {
        let name = format!("CRON__{}__{key}", TICK.to_uppercase());
        stage.set_for_all(&name, value);
    }
    if knows.services {
        stage.set_for_all("SERVICES__CRM__RATE_PER_SECOND", "100");
    }
    if let Some(app) = app {
        for (name, value) in [
            ("EVENTS__URL", format!("{}/events", app.origin())),
            ("EVENTS__SECRET", EventsSandbox::SECRET.to_owned()),
            (
                "EVENTS__ON",
                r#"["completed", "dead", "cancelled"]"#.to_owned(),
            ),
            ("PROVIDERS__EVENTS__RATE_PER_SECOND", "1000".to_owned()),
        ] {
            stage.set_for_all(name, value);
        }
    }
}

/// SendGrid refuses invoices or not. At every provider some requests fail, and some lose their answer.
fn trouble(stage: &Stage, invoices: bool) {
    let answer = |status| Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect: false,
    };
    let refused = FaultRule::always(answer(400)).only(Only {
        template: Some("d-invoice".to_owned()),
        ..Only::default()
    });
    for act in ACTS {
        let others = [
            FaultRule::new(answer(503), When::Every(31)),
            FaultRule::new(Fault::HangUp { effect: true }, When::Every(97)),
            FaultRule::always(Fault::Delay { ms: 40 }),
        ];
        let refused = (act == Act::Email && invoices).then(|| refused.clone());
        let rules = refused.into_iter().chain(others).collect();
        stage.faults_of(act).set(rules).expect("valid rules");
    }
}

/// Waits until everything has ended, rows are carried, and the app was told.
async fn ended(stage: &Stage, postgres: &PostgresServer, knows: Knows) {
    let acts = ACTS.iter().map(|act| act.queue());
    let all = acts.chain(["events"]).filter(|queue| match *queue {
        "events" => knows.events,
        "svc-crm" => knows.services,
        _ => true,
    });
    let link = stage.queue.link();
    let queues = all.map(|name| Queue::new(link.clone(), NAMESPACE, name).expect("good names"));
    let queues: Vec<Queue> = queues.collect();
    within(ENDED_WITHIN, "every job ends", || async {
        if !left(postgres).is_empty() {
            return false;
        }
        for queue in &queues {
            let Ok(stats) = queue.stats().await else {
                return false;
            };
            if stats.pending + stats.running + stats.scheduled + stats.retryable > 0 {
                return false;
            }
            let mut untold = redis::cmd("ZCARD");
            untold.arg(&queue.keys().notices);
            if queue.link().command::<u64>(&untold).await.ok() != Some(0) {
                return false;
            }
        }
        true
    })
    .await;
}

async fn work(stage: &Stage, program: &Path) -> Worker {
    let worker = stage.worker().by_program(program);
    worker.short_lease().all_queues().start().await
}

async fn carry(stage: &Stage, program: &Path, postgres: &PostgresServer) -> Worker {
    stage.outbox(postgres).by_program(program).start().await
}

/// A worker, or a carrier, is killed, or stopped and waited for.
async fn leave(mut worker: Worker, step: usize, notes: &Notes) {
    if step.is_multiple_of(2) {
        return worker.kill().await;
    }
    worker.stop();
    let code = worker.left_within(DRAINED_WITHIN).await;
    if code != 0 {
        notes.problem(format!("one that was asked to stop ended with {code}"));
    }
}
