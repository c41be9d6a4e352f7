//! Redis answers late: for less than an answer may take (5 s), when nobody should notice, and for more, when calls are
//! given up that Redis carries out all the same once it goes on. Nothing is lost, and nothing is doubled.

use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_queue::{Link, LinkOptions};
use longshore_tests::{Load, Stage, Worker, gone_by, outcomes};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// A short lease is of two seconds here: a busy machine keeps a process from its beat for longer than one.
async fn three(stage: &Stage, short_lease: bool) -> Vec<Worker> {
    stage.slow_calls_take(2000);
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = stage.worker();
        let worker = if short_lease {
            worker
                .set("WORKER__HEARTBEAT_SECONDS", "0.5")
                .set("WORKER__LOST_AFTER_SECONDS", "2")
        } else {
            worker
        };
        workers.push(worker.start().await);
    }
    workers
}

/// Writes wait from now on for so long; what only reads is answered.
async fn hold_writes(stage: &Stage, span: Duration) {
    let mut command = redis::cmd("CLIENT");
    command
        .arg("PAUSE")
        .arg(span.as_millis() as u64)
        .arg("WRITE");
    let link = Link::new(&stage.redis.url(), LinkOptions::default()).expect("a valid URL");
    let _: String = link.command(&command).await.expect("holds writes");
}

/// Nothing is answered for so long, and everything that was sent meanwhile is carried out afterwards, also what comes
/// from connections that were given up.
async fn stall(stage: &Stage, span: Duration) {
    let since = Instant::now();
    stage.redis.pause().expect("it runs");
    gone_by(span, since).await;
    stage.redis.resume().expect("it runs");
}

async fn ends_well(stage: &Stage, load: Load, slow: &[JobId], workers: Vec<Worker>) {
    stage.progress(200).await;
    let accepted = load.end().await;
    println!("{} were accepted", accepted.len());
    stage.done_once(&accepted).await;
    stage.done_once(slow).await;
    for id in slow {
        let job = stage.job(*id).await;
        assert_eq!(outcomes(&job), ["completed"], "its call was not dropped");
    }
    for mut worker in workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
        assert!(!worker.says("lease lost"), "a living worker lost its lease");
        assert!(!worker.says("rescued jobs"), "the living were rescued");
        worker.becomes("/readyz", 200).await;
        assert_eq!(worker.get("/livez").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_within_their_time_trouble_nobody() {
    let stage = Stage::set().await;
    let workers = three(&stage, false).await;
    let load = Load::on(&stage);
    stage.progress(200).await;
    let slow = stage.slow_calls(10).await;
    let since = Instant::now();
    stall(&stage, Duration::from_secs(2)).await;
    stage.progress(100).await;
    let stalled = since.elapsed();
    let since = Instant::now();
    hold_writes(&stage, Duration::from_secs(2)).await;
    stage.progress(100).await;
    let held = since.elapsed();
    // On a machine that is so busy that answers took longer than they may, there is something to notice.
    if stalled.max(held) < ANSWER {
        for worker in &workers {
            assert!(!worker.says("WARN"), "{}", worker.log());
        }
    }
    ends_well(&stage, load, &slow, workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_beyond_their_time_lose_and_double_nothing() {
    let stage = Stage::set().await;
    let workers = three(&stage, false).await;
    let load = Load::on(&stage);
    stage.progress(200).await;
    let slow = stage.slow_calls(10).await;
    stall(&stage, Duration::from_secs(7)).await;
    stage.progress(100).await;
    hold_writes(&stage, Duration::from_secs(7)).await;
    stage.progress(100).await;
    for worker in &workers {
        assert!(worker.says("waiting for Redis") || worker.says("waits for Redis"));
    }
    ends_well(&stage, load, &slow, workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_lost_while_redis_is_slower_than_a_lease() {
    let stage = Stage::set().await;
    let workers = three(&stage, true).await;
    let load = Load::on(&stage);
    let mut slow = Vec::new();
    for _ in 0..2 {
        stage.progress(100).await;
        slow.extend(stage.slow_calls(10).await);
        stall(&stage, Duration::from_millis(3500)).await;
        stage.progress(100).await;
        hold_writes(&stage, Duration::from_millis(3500)).await;
    }
    ends_well(&stage, load, &slow, workers).await;
}
