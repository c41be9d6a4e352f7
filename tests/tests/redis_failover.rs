//! Redis loses its last writes, or has no replica that would keep them: no mail goes out twice.

use std::path::PathBuf;

use longshore_client::JobState;
use longshore_tests::{Stage, eventually};

/// The machine of a Redis is killed, and the end of its append-only file with it. Workers that live tell what it lacks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_lost_its_last_writes_has_no_mail_sent_twice() {
    let mut stage = Stage::set().await;
    let mut workers = Vec::new();
    for _ in 0..2 {
        workers.push(stage.worker().short_lease().start().await);
    }
    let mut ids = stage.enqueue(40).await;
    stage.completed(40).await;
    ids.extend(stage.enqueue(40).await);
    let file = append_only_file(&stage);
    let kept = std::fs::metadata(&file).expect("is there").len();
    stage.completed(80).await;
    ids.extend(stage.enqueue(40).await);
    stage.completed(120).await;

    stage.redis.kill();
    let file = std::fs::OpenOptions::new().write(true).open(file);
    file.and_then(|file| file.set_len(kept)).expect("is cut");
    stage.redis.restart().expect("Redis comes back");
    eventually("somebody notices", || async {
        workers.iter().any(|worker| worker.says("Redis forgot"))
    })
    .await;
    // An alert goes by that.
    eventually("somebody counts it", || async {
        for worker in &workers {
            let (_, metrics) = worker.get("/metrics").await;
            if metrics.contains("longshore_redis_forgot_total{queue=\"email\"} 1") {
                return true;
            }
        }
        false
    })
    .await;
    stage.completed(120).await;
    ids.extend(stage.enqueue(1).await);
    stage.done_once(&ids).await;
}

fn append_only_file(stage: &Stage) -> PathBuf {
    let files = std::fs::read_dir(stage.redis.dir().join("appendonlydir")).expect("is there");
    let mut files = files.map(|file| file.expect("is read").path());
    let of_commands = |file: &PathBuf| file.to_string_lossy().ends_with(".incr.aof");
    files.find(of_commands).expect("one is written")
}

/// No replica knows of the claim: the mail waits, says why, and goes out once there is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_once_replicas_know_of_its_claim() {
    let stage = Stage::set().await;
    let worker = stage.worker().set("REDIS__WAIT_REPLICAS", "1");
    let worker = worker.start().await;
    let ids = stage.enqueue(3).await;
    eventually("they are put back", || async {
        stage.stats().await.scheduled == 3
    })
    .await;
    assert_eq!(stage.ledger().requests(), 0, "nothing was sent");
    assert!(worker.says("too few replicas know of their claims"));
    let _replica = stage.redis.replica().expect("a replica");
    for &id in &ids {
        stage.is(id, JobState::Completed).await;
        let job = stage.job(id).await;
        let put_back = job.put_back.and_then(|back| back.entry.reason);
        let put_back = put_back.expect("it was put back");
        assert!(put_back.contains("redis.wait_replicas"), "{put_back}");
        assert_eq!(job.history[0].entry.attempt, 1, "at no attempt");
    }
    stage.done_once(&ids).await;
}
