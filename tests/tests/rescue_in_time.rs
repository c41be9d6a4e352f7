//! With the lease as it is by default, the jobs of a killed worker start again within 20 seconds.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, outcomes, within};

const JOBS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_workers_jobs_start_again_within_20_seconds() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: false })]);
    let unlucky = stage.worker().start().await;
    let ids = stage.enqueue(JOBS).await;
    stage.requests(JOBS as u64).await;
    let _other = stage.worker().start().await;
    stage.faults([]);

    let died = Instant::now();
    unlucky.kill().await;
    let limit = Duration::from_secs(20);
    within(limit, "they start again", || async {
        stage.ledger().summary().accepted == JOBS as u64
    })
    .await;
    let took = died.elapsed();
    println!("they had started again after {took:?}");
    // Less would mean that a worker which misses a beat or two loses its jobs.
    assert!(took > Duration::from_secs(9), "lost after {took:?} already");
    for id in ids {
        stage.is(id, JobState::Completed).await;
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["lost", "completed"]);
        assert_eq!(job.history[1].entry.attempt, 1, "being lost is no attempt");
        assert_eq!(stage.effects(id), 1);
    }
}
