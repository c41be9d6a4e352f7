//! Anybody can write into Redis: a record that is not what it should be must not hold up the jobs beside it.

use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_queue::{Lease, WorkerId};
use longshore_sandbox::{Fault, Rule};
use longshore_tests::{Stage, eventually};

fn record(stage: &Stage, id: JobId) -> Vec<u8> {
    stage.queue.keys().record(&id.into())
}

/// A lost worker had a job whose record is no hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_the_wrong_type_does_not_stop_rescue_and_claims() {
    let stage = Stage::set().await;
    let lost = Lease::new(WorkerId::generate("lost"));
    let long = Duration::from_secs(60);
    stage.queue.join(&lost, long).await.expect("joins");
    let ids = stage.enqueue(2).await;
    let claim = stage.queue.claim(&lost, 2, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 2);
    let mut text = redis::pipe();
    let key = record(&stage, ids[0]);
    text.del(&key).ignore().set(&key, "text").ignore();
    let link = stage.queue.link();
    link.pipeline::<()>(&text).await.expect("writes");
    let worker = stage.worker().short_lease().start().await;
    let after = stage.enqueue(1).await[0];
    stage.is(ids[1], JobState::Completed).await;
    stage.is(after, JobState::Completed).await;
    assert_eq!(worker.get("/readyz").await.0, 200);
}

/// A record's counter is no number, and its job is throttled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_is_no_number_does_not_stop_the_outcomes_of_others() {
    let stage = Stage::set().await;
    stage.faults([Rule::first(
        1,
        Fault::Throttle {
            retry_after_seconds: Some(1),
            reset_in_seconds: None,
        },
    )]);
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let ids = stage.enqueue(3).await;
    let mut waits = redis::cmd("HSET");
    waits.arg(record(&stage, ids[0])).arg("waits").arg("text");
    let link = stage.queue.link();
    let _: u8 = link.command(&waits).await.expect("writes");
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    let _worker = stage.worker().short_lease().concurrency(1).start().await;
    for id in ids {
        stage.is(id, JobState::Completed).await;
    }
}

/// The oldest pending job has a record that is no hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_the_wrong_type_does_not_stop_the_counts() {
    let stage = Stage::set().await;
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let mut job = redis::pipe();
    let keys = stage.queue.keys();
    job.rpush(&keys.active, "x").ignore();
    job.set(format!("{}:x", keys.meta), "text").ignore();
    let link = stage.queue.link();
    link.pipeline::<()>(&job).await.expect("writes");
    let rows = stage.longshore(&["queues", "--json"]).await.json();
    assert_eq!(rows[0]["pending"], 1);
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    let _worker = stage.worker().short_lease().start().await;
    eventually("it is a dead letter", || async {
        stage.stats().await.dead == 1
    })
    .await;
}
