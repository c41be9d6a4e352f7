//! A worker is killed at each point of one job's life: what must hold is the same everywhere, and how often the
//! provider is asked follows from where it was.

use std::time::{Duration, Instant};

use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, Trouble, Wire, Worker, eventually, gone_by, outcomes};

/// A stage, a wire, and a worker on it that has done one job: its scripts are loaded.
async fn set() -> (Stage, Wire, Worker) {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let worker = stage.worker().short_lease().concurrency(1).by(wire.url());
    let worker = worker.start().await;
    let first = stage.enqueue(1).await[0];
    stage.is(first, JobState::Completed).await;
    stage.ledger().clear();
    (stage, wire, worker)
}

async fn enqueue(stage: &Stage) -> JobId {
    stage.enqueue(1).await[0]
}

/// Another worker comes, and the job ends: with this history, and this many effects.
async fn ends(stage: &Stage, id: JobId, history: &[&str], effects: u64) {
    let _other = stage.worker().short_lease().start().await;
    stage.is(id, JobState::Completed).await;
    // Anything that still ran, or was still to be rescued, would show by then.
    let after = enqueue(stage).await;
    stage.is(after, JobState::Completed).await;
    stage.running(0).await;
    let job = stage.job(id).await;
    assert_eq!(outcomes(&job), history);
    assert_eq!(stage.effects(id), effects);
    let last = job.history.last().expect("a history");
    assert_eq!(last.entry.attempt, 1, "a crash is no attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_it_heard_what_it_claimed() {
    let (stage, wire, worker) = set().await;
    wire.trouble(Wire::CLAIM, Trouble::CutAfter, usize::MAX);
    let id = enqueue(&stage).await;
    stage.is(id, JobState::Running).await;
    worker.kill().await;
    // Nobody can know that it was not sent.
    ends(&stage, id, &["lost", "completed"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_killed_after_a_claim_whose_answer_was_lost() {
    let (stage, wire, worker) = set().await;
    wire.trouble(Wire::CLAIM, Trouble::CutAfter, 1);
    let id = enqueue(&stage).await;
    eventually("an answer was lost", || async { wire.met() == 1 }).await;
    stage.is(id, JobState::Completed).await;
    worker.kill().await;
    ends(&stage, id, &["completed"], 1).await;
}

/// Its heartbeats do not get through, so that it claims and does not send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_claim_and_call() {
    let (stage, wire, worker) = set().await;
    wire.trouble(Wire::BEAT, Trouble::CutBefore, usize::MAX);
    worker.unconfirmed().await;
    let id = enqueue(&stage).await;
    stage.is(id, JobState::Running).await;
    // More than enough for a request to go out.
    gone_by(Duration::from_millis(500), Instant::now()).await;
    worker.kill().await;
    assert_eq!(stage.ledger().requests(), 0, "it sent without a lease");
    ends(&stage, id, &["lost", "completed"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_the_call() {
    let (stage, _wire, worker) = set().await;
    stage.faults([FaultRule::first(1, Fault::NeverAnswer { effect: true })]);
    let id = enqueue(&stage).await;
    stage.requests(1).await;
    worker.kill().await;
    // SendGrid knows no idempotency keys: the second mail is the price of at least once.
    ends(&stage, id, &["lost", "completed"], 2).await;
    assert!(stage.job(id).await.history[0].entry.reason.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_its_outcome_was_written() {
    let (stage, wire, worker) = set().await;
    wire.trouble(Wire::SETTLE, Trouble::CutBefore, usize::MAX);
    let id = enqueue(&stage).await;
    worker.has_said("outcomes wait to be written").await;
    worker.kill().await;
    ends(&stage, id, &["lost", "completed"], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_it_heard_that_its_outcome_was_written() {
    let (stage, wire, worker) = set().await;
    wire.trouble(Wire::SETTLE, Trouble::CutAfter, usize::MAX);
    let id = enqueue(&stage).await;
    worker.has_said("outcomes wait to be written").await;
    worker.kill().await;
    ends(&stage, id, &["completed"], 1).await;
}

/// Redis stands still while the provider answers. The outcome is on its way by then, and arrives although its worker
/// is dead when Redis goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_redis_stood_still() {
    let (stage, _wire, worker) = set().await;
    stage.faults([FaultRule::first(1, Fault::Delay { ms: 500 })]);
    let id = enqueue(&stage).await;
    stage.requests(1).await;
    stage.redis.pause().expect("Redis stands still");
    worker.has_said("outcomes wait to be written").await;
    worker.kill().await;
    stage.redis.resume().expect("Redis goes on");
    ends(&stage, id, &["completed"], 1).await;
}

/// The rescuer takes a job over and cannot write what becomes of it at the first try. That a request may have gone out
/// must not be forgotten over that: here the queue's rule is to hold such jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_the_call_and_rescued_at_the_second_try() {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let holding = || {
        let worker = stage.worker().short_lease();
        worker.set("QUEUES__EMAIL__ON_UNKNOWN", "hold")
    };
    let worker = holding().start().await;
    stage.faults([FaultRule::first(1, Fault::NeverAnswer { effect: true })]);
    let id = enqueue(&stage).await;
    stage.requests(1).await;
    worker.kill().await;
    wire.trouble(Wire::RESCUE, Trouble::CutBefore, 1);
    let _rescuer = holding().by(wire.url()).start().await;
    eventually("the rescue was cut short", || async { wire.met() == 1 }).await;
    eventually("it ends", || async {
        let state = stage.job(id).await.state;
        state == JobState::Dead || state == JobState::Completed
    })
    .await;
    let job = stage.job(id).await;
    assert_eq!((job.state, outcomes(&job)), (JobState::Dead, vec!["lost"]));
    assert_eq!(
        stage.effects(id),
        1,
        "a second mail, which the rule forbids"
    );
}
