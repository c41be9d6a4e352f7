//! Anybody can write into Redis: a record that is not what it should be must not hold up the jobs beside it.

mod pushed;

use std::time::Duration;

use longshore_client::JobState;
use longshore_queue::{Lease, WorkerId};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, eventually};

/// Writes what is no record in the place of one.
async fn spoil_record(stage: &Stage, id: &str) {
    let mut command = redis::cmd("HSET");
    command.arg(&stage.queue.keys().records).arg(id).arg("text");
    let link = stage.queue.link();
    let _: u8 = link.command(&command).await.expect("writes");
}

/// A lost worker had a job whose record is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_none_does_not_stop_rescue_and_claims() {
    let stage = Stage::set().await;
    let lost = Lease::new(WorkerId::generate("lost"));
    let long = Duration::from_secs(60);
    stage.queue.join(&lost, long).await.expect("joins");
    let ids = stage.enqueue(2).await;
    let claim = stage.queue.claim(&lost, 2, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 2);
    spoil_record(&stage, &ids[0].to_string()).await;
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
    stage.faults([FaultRule::first(
        1,
        Fault::Throttle {
            retry_after_seconds: Some(1),
            reset_in_seconds: None,
        },
    )]);
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let ids = stage.enqueue(3).await;
    let waits = [("waits", &b"text"[..])];
    let seeded = stage.queue.seed_record(&ids[0].into(), &waits).await;
    seeded.expect("writes");
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    let _worker = stage.worker().short_lease().concurrency(1).start().await;
    for id in ids {
        stage.is(id, JobState::Completed).await;
    }
}

/// The oldest pending job has a record that is none, and what another program pushed of it is no hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_none_does_not_stop_the_counts() {
    let stage = Stage::set().await;
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let mut job = redis::pipe();
    let keys = stage.queue.keys();
    job.rpush(&keys.active, "x").ignore();
    job.hset(&keys.data, "x", "garbage").ignore();
    job.set(format!("{}:x", keys.meta), "text").ignore();
    let link = stage.queue.link();
    link.pipeline::<()>(&job).await.expect("writes");
    spoil_record(&stage, "x").await;
    let rows = stage.longshore(&["queues", "--json"]).await.json();
    assert_eq!(rows[0]["pending"], 1);
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    let _worker = stage.worker().short_lease().start().await;
    eventually("it is a dead letter", || async {
        stage.stats().await.dead == 1
    })
    .await;
}

/// Writes over keys of the queue with another type.
async fn write_over(stage: &Stage, suffixes: &[&str]) {
    let mut junk = redis::pipe();
    for suffix in suffixes {
        junk.set(key(stage, suffix), "junk").ignore();
    }
    let link = stage.queue.link();
    link.pipeline::<()>(&junk).await.expect("writes");
}

fn key(stage: &Stage, suffix: &str) -> String {
    stage.queue.keys().active.replace("active", suffix)
}

/// What can be missed is begun anew, so that no outcome waits for it; and a running job whose claim was written over is told
/// again by its worker, and carried out once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_were_written_over_stop_no_outcome() {
    let stage = Stage::set().await;
    let worker = stage.worker().short_lease().start().await;
    let first = stage.enqueue(1).await;
    stage.completed(1).await;
    let can_be_missed = [
        "groups",
        "stats",
        "completed",
        "completions",
        "idle",
        "retryable",
        "kinds",
        "kinds:sought",
        "workers:facts",
        "replays:open",
    ];
    write_over(&stage, &can_be_missed).await;
    stage.faults([FaultRule::first(
        1,
        Fault::Answer {
            status: 400,
            headers: std::collections::BTreeMap::new(),
            body: None,
            effect: false,
        },
    )]);
    let dead = stage.enqueue(1).await[0];
    stage.is(dead, JobState::Dead).await;
    let after = stage.enqueue(5).await;
    for id in &after {
        stage.is(*id, JobState::Completed).await;
    }
    assert_eq!(worker.get("/readyz").await.0, 200);
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    assert_eq!(groups[0]["count"], 1, "{groups}");

    let slow = stage.slow_calls(3).await;
    write_over(&stage, &["inflight"]).await;
    for id in &slow {
        stage.is(*id, JobState::Completed).await;
    }
    for id in first.iter().chain(&after).chain(&slow) {
        assert_eq!(stage.effects(*id), 1, "{id}");
    }
    drop(worker);
}

/// What holds jobs is not touched. Whoever meets it says which key it is and what to do, wherever one looks, and from then on
/// all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_list_that_was_written_over_is_named() {
    let stage = Stage::set().await;
    let worker = stage.worker().short_lease().start().await;
    stage.enqueue(1).await;
    stage.completed(1).await;
    write_over(&stage, &["active"]).await;
    let active = key(&stage, "active");
    let says = format!("{active} is of another type: a string instead of a list");
    let args = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;
    let enqueue = ["enqueue", "send_email", args, "--key", "order-1"];
    let said = stage.longshore(&enqueue).await;
    assert_ne!(said.code, Some(0));
    assert!(said.stderr.contains(&says), "{said:?}");
    assert!(said.stderr.contains("redis-cli RENAME"), "{said:?}");
    for command in ["doctor", "queues"] {
        let shown = stage.longshore(&[command]).await;
        assert!(shown.stdout.contains(&says), "{command}: {shown:?}");
    }
    worker.has_said(&says).await;
    let unready = worker.becomes("/readyz", 503).await;
    assert!(unready.contains("email"), "{unready}");

    let link = stage.queue.link();
    let mut cure = redis::cmd("DEL");
    cure.arg(&active);
    let _: u8 = link.command(&cure).await.expect("removes");
    // The same again: the call that was refused has left nothing behind that would make it a duplicate.
    let said = stage.longshore(&enqueue).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    stage.completed(2).await;
    worker.becomes("/readyz", 200).await;
}
