//! Redis away, leases lost, answers lost: nothing is lost, and nothing is doubled while Redis can be reached.

#[path = "outages/copies.rs"]
mod copies;
#[path = "outages/failover.rs"]
mod failover;
#[path = "outages/forgot.rs"]
mod forgot;
#[path = "outages/removed.rs"]
mod removed;
#[path = "outages/restarted.rs"]
mod restarted;
#[expect(unreachable_pub, reason = "it is a part of each test file")]
mod support;
#[path = "outages/unkept.rs"]
mod unkept;

use std::time::Duration;

use longshore_queue::{JobState, Lease, Link, LinkOptions, OnUnknown, WorkerId};
use longshore_tests::{Trouble, Wire, eventually, http};
use support::{Bench, Does};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_running_jobs_go_on_and_their_outcomes_are_written_later() {
    let mut bench = Bench::new();
    let running = bench.start();
    let sent = bench.enqueue(Does::SendsThenWaits).await;
    let unsent = bench.enqueue(Does::WaitsThenSends).await;
    bench.running(2).await;
    eventually("it has sent", || async { bench.probing.sent(sent) == 1 }).await;
    bench.redis.kill();
    // Both are told to go on; the one that still has to send must not before its lease is confirmed.
    bench.probing.word.add_permits(2);
    eventually("both have heard", || async {
        bench.probing.word.available_permits() == 0
    })
    .await;
    bench.redis.restart().expect("Redis comes back");
    bench.is(sent, JobState::Completed).await;
    bench.is(unsent, JobState::Completed).await;
    let after = bench.enqueue(Does::Sends).await;
    bench.is(after, JobState::Completed).await;
    for id in [sent, unsent, after] {
        assert_eq!(bench.probing.sent(id), 1);
    }
    assert_eq!(bench.probing.started(), 3, "nothing ran twice");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_lost_its_lease_sends_nothing_and_writes_nothing() {
    let bench = Bench::new();
    let running = bench.start();
    let id = bench.enqueue(Does::WaitsThenSends).await;
    bench.running(1).await;
    // Another worker takes its lease away and the job over, as after a partition.
    let workers = &bench.queue.keys().workers;
    let _: u8 = bench
        .queue
        .link()
        .command(redis::cmd("DEL").arg(workers))
        .await
        .expect("deletes");
    bench.running(2).await;
    bench.probing.word.add_permits(1);
    bench.is(id, JobState::Completed).await;
    assert_eq!(
        bench.probing.sent(id),
        1,
        "the first run was dropped before it could send"
    );
    let runs = bench
        .probing
        .seen
        .lock()
        .expect("not poisoned")
        .runs
        .clone();
    assert_eq!(
        runs[1],
        (id, 1, true),
        "the second one knows that the first may have sent"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_claim_whose_answer_was_lost_come_back() {
    let mut bench = Bench::new();
    let wire = Wire::to(bench.redis.port()).await;
    let link = Link::new(&wire.url(), LinkOptions::default()).expect("a good URL");
    let direct = bench.queue.clone();
    bench.queue = direct.over(link);
    let mut settings = support::settings();
    // Were it taken for one that may have been sent, it would be dead.
    settings.policy.on_unknown = OnUnknown::Hold;
    let running = bench.start_with(settings, Duration::from_secs(5));
    bench.queue = direct;
    let first = bench.enqueue(Does::Sends).await;
    bench.is(first, JobState::Completed).await;
    wire.trouble(Wire::CLAIM, Trouble::CutAfter, 1);
    let id = bench.enqueue(Does::Sends).await;
    bench.is(id, JobState::Completed).await;
    assert_eq!(wire.met(), 1, "an answer was lost");
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!(
        (job.history.len(), job.history[0].entry.attempt),
        (1, 1),
        "it cost no attempt"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_workers_jobs_run_again() {
    let bench = Bench::new();
    let id = bench.enqueue(Does::Sends).await;
    let dead = Lease::new(WorkerId::generate("dead"));
    let stale = support::settings().heartbeat * 2;
    bench.queue.join(&dead, stale).await.expect("joins");
    assert_eq!(
        bench
            .queue
            .claim(&dead, 1, None)
            .await
            .expect("claims")
            .jobs
            .len(),
        1
    );
    let running = bench.start();
    bench.is(id, JobState::Completed).await;
    let job = bench
        .queue
        .job(&id.into())
        .await
        .expect("looks")
        .expect("is there");
    let outcomes: Vec<_> = job
        .history
        .iter()
        .map(|recorded| recorded.entry.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["lost", "completed"]);
    assert!(job.history[0].entry.worker.starts_with("dead-"));
    let clocks: Vec<_> = job
        .history
        .iter()
        .map(|recorded| recorded.entry.clock_ms.is_some())
        .collect();
    assert_eq!(
        clocks,
        [true, false],
        "where a request's outcome is not known"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_cannot_reach_redis_at_the_start_says_so() {
    let mut bench = Bench::new();
    bench.redis.kill();
    let running = bench.start();
    let error = running
        .fleet
        .await
        .expect("no panic")
        .expect_err("cannot work");
    assert!(
        error
            .to_string()
            .contains("could not be reached within 5 s"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_whose_queue_another_edition_has_laid_out_says_so() {
    let bench = Bench::new();
    let mut lay = redis::cmd("HSET");
    lay.arg(&bench.queue.keys().timeline)
        .arg(&["nonce", "1.1000.w", "layout", "999"]);
    let _: u8 = bench.queue.link().command(&lay).await.expect("writes");
    let ended = bench.start().fleet.await.expect("no panic");
    let error = ended.expect_err("cannot work").to_string();
    assert!(error.contains("layout 999"), "{error}");
}

/// A job whose worker was lost while it ran, in a queue that verifies, and whether the provider has carried it out.
async fn lost_and_verified(carried_out: bool) -> (u32, usize) {
    let mut bench = Bench::new();
    bench.probing.carried_out = carried_out;
    let id = bench.enqueue(Does::Sends).await;
    let dead = Lease::new(WorkerId::generate("dead"));
    let stale = support::settings().heartbeat * 2;
    bench.queue.join(&dead, stale).await.expect("joins");
    let claim = bench.queue.claim(&dead, 1, None).await;
    assert_eq!(claim.expect("claims").jobs.len(), 1);
    let mut settings = support::settings();
    settings.policy.on_unknown = longshore_queue::OnUnknown::Verify;
    let running = bench.start_with(settings, std::time::Duration::from_secs(5));
    let fresh = bench.enqueue(Does::Sends).await;
    bench.is(id, JobState::Completed).await;
    bench.is(fresh, JobState::Completed).await;
    running.stop().await;
    let verified = bench
        .probing
        .seen
        .lock()
        .expect("not poisoned")
        .verified
        .clone();
    assert!(
        !verified.contains(&fresh),
        "only what may have been sent is asked for"
    );
    (bench.probing.sent(id), verified.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_rule_is_verify_the_provider_is_asked_before_sending_again() {
    assert_eq!(lost_and_verified(true).await, (0, 1));
    assert_eq!(lost_and_verified(false).await, (1, 1));
}

/// A run that waits for its lease longer than its time limit has called nobody: that is neither an attempt nor its
/// provider's silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_lease_is_not_the_calls_time() {
    let mut bench = Bench::new();
    let wire = Wire::to(bench.redis.port()).await;
    let link = Link::new(&wire.url(), LinkOptions::default()).expect("a good URL");
    let direct = bench.queue.clone();
    bench.queue = direct.over(link);
    let mut settings = support::settings();
    settings.timeout = Duration::from_millis(300);
    let running = bench.start_with(settings, Duration::from_secs(5));
    bench.queue = direct;
    let first = bench.enqueue(Does::Sends).await;
    bench.is(first, JobState::Completed).await;
    wire.trouble(Wire::BEAT, Trouble::CutBefore, usize::MAX);
    eventually("its lease is not confirmed any more", || async {
        let (_, body) = http::get(running.addr, "/readyz").await;
        body.contains("heartbeat")
    })
    .await;
    let id = bench.enqueue(Does::Sends).await;
    // Where it costs no attempt, it is run again at once.
    eventually("its time was over", || async {
        bench.probing.started() >= 3 || bench.state(id).await == Some(JobState::Retryable)
    })
    .await;
    assert_eq!(bench.probing.sent(id), 0, "it sent without a lease");
    wire.clear();
    eventually("it has ended", || async {
        let state = bench.state(id).await;
        matches!(state, Some(JobState::Completed | JobState::Retryable))
    })
    .await;
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let history = job.expect("is there").history;
    let told = history
        .iter()
        .map(|recorded| (recorded.entry.outcome.as_str(), recorded.entry.attempt));
    assert_eq!(told.collect::<Vec<_>>(), [("completed", 1)]);
    running.stop().await;
}
