//! Thousands of jobs that are due at the same time: a provider was away for an hour, or a batch was pushed while the
//! workers were being deployed.

use apalis_redis::Config;
use longshore_bench::{Does, NEWS, Trial, eventually, ours, stock};

/// Stock: one `unpack` moves all due ids at once, and Lua's ends at 7,999. From the 8,000th on every fetch fails
/// before it has moved a job, and ends its worker; so does every later one, since the jobs stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_drains_7999_and_is_stuck_for_good_at_8000() {
    let trial = Trial::new(Does::Nothing);
    let config = Config::default().queue("fits").batch_size(1000);
    let mut storage = stock::storage(&trial, config).await;
    stock::push(&mut storage, 7_999).await;
    let worker = stock::start(&storage, "w", 1000, &trial.jobs);
    eventually("7,999 due jobs have run", async || {
        trial.jobs.finished() == 7_999
    })
    .await;
    worker.abort();

    let config = Config::default().queue("does-not-fit").batch_size(1000);
    let mut storage = stock::storage(&trial, config.clone()).await;
    stock::push(&mut storage, 8_000).await;
    for name in ["first", "second", "third"] {
        let worker = stock::start(&storage, name, 1000, &trial.jobs);
        let error = stock::ended(worker).await;
        assert!(
            error.contains("too many results to unpack"),
            "{NEWS}: {error}"
        );
        let scheduled = trial.number(&["ZCARD", &config.scheduled_jobs_set()]).await;
        let waiting = trial.number(&["LLEN", &config.active_jobs_list()]).await;
        eprintln!(
            "{name} worker on 8,000 due jobs: {scheduled} scheduled, {waiting} waiting; {error}"
        );
        assert_eq!((scheduled, waiting), (8_000, 0), "{NEWS}");
    }
    assert_eq!(trial.jobs.started(), 7_999, "{NEWS}");
}

/// Ours: the same pushes by the same program, 20,000 of them, all due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_drains_20000() {
    let trial = Trial::new(Does::Nothing);
    let queue = ours::queue(&trial);
    let mut storage = stock::storage(&trial, Config::default().queue(ours::APALIS_NAME)).await;
    stock::push(&mut storage, 20_000).await;
    let scheduled = trial.number(&["ZCARD", &queue.keys().scheduled]).await;
    assert_eq!(
        scheduled, 20_000,
        "the same trial: all in the scheduled set, due"
    );

    let began = std::time::Instant::now();
    let fleet = ours::start(&queue, "f", ours::settings(1000), &trial.jobs);
    eventually("20,000 due jobs have completed", async || {
        queue
            .stats()
            .await
            .is_ok_and(|stats| stats.counter("completed") == 20_000)
    })
    .await;
    eprintln!(
        "20,000 due jobs: all completed within {:?}",
        began.elapsed()
    );
    assert_eq!(trial.jobs.ran(1), 20_000, "each exactly once");
    fleet.stop().await;
}
