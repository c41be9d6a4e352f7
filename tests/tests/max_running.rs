//! `max_running`: no more than that at the same time in the whole fleet, and no less while there is work.

use std::time::{Duration, Instant};

use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, within};

const JOBS: u64 = 100;
const MOST: u64 = 5;
const CALL: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_at_its_limit_goes_on_as_slots_become_free() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay {
        ms: CALL.as_millis() as u64,
    })]);
    let _worker = stage
        .worker()
        .set("QUEUES__EMAIL__MAX_RUNNING", MOST.to_string())
        .start()
        .await;
    let started = Instant::now();
    stage.enqueue(JOBS as usize).await;
    within(Duration::from_secs(60), "all have completed", || async {
        let stats = stage.stats().await;
        assert!(stats.running <= MOST, "{} run", stats.running);
        stats.counter("completed") == JOBS
    })
    .await;
    let (took, ideal) = (started.elapsed(), CALL * (JOBS / MOST) as u32);
    println!("{took:?}, at the best {ideal:?}");
    assert!(took < ideal * 4, "{took:?} instead of {ideal:?}");
}
