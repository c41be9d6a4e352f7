//! A job that is to run at once.

use std::time::{Duration, Instant};

use apalis_redis::Config;
use longshore_bench::{Does, NEWS, Trial, eventually, ours, stock, within};

/// Stock: every push goes to the scheduled set, also that of an immediate job, and gives no signal. Nobody learns
/// of it before an idle worker's next heartbeat: 30 s apart as it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_schedules_it_and_wakes_nobody() {
    let trial = Trial::new(Does::Nothing);
    let config = Config::default().queue("q");
    let mut storage = stock::storage(&trial, config.clone()).await;
    stock::push(&mut storage, 3).await;
    let scheduled = trial.number(&["ZCARD", &config.scheduled_jobs_set()]).await;
    let waiting = trial.number(&["LLEN", &config.active_jobs_list()]).await;
    let signals = trial.number(&["LLEN", &config.signal_list()]).await;
    eprintln!("3 pushes: {scheduled} scheduled, {waiting} waiting, {signals} signals");
    assert_eq!((scheduled, waiting, signals), (3, 0, 0), "{NEWS}");

    let worker = stock::start(&storage, "w", 10, &trial.jobs);
    eventually("the first three ran", async || trial.jobs.started() == 3).await;
    stock::asleep(&trial).await;
    stock::push(&mut storage, 1).await;
    // Wall time: that nothing happens can only be waited for.
    tokio::time::sleep(Duration::from_secs(2)).await;
    eprintln!(
        "an idle worker has started {} of 1 job after 2 s",
        trial.jobs.started() - 3
    );
    assert_eq!(trial.jobs.started(), 3, "{NEWS}");
    worker.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_lets_it_wait_for_a_worker_and_wakes_one() {
    let trial = Trial::new(Does::Nothing);
    let queue = ours::queue(&trial);
    queue
        .enqueue(&[ours::job(0), ours::job(1), ours::job(2)])
        .await
        .expect("enqueues");
    let keys = queue.keys();
    let scheduled = trial.number(&["ZCARD", &keys.scheduled]).await;
    let waiting = trial.number(&["LLEN", &keys.active]).await;
    eprintln!("3 jobs: {scheduled} scheduled, {waiting} waiting");
    assert_eq!((scheduled, waiting), (0, 3));

    let fleet = ours::start(&queue, "f", ours::settings(10), &trial.jobs);
    eventually("the first three ran", async || trial.jobs.started() == 3).await;
    eventually("a worker says that it is idle", async || {
        trial.number(&["ZCARD", &keys.idle]).await == 1
    })
    .await;
    let enqueued = Instant::now();
    queue.enqueue(&[ours::job(3)]).await.expect("enqueues");
    within(Duration::from_secs(5), "it starts", async || {
        trial.jobs.started() == 4
    })
    .await;
    eprintln!(
        "an idle worker started it after {:?} (seen every 10 ms)",
        enqueued.elapsed()
    );

    // A plain apalis program wakes nobody: the fleet looks by itself, about once a second.
    let mut storage = stock::storage(&trial, Config::default().queue(ours::APALIS_NAME)).await;
    let pushed = Instant::now();
    stock::push(&mut storage, 1).await;
    within(Duration::from_secs(5), "a pushed one starts", async || {
        trial.jobs.started() == 5
    })
    .await;
    eprintln!("and one that apalis pushed after {:?}", pushed.elapsed());
    fleet.stop().await;
}
