//! A queue's histories, made at random, against a model of what a queue is: every script is run on a real Redis, and after each
//! step each job has to be where the model says, and claims have to hand out what the model says, in its order.
//!
//! `LONGSHORE_MODEL_CASES` says how many histories are run (150 unless set), and proptest keeps the seeds of those that fail in
//! `crates/queue/proptest-regressions`. A history that found a fault stands in `cases.rs` as well, so that it can be read.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod calls;
mod cases;
mod claims;
mod clock;
mod cron;
mod ends;
mod foreign;
mod lanes;
mod leases;
mod model;
mod operators;
mod producers;
mod provider;
mod restore;
mod step;
mod workers;
mod world;

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use proptest::collection::vec;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use step::Step;
use world::World;

/// So many steps at the most: long enough for a job to die, be replayed, get lost and die again.
const LONGEST: usize = 60;

struct Histories {
    runtime: Runtime,
    redis: RedisServer,
    run: std::cell::Cell<usize>,
}

impl Histories {
    fn new() -> Self {
        Self {
            runtime: Runtime::new().expect("there are threads"),
            redis: RedisServer::start().expect("a private Redis starts"),
            run: std::cell::Cell::default(),
        }
    }

    /// Carries one out, in a namespace of its own. What goes wrong is told with the step that it went wrong at.
    fn run(&self, steps: &[Step]) -> Result<(), String> {
        let number = self.run.get();
        self.run.set(number + 1);
        self.runtime.block_on(async {
            let link =
                Link::new(&self.redis.url(), LinkOptions::default()).expect("the URL is good");
            let mut world = World::new(&link, &format!("m{number}")).await;
            for (n, step) in steps.iter().enumerate() {
                let told = |problem| format!("step {n}, {step:?}: {problem}");
                world.take(step).await.map_err(told)?;
            }
            world
                .end()
                .await
                .map_err(|problem| format!("at the end: {problem}"))
        })
    }
}

#[test]
fn a_queue_does_what_its_model_does() {
    let cases = std::env::var("LONGSHORE_MODEL_CASES");
    let config = Config {
        cases: cases.map_or(150, |cases| cases.parse().expect("a number")),
        // Each step is a few calls of Redis: shrinking is worth more of them than proptest's default.
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/model.txt",
        ))),
        source_file: Some(file!()),
        ..Config::default()
    };
    let histories = Histories::new();
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&vec(step::any(), 1..=LONGEST), |steps| {
        histories.run(&steps).map_err(TestCaseError::fail)
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

#[test]
fn histories_that_found_a_fault() {
    let histories = Histories::new();
    for (name, steps) in cases::ALL {
        if let Err(problem) = histories.run(steps) {
            panic!("{name}: {problem}");
        }
    }
}
