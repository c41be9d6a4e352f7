//! What is tried: of which build everybody is, and how workers follow each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_sandbox::{Fault, FaultRule, Only, When};
use longshore_tests::{Caller, Stage, Worker, gone_by, within};

use crate::builds::{Build, Builds};
use crate::calls::{Notes, cancel_all, operate, produce, replay};
use crate::check::{Outcome, check};

/// How many workers there are.
const WORKERS: usize = 4;

/// How often one of them is replaced, and an operator comes.
const STEP: Duration = Duration::from_secs(2);

/// How many steps there are. Redis is killed at the beginning of the fourth.
const STEPS: usize = 8;
const REDIS_DIES: usize = 3;

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

impl Case {
    pub(crate) async fn run(&self, builds: &Builds) -> Outcome {
        let mut stage = Stage::set().await;
        stage.set_for_all("QUEUES__EMAIL__RETRY_SECONDS", "[0.5, 0.5, 1, 2, 4]");
        refuse(&stage, true);
        let (notes, over) = (Notes::default(), Arc::new(AtomicBool::new(false)));
        let producing: Vec<_> = self
            .producers
            .iter()
            .map(|build| Caller::new(&stage, builds.of(*build)))
            .map(|caller| produce(caller, notes.clone(), Arc::clone(&over)))
            .collect();
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(start(&stage, builds, self.workers[0]).await);
        }
        let operators = self.operators.iter();
        let operators = operators.map(|build| Caller::new(&stage, builds.of(*build)));
        let operators: Vec<_> = operators.collect();
        let (began, mut cancelled) = (Instant::now(), Vec::new());
        for step in 0..STEPS {
            gone_by(STEP * step as u32, began).await;
            if step == REDIS_DIES {
                stage.redis.kill();
                stage.redis.restart().expect("Redis comes back");
            }
            let build = self.workers[1 + step / (STEPS / 2)];
            let next = start(&stage, builds, build).await;
            let old = std::mem::replace(&mut workers[step % WORKERS], next);
            leave(old, step, &notes).await;
            let operator = &operators[step % operators.len()];
            cancelled.extend(operate(operator, &notes).await);
            if step == STEPS / 2 {
                refuse(&stage, false);
            }
            if step > STEPS / 2 {
                replay(operator, &notes).await;
            }
        }
        over.store(true, Ordering::Release);
        for producer in producing {
            producer.await.expect("a producer does not panic");
        }
        cancel_all(&operators[0], &notes).await;
        replay(&operators[0], &notes).await;
        within(ENDED_WITHIN, "every job ends", || async {
            let Ok(stats) = stage.queue.stats().await else {
                return false;
            };
            stats.pending + stats.running + stats.scheduled + stats.retryable == 0
        })
        .await;
        for worker in &mut workers {
            if let Some(code) = worker.ended() {
                let problem = format!("{}: a worker ended by itself, with {code}", self.name);
                notes.with(|noted| noted.problems.push(problem));
            }
        }
        check(self.name, &stage, &notes, &cancelled).await
    }
}

/// The provider refuses invoices or not. Some requests fail, and some lose their answer, whatever they are.
fn refuse(stage: &Stage, invoices: bool) {
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
    let others = [
        FaultRule::new(answer(503), When::Every(31)),
        FaultRule::new(Fault::HangUp { effect: true }, When::Every(97)),
        FaultRule::always(Fault::Delay { ms: 40 }),
    ];
    stage.faults(invoices.then_some(refused).into_iter().chain(others));
}

async fn start(stage: &Stage, builds: &Builds, build: Build) -> Worker {
    let worker = stage.worker().by_program(builds.of(build));
    worker.short_lease().concurrency(20).start().await
}

/// A worker is killed, or stopped and waited for.
async fn leave(mut worker: Worker, step: usize, notes: &Notes) {
    if step.is_multiple_of(2) {
        return worker.kill().await;
    }
    worker.stop();
    let code = worker.left_within(DRAINED_WITHIN).await;
    if code != 0 {
        let problem = format!("a worker that was asked to stop ended with {code}");
        notes.with(|noted| noted.problems.push(problem));
    }
}
