//! Redis is killed and restarted under load, once for longer than a lease: nothing is lost, nothing is doubled, no
//! worker dies, and a call that was out goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, ClientError, JobId, JobState};
use longshore_queue::Queue;
use longshore_sandbox::{Fault, Only, Rule};
use longshore_tests::{Stage, Trouble, Wire, email, eventually, gone_by, outcomes, within};

/// Longer than the default lease of 15 s.
const LONG: Duration = Duration::from_secs(20);

/// Calls that are out when Redis goes away, and answered before it is back.
const SLOW: usize = 10;

/// Enqueues until it is told to end, a few jobs ahead of the workers; returns the ids that were accepted.
async fn produce(client: Client, queue: Queue, end: Arc<AtomicBool>) -> Vec<JobId> {
    let mut accepted = Vec::new();
    while !end.load(Ordering::Acquire) {
        match client.enqueue_all((0..50).map(email)).await {
            Ok(ids) => accepted.extend(ids),
            // Redis is away for longer than the client tries: these are not accepted.
            Err(ClientError::Queue(_)) => {}
            Err(error) => panic!("{error}"),
        }
        eventually("the workers keep up", || async {
            let stats = queue.stats().await;
            end.load(Ordering::Acquire) || stats.is_ok_and(|stats| stats.pending < 100)
        })
        .await;
    }
    accepted
}

/// Waits until 200 more jobs have completed.
async fn progress(stage: &Stage) {
    let before = stage.stats().await.counter("completed");
    stage.completed(before + 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_comes_back_three_times_and_nothing_is_lost_or_doubled() {
    let mut stage = Stage::set().await;
    let slow = Only {
        template: Some("d-invoice".to_owned()),
        ..Only::default()
    };
    stage.faults([
        Rule::always(Fault::Delay { ms: 4000 }).only(slow),
        Rule::always(Fault::Delay { ms: 50 }),
    ]);
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(stage.worker().start().await);
    }
    let end = Arc::new(AtomicBool::new(false));
    let producing = tokio::spawn(produce(
        stage.client.clone(),
        stage.queue.clone(),
        Arc::clone(&end),
    ));

    for _ in 0..2 {
        progress(&stage).await;
        stage.redis.kill();
        stage.redis.restart().expect("Redis comes back");
    }
    progress(&stage).await;
    let invoices = (0..SLOW).map(|n| SendEmail::new("invoice", format!("slow{n}@example.com")));
    let slow = stage.client.enqueue_all(invoices).await.expect("accepted");
    within(
        Duration::from_secs(20),
        "the slow calls are out",
        || async { slow.iter().all(|id| stage.effects(*id) == 1) },
    )
    .await;
    stage.redis.kill();
    let killed = Instant::now();
    gone_by(LONG, killed).await;
    stage.redis.restart().expect("Redis comes back");

    progress(&stage).await;
    end.store(true, Ordering::Release);
    let accepted = producing.await.expect("no panic");
    for worker in &mut workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
    }
    within(Duration::from_secs(30), "every job ends", || async {
        let stats = stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    println!("{} were accepted", accepted.len());
    for id in accepted.iter().chain(&slow) {
        let job = stage.job(*id).await;
        assert_eq!(job.state, JobState::Completed, "{id}: {:?}", job.history);
        assert!(stage.effects(*id) >= 1, "{id} completed without an effect");
    }
    assert_eq!(stage.ledger().summary().duplicates, 0);
    for id in slow {
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["completed"], "its call was not dropped");
        assert_eq!(job.history[0].entry.attempt, 1);
    }
    for worker in &workers {
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}

/// After an outage every lease is stale, and it is chance who calls first, and with what: keepers try again every
/// 250 ms, claimers with free slots at least every second. Here the claims come first, then the heartbeat of one worker,
/// and last the heartbeat of the other, which has jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_worker_back_does_not_rescue_the_living() {
    let mut stage = Stage::set().await;
    stage.faults([Rule::always(Fault::Delay { ms: 8000 })]);
    let (first, last) = (
        Wire::to(stage.redis.port()).await,
        Wire::to(stage.redis.port()).await,
    );
    let worker = |wire: &Wire| {
        let worker = stage.worker().by(wire.url());
        worker
            .set("WORKER__HEARTBEAT_SECONDS", "0.5")
            .set("WORKER__LOST_AFTER_SECONDS", "2")
    };
    let busy = worker(&last).start().await;
    let ids = stage.enqueue(5).await;
    stage.requests(5).await;
    let idle = worker(&first).start().await;
    stage.redis.kill();
    gone_by(Duration::from_secs(3), Instant::now()).await;
    first.trouble(Wire::BEAT, Trouble::CutBefore, 8);
    last.trouble(Wire::BEAT, Trouble::CutBefore, 12);
    stage.redis.restart().expect("Redis comes back");
    for id in ids {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
        assert_eq!(stage.effects(id), 1, "its living worker had it");
    }
    for worker in [busy, idle] {
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}
