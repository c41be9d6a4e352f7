//! Many jobs at once: those that waited before any worker was there, and those that are all due in the same moment.

use std::time::{Duration, Instant};

use longshore_client::EnqueueOptions;
use longshore_client::RunAt;
use longshore_job::Prepared;
use longshore_tests::{Stage, email, within};

/// More than the slowest machine should need for 50,000 mails.
const PATIENCE: Duration = Duration::from_secs(400);

async fn drains(stage: &Stage, jobs: u64) {
    let started = Instant::now();
    within(PATIENCE, "all have completed", || async {
        stage.stats().await.counter("completed") == jobs
    })
    .await;
    println!("{jobs} in {:?}", started.elapsed());
    let summary = stage.ledger().summary();
    assert_eq!((summary.accepted, summary.jobs), (jobs, jobs));
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.scheduled, stats.running), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_jobs_wait_before_the_first_worker_starts() {
    let stage = Stage::set().await;
    stage.enqueue(20_000).await;
    let _worker = stage.worker().concurrency(100).start().await;
    drains(&stage, 20_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_thousand_jobs_are_due_at_once() {
    const JOBS: usize = 50_000;
    let stage = Stage::set().await;
    let worker = stage.worker().concurrency(100).start().await;
    let later = EnqueueOptions {
        run_at: RunAt::In(Duration::from_secs(3600)),
        ..EnqueueOptions::default()
    };
    let jobs = (0..JOBS).map(|n| (Prepared::new(&email(n)).expect("good"), later.clone()));
    let enqueued = stage.client.enqueue_prepared(jobs).await;
    assert_eq!(enqueued.expect("accepted").len(), JOBS);
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.scheduled), (0, JOBS as u64));
    assert_eq!(stage.ledger().requests(), 0, "none before its time");
    stage.back_date().await;
    drains(&stage, JOBS as u64).await;
    assert_eq!(worker.get("/livez").await.0, 200);
}
