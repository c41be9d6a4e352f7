//! What whoever supervises processes does when one ends by itself.

use std::time::{Duration, Instant};

use longshore_tests::{Start, Worker, gone_by};

use crate::leg::ACTS;

/// How a process ends that finds no Redis.
const NO_REDIS: i32 = 3;

/// How one ends whose Redis or Vault answers and refuses; a panic ends otherwise.
const REFUSED: i32 = 1;

/// How long one may take until it works.
const STARTED_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks.
const APART: Duration = Duration::from_millis(10);

/// Whether it has ended, and is to be started again. That is as it should be while it cannot begin, since Redis is away or full, or
/// Vault is sealed; otherwise it is added to what misbehaved.
pub(crate) fn has_ended(role: &str, process: &mut Worker, misbehaved: &mut Vec<String>) -> bool {
    let Some(code) = process.ended() else {
        return false;
    };
    let log = process.log();
    // A worker says so of each queue: of the leg's, and of events.
    let began = log.matches("concurrency=").count() > ACTS.len();
    let refused = code == REFUSED && (log.contains("is sealed") || log.contains("takes no jobs"));
    let must_wait = code == NO_REDIS || refused;
    if began || !must_wait {
        let last = log.lines().next_back().unwrap_or_default();
        misbehaved.push(format!("ended: {role} ended by itself with {code}: {last}"));
    }
    true
}

/// Starts a worker until one works.
pub(crate) async fn works<'a>(worker: impl Fn() -> Start<'a>) -> Worker {
    let give_up = Instant::now() + STARTED_WITHIN;
    loop {
        let mut worker = worker().spawn();
        while worker.ended().is_none() {
            if worker.says("concurrency=") {
                return worker;
            }
            gone_by(APART, Instant::now()).await;
        }
        let ended = worker.ended();
        assert_eq!(ended, Some(NO_REDIS), "the worker ended at once");
        assert!(Instant::now() < give_up, "no worker finds its Redis");
    }
}
