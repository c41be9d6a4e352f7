//! A worker is stopped in its tracks for longer than its lease and wakes when others have done its jobs: it sends
//! nothing more, and what it has to say of them is refused.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, Trouble, Wire, eventually, gone_by, outcomes, within};

const JOBS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_answered_while_it_is_frozen_are_not_its_own_any_more() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::first(JOBS as u64, Fault::Delay { ms: 300 })]);
    let mut frozen = stage.worker().short_lease().start().await;
    let ids = stage.enqueue(JOBS).await;
    stage.requests(JOBS as u64).await;
    frozen.freeze();
    let _other = stage.worker().short_lease().start().await;
    for &id in &ids {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
    }
    frozen.thaw();
    frozen.has_said("lease lost").await;
    eventually("it has done with what it had", || async {
        let (_, metrics) = frozen.get("/metrics").await;
        gone(&metrics) == JOBS as u64
    })
    .await;
    // It has a new lease, and is of use again.
    frozen_works_again(&stage).await;
    assert_eq!(frozen.ended(), None);
    for &id in &ids {
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["lost", "completed"], "it wrote over it");
        assert_eq!(stage.effects(id), 2, "a third effect");
    }
}

/// Its jobs wait for a heartbeat that does not get through when it is stopped: nothing of theirs is out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_it_had_not_sent_yet_are_not_sent() {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let frozen = stage.worker().short_lease().by(wire.url()).start().await;
    wire.trouble(Wire::BEAT, Trouble::CutBefore, usize::MAX);
    frozen.unconfirmed().await;
    let ids = stage.enqueue(JOBS).await;
    stage.running(JOBS as u64).await;
    // More than enough for requests to go out.
    gone_by(Duration::from_millis(500), Instant::now()).await;
    frozen.freeze();
    assert_eq!(stage.ledger().requests(), 0, "it sent without a lease");
    let _other = stage.worker().short_lease().start().await;
    for &id in &ids {
        stage.is(id, JobState::Completed).await;
    }
    wire.clear();
    frozen.thaw();
    frozen.has_said("lease lost").await;
    frozen_works_again(&stage).await;
    for id in ids {
        assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
        assert_eq!(stage.effects(id), 1, "it sent what was not its own");
    }
}

/// A run that waits for its lease longer than its queue's time limit has not called anybody: that is neither an attempt
/// nor its provider's silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_lease_is_not_the_calls_time() {
    let stage = Stage::set().await;
    let wire = Wire::to(stage.redis.port()).await;
    let worker = stage.worker().short_lease().by(wire.url());
    let worker = worker
        .queue("TIMEOUT_SECONDS", "1")
        .provider("TIMEOUT_SECONDS", "0.5")
        .start()
        .await;
    wire.trouble(Wire::BEAT, Trouble::CutBefore, usize::MAX);
    worker.unconfirmed().await;
    let ids = stage.enqueue(JOBS).await;
    stage.running(JOBS as u64).await;
    // Longer than the time limit.
    gone_by(Duration::from_millis(1500), Instant::now()).await;
    assert_eq!(stage.ledger().requests(), 0, "it sent without a lease");
    wire.clear();
    stage.done_once(&ids).await;
    for id in ids {
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["completed"]);
        assert_eq!(job.history[0].entry.attempt, 1);
    }
}

/// Both workers take jobs.
async fn frozen_works_again(stage: &Stage) {
    within(
        Duration::from_secs(20),
        "two workers have leases",
        || async { stage.stats().await.workers == 2 },
    )
    .await;
    let before = stage.stats().await.counter("completed");
    stage.enqueue(50).await;
    stage.completed(before + 50).await;
}

/// Runs whose outcome was dropped or refused.
fn gone(metrics: &str) -> u64 {
    let counted = |line: &&str| {
        line.starts_with("longshore_outcomes_refused_total")
            || (line.starts_with("longshore_runs_total") && line.contains("lease_lost"))
    };
    let lines = metrics.lines().filter(counted);
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}
