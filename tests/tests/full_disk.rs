//! Redis cannot write its snapshot and so refuses writes (MISCONF), as with a full disk, under load and for longer than
//! a lease: producers are told so, jobs wait, nothing is lost, and all goes on when it is cured.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use longshore_client::{ClientError, JobId, JobState};
use longshore_tests::{Load, Stage, Worker, email, eventually, gone_by, outcomes};

/// Longer than the short lease of 1 s.
const FULL: Duration = Duration::from_secs(3);

/// Calls that are out when the disk is full, and answered before it is cured.
const SLOW: usize = 10;

/// Writes a snapshot, and waits until Redis says how that went.
async fn snapshot(stage: &Stage, status: &str) {
    let link = stage.queue.link();
    let _: String = link.command(&redis::cmd("BGSAVE")).await.expect("begins");
    let line = format!("rdb_last_bgsave_status:{status}\r\n");
    eventually(&format!("its last snapshot is {status}"), || async {
        let info: String = link
            .command(redis::cmd("INFO").arg("persistence"))
            .await
            .expect("says");
        info.contains(&line) && info.contains("rdb_bgsave_in_progress:0\r\n")
    })
    .await;
}

struct Full {
    workers: Vec<Worker>,
    load: Load,
    slow: Vec<JobId>,
}

/// Three workers under load, with some calls out, and then a disk that is full for longer than a lease.
async fn fill(stage: &Stage) -> Full {
    stage.slow_calls_take(2000);
    // It refuses writes only while it is to write snapshots; this one is never due.
    let mut due = redis::cmd("CONFIG");
    due.arg("SET").arg("save").arg("1000000 1000000000");
    let _: String = stage.queue.link().command(&due).await.expect("is set");
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(stage.worker().short_lease().start().await);
    }
    let load = Load::on(stage);
    stage.progress(200).await;
    let slow = stage.slow_calls(SLOW).await;

    // Where a directory is, no snapshot can be put; that stops root, too.
    fs::create_dir_all(in_the_way(stage).join("full")).expect("a directory");
    snapshot(stage, "err").await;
    let since = Instant::now();
    match stage.client.enqueue(email(0)).await {
        Err(ClientError::Queue(error)) => {
            assert!(error.to_string().contains("MISCONF"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    for worker in &workers {
        let said = worker.becomes("/readyz", 503).await;
        assert!(said.contains("email: Redis"), "{said}");
        worker.unconfirmed().await;
        assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
    }
    gone_by(FULL, since).await;
    let out = stage.stats().await.running;
    assert!(out >= SLOW as u64, "no outcome can have been written");
    Full {
        workers,
        load,
        slow,
    }
}

fn in_the_way(stage: &Stage) -> PathBuf {
    stage.redis.dir().join("dump.rdb")
}

async fn cure(stage: &Stage) {
    fs::remove_dir_all(in_the_way(stage)).expect("is removed");
    snapshot(stage, "ok").await;
}

async fn written(stage: &Stage, full: &Full) {
    for worker in &full.workers {
        assert_eq!(worker.get("/livez").await.0, 200);
    }
    for id in &full.slow {
        stage.is(*id, JobState::Completed).await;
        let job = stage.job(*id).await;
        assert_eq!(outcomes(&job), ["completed"], "its call was not dropped");
    }
    for worker in &full.workers {
        worker.becomes("/readyz", 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_and_doubles_nothing() {
    let stage = Stage::set().await;
    let full = fill(&stage).await;
    full.load.stop();
    cure(&stage).await;
    written(&stage, &full).await;
    let mut accepted = full.load.end().await;
    accepted.extend(stage.enqueue(200).await);
    println!("{} were accepted", accepted.len());
    stage.done_once(&accepted).await;
    stage.done_once(&full.slow).await;
    for mut worker in full.workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_outcomes_are_written_under_load() {
    let stage = Stage::set().await;
    let full = fill(&stage).await;
    cure(&stage).await;
    let cured = Instant::now();
    written(&stage, &full).await;
    let took = cured.elapsed();
    assert!(took < Duration::from_secs(15), "written after {took:?}");
    let accepted = full.load.end().await;
    stage.done_once(&accepted).await;
}
