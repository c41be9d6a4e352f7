//! Workers are killed at random under load, and others started in their place: nothing is lost, and nothing is doubled
//! but what was out with a worker when it died.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Dice, Stage, Worker, gone_by, outcomes, within};

const JOBS: usize = 3000;
const WORKERS: usize = 3;
const CONCURRENCY: usize = 10;
const KILLS: usize = 8;

/// A job that is lost with its worker three times is a dead letter: it may be what kills them.
const MOST_LOST: usize = 3;

async fn worker(stage: &Stage) -> Worker {
    let start = stage.worker().short_lease().concurrency(CONCURRENCY);
    start.start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_workers_loses_nothing_and_doubles_only_what_was_out() {
    let mut dice = Dice::new();
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 50 })]);
    let ids = stage.enqueue(JOBS).await;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(worker(&stage).await);
    }
    for _ in 0..KILLS {
        let started = Instant::now();
        let unlucky = workers.swap_remove(dice.roll(WORKERS));
        unlucky.kill().await;
        workers.push(worker(&stage).await);
        let pause = 300 + dice.roll(400) as u64;
        gone_by(Duration::from_millis(pause), started).await;
    }
    let busy = stage.stats().await.counter("completed") < JOBS as u64;
    assert!(busy, "the kills came while there was work");
    within(Duration::from_secs(60), "every job ends", || async {
        let stats = stage.stats().await;
        stats.counter("completed") + stats.dead == JOBS as u64
    })
    .await;

    let mut lost_jobs = 0;
    for &id in &ids {
        let job = stage.job(id).await;
        let history = outcomes(&job);
        let lost = history.iter().filter(|outcome| **outcome == "lost").count();
        let effects = stage.effects(id) as usize;
        lost_jobs += usize::from(lost > 0);
        match job.state {
            JobState::Completed => assert!(effects >= 1, "{id} completed without an effect"),
            _ => assert_eq!(
                (job.state, lost),
                (JobState::Dead, MOST_LOST),
                "{id} did not complete: {history:?}"
            ),
        }
        assert!(
            effects <= 1 + lost,
            "{id} had {effects} effects and was lost {lost} times: {history:?}"
        );
    }
    assert!(lost_jobs > 0, "no kill hit a job: nothing was tried");
    let duplicates = stage.ledger().summary().duplicates as usize;
    assert!(
        duplicates <= KILLS * CONCURRENCY,
        "{duplicates} duplicates of {KILLS} kills"
    );
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.running, stats.retryable), (0, 0, 0));
    println!(
        "{lost_jobs} jobs were lost with their worker, {duplicates} of them doubled, {} dead",
        stats.dead
    );
}
