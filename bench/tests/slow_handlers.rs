//! Handlers that take long, as they do when a provider is slow: 20 jobs of 1 s, two workers, two at a time each,
//! heartbeats every second, lost after three.
//!
//! Both trials take wall time: they are about heartbeats that do or do not come while jobs run. The one sleep is the
//! jobs' own second.

use std::time::Duration;

use apalis_redis::Config;
use longshore_bench::{Does, NEWS, Trial, eventually, ours, stock};
use longshore_worker::WorkSettings;

const SLOW: Does = Does::Takes(Duration::from_secs(1));

fn stock_config() -> Config {
    Config::default()
        .queue("q")
        .heartbeat_interval(Duration::from_secs(1))
        .missed_heartbeats(3)
}

/// Stock: a worker sends no heartbeat and writes no result while it has fetched jobs that it has not started. The
/// second worker takes all of them for orphans; both run them, and the first dies when it comes back for more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_runs_every_job_twice_and_loses_its_first_worker() {
    let trial = Trial::new(SLOW);
    let config = stock_config().batch_size(20);
    let mut storage = stock::storage(&trial, config.clone()).await;
    stock::push(&mut storage, 20).await;
    let first = stock::start(&storage, "first", 2, &trial.jobs);
    let fetched = format!("{}:first", config.inflight_jobs_set());
    eventually("the first worker has fetched all", async || {
        trial.number(&["SCARD", &fetched]).await == 20
    })
    .await;
    let second = stock::start(&storage, "second", 2, &trial.jobs);

    let error = stock::ended(first).await;
    assert!(error.contains("worker not registered"), "{NEWS}: {error}");
    eventually("the second worker has done all that it took", async || {
        trial.number(&["SCARD", &config.done_jobs_set()]).await == 20
    })
    .await;
    let twice = trial.jobs.ran(2);
    eprintln!(
        "{twice} of 20 jobs ran twice ({} runs, {} of them to their end); the first worker: {error}",
        trial.jobs.started(),
        trial.jobs.finished()
    );
    assert_eq!(twice, 20, "{NEWS}");
    second.abort();
}

/// Stock with a batch of one has no fetched jobs that wait, and so no such gap: the way around it, at a fetch for
/// each job, and the proof that this trial asks nothing impossible.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_runs_every_job_once_when_it_fetches_one_by_one() {
    let trial = Trial::new(SLOW);
    let config = stock_config().batch_size(1);
    let mut storage = stock::storage(&trial, config.clone()).await;
    stock::push(&mut storage, 20).await;
    let first = stock::start(&storage, "first", 2, &trial.jobs);
    let second = stock::start(&storage, "second", 2, &trial.jobs);
    eventually("all are done", async || {
        trial.number(&["SCARD", &config.done_jobs_set()]).await == 20
    })
    .await;
    eprintln!(
        "fetched one by one, {} of 20 jobs ran once",
        trial.jobs.ran(1)
    );
    assert_eq!(trial.jobs.ran(1), 20);
    assert!(!first.is_finished() && !second.is_finished(), "both live");
    first.abort();
    second.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_runs_every_job_once() {
    let trial = Trial::new(SLOW);
    let queue = ours::queue(&trial);
    let mut storage = stock::storage(&trial, Config::default().queue(ours::APALIS_NAME)).await;
    stock::push(&mut storage, 20).await;
    let settings = WorkSettings {
        heartbeat: Duration::from_secs(1),
        unknown_kind: Duration::from_secs(3600),
        lost_after: Duration::from_secs(3),
        ..ours::settings(2)
    };
    let first = ours::start(&queue, "first", settings.clone(), &trial.jobs);
    eventually("the first worker is at it", async || {
        trial.jobs.started() == 2
    })
    .await;
    let second = ours::start(&queue, "second", settings, &trial.jobs);
    eventually("20 jobs have completed", async || {
        queue
            .stats()
            .await
            .is_ok_and(|stats| stats.counter("completed") == 20)
    })
    .await;
    eprintln!(
        "{} of 20 jobs ran once ({} runs)",
        trial.jobs.ran(1),
        trial.jobs.started()
    );
    assert_eq!((trial.jobs.ran(1), trial.jobs.started()), (20, 20));
    // Both have lived through it.
    first.stop().await;
    second.stop().await;
}
