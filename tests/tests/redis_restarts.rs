//! Redis is killed and restarted under load, once for longer than a lease: nothing is lost, nothing is doubled, no
//! worker dies, and a call that was out goes on.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Load, Stage, Trouble, Wire, gone_by, outcomes};

/// Longer than the default lease of 15 s.
const LONG: Duration = Duration::from_secs(20);

/// Calls that are out when Redis goes away, and answered before it is back.
const SLOW: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_comes_back_three_times_and_nothing_is_lost_or_doubled() {
    let mut stage = Stage::set().await;
    stage.slow_calls_take(4000);
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(stage.worker().start().await);
    }
    let load = Load::on(&stage);

    for _ in 0..2 {
        stage.progress(200).await;
        stage.redis.kill();
        stage.redis.restart().expect("Redis comes back");
    }
    stage.progress(200).await;
    let slow = stage.slow_calls(SLOW).await;
    stage.redis.kill();
    let killed = Instant::now();
    gone_by(LONG, killed).await;
    stage.redis.restart().expect("Redis comes back");

    stage.progress(200).await;
    let accepted = load.end().await;
    for worker in &mut workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
    }
    println!("{} were accepted", accepted.len());
    stage.done_once(&accepted).await;
    stage.done_once(&slow).await;
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
    stage.faults([FaultRule::always(Fault::Delay { ms: 8000 })]);
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
