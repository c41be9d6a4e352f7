//! A queue's histories, made at random, against a model of what a queue is: every script is run on a real Redis, and after each
//! step each job has to be where the model says, and claims have to hand out what the model says, in its order.
//!
//! `LONGSHORE_MODEL_CASES` says how many histories are run (150 unless set), `LONGSHORE_MODEL_MINUTES` for how long at the most,
//! and `LONGSHORE_MODEL_SEED` runs those of a run before again. A history that found a fault stands in `cases.rs`, so that it
//! is run each time and can be read.
//!
//! So many histories it took to see each of these faults, put in one at a time (seed 17):
//!
//! | fault | histories |
//! |---|---|
//! | a replay forgets that a request may have been sent | 45 |
//! | a verdict of an older epoch counts for the breaker | 9 |
//! | any success ends the pause for refused credentials | 23 |
//! | so does a probe whose time is over | 323; a case |
//! | a probe whose time is over may make further calls | 9 |
//! | a failed probe closes the breaker | 9 |
//! | a probe takes more than one job | 4 |
//! | new credentials wait for the probe of the old ones | 11 |
//! | a sweep drops its own lease, which is stale | 6 |
//! | more than ten entries of a history stay | none of 450; a case |
//! | a limiter holds from before the clock was set back | 6 |
//! | so do other holds | 6 |
//! | leases are of a time to come once the clock was set back | 405; a case |
//! | nobody looks through running jobs then | 21 |
//! | a tick is made whatever the mark is | 4 |
//! | a tick is made twice after the clock was set back | 3 |
//! | a key goes with a discarded job that may have been sent | 64; a case |
//! | a key goes with a cancelled job that may have been sent | 208; a case |
//! | a key stays when its job is discarded that was never sent | 8 |
//! | a key ends while its job waits | 2 |
//! | a key is taken for other args | 3 |
//! | a worker tells of a job, and not that it may have been sent | 19; a case |
//! | an older verdict wins over the newest one | 71; a case |
//! | a probe that found nothing out keeps the next one waiting | 7 |
//! | what a worker does not know counts as never run | none of 600; a case |
//! | what may have been sent is cancelled since somebody asked | none of 150; a case |
//! | it is another claim that was asked to stop | none of 150; a case |

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
mod keys;
mod lanes;
mod leases;
mod model;
mod operators;
mod producers;
mod provider;
mod restore;
mod scenes;
mod step;
mod workers;
mod world;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::process::Command;
use std::time::{Duration, Instant};

use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use step::Step;
use world::World;

/// So many histories have a seed of their own, made of the run's.
const ROUND: u32 = 150;

/// Before the first lease is stale.
const TOO_LONG: Duration = Duration::from_secs(9);

struct Histories {
    runtime: Runtime,
    redis: RedisServer,
    run: Cell<usize>,
}

impl Histories {
    fn new() -> Self {
        Self {
            runtime: Runtime::new().expect("there are threads"),
            redis: RedisServer::start().expect("a private Redis starts"),
            run: Cell::default(),
        }
    }

    /// Carries one out. Leases end by the real clock: one that fails and took too long for them, on a machine that is busy,
    /// says nothing, and is carried out again.
    fn run(&self, steps: &[Step]) -> Result<(), String> {
        let mut tries = 0;
        loop {
            let began = Instant::now();
            let ran = self.carry_out(steps);
            tries += 1;
            if ran.is_ok() || began.elapsed() < TOO_LONG || tries == 10 {
                return ran;
            }
            println!("a history took {} s", began.elapsed().as_secs());
        }
    }

    /// The same once, on a Redis that is empty. What goes wrong is told with the step that it went wrong at.
    fn carry_out(&self, steps: &[Step]) -> Result<(), String> {
        let number = self.run.get();
        self.run.set(number + 1);
        self.runtime.block_on(async {
            let link =
                Link::new(&self.redis.url(), LinkOptions::default()).expect("the URL is good");
            let emptied = link.command::<String>(&redis::cmd("FLUSHDB")).await;
            emptied.expect("is emptied");
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

/// A number that the environment sets.
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let Ok(number) = text.parse() else {
        panic!("{name} is {text:?}: it is to be a number");
    };
    Some(number)
}

/// What a program says in one line; empty where there is none.
fn says(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_default()
}

fn runner(seed: u64, round: u32, cases: u32) -> TestRunner {
    let config = Config {
        cases,
        // Each step is a few calls of Redis: shrinking is worth more of them than proptest's default.
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..12].copy_from_slice(&round.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn a_queue_does_what_its_model_does() {
    let cases: u32 = setting("LONGSHORE_MODEL_CASES").unwrap_or(150);
    let minutes: Option<u64> = setting("LONGSHORE_MODEL_MINUTES");
    let seed = setting("LONGSHORE_MODEL_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let now = || says("date", &["-u", "+%FT%TZ"]);
    let commit = says("git", &["describe", "--always", "--dirty", "--abbrev=40"]);
    println!(
        "commit {commit}, seed {seed}, at most {cases} histories, from {}",
        now()
    );
    let (began, most) = (
        Instant::now(),
        minutes.map(|minutes| Duration::from_secs(minutes * 60)),
    );
    let histories = Histories::new();
    let (mut done, mut steps_done) = (0, 0);
    while done < cases && most.is_none_or(|most| began.elapsed() < most) {
        let round = ROUND.min(cases - done);
        let steps_now = Cell::new(0);
        let failed = Cell::new(false);
        let ran = runner(seed, done / ROUND, round).run(&scenes::history(), |steps| {
            let number = histories.run.get() + 1;
            steps_now.set(steps_now.get() + steps.len());
            histories.run(&steps).map_err(|problem| {
                if !failed.replace(true) {
                    println!("history {number} fails: {problem}");
                }
                TestCaseError::fail(problem)
            })
        });
        if let Err(error) = ran {
            panic!("seed {seed}: {error}");
        }
        done += round;
        steps_done += steps_now.get();
    }
    println!(
        "{done} histories of {steps_done} steps went as the model says in {} s, to {}",
        began.elapsed().as_secs(),
        now()
    );
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
