//! What a fleet costs: who looks through the running jobs, and when.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Lease, Sweep};
use support::{Bench, LOST, STALE};

const LATE: Duration = Duration::from_secs(16);

impl Bench {
    async fn rescue(&self, lease: &Lease) -> Sweep {
        let sweep = self.queue.rescue(lease, LOST).await.expect("looks");
        sweep.expect("has a lease")
    }

    /// Whether a beat is told to look through all running jobs.
    async fn is_to_sweep(&self, lease: &Lease) -> bool {
        let beat = self.queue.beat(lease, STALE, 1, 0).await.expect("beats");
        assert!(beat.held);
        beat.sweep
    }
}

#[tokio::test]
async fn of_all_who_see_a_lost_worker_one_looks_through_the_running_jobs() {
    let bench = Bench::new();
    bench.enqueue(3).await;
    let dead = bench.worker("dead").await;
    let (one, other) = (bench.worker("one").await, bench.worker("other").await);
    bench.claim(&dead, 2).await;
    bench.claim(&other, 1).await;
    let nothing = bench.rescue(&one).await;
    assert!(nothing.taken.is_empty(), "nobody is lost");

    bench.back_date_worker(&dead, LATE).await;
    let looked = async || {
        let text: String = bench.text("INFO commandstats").await;
        let of = text
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_hscan:calls="));
        let calls = of.and_then(|of| of.split(',').next()?.parse().ok());
        calls.unwrap_or(0_u64)
    };
    assert_eq!(bench.rescue(&one).await.taken.len(), 2);
    let before = looked().await;
    assert!(bench.rescue(&other).await.taken.is_empty());
    assert_eq!(looked().await, before, "another look finds nothing new");
}

#[tokio::test]
async fn what_a_lost_rescuer_leaves_is_found_by_the_next_beat() {
    let bench = Bench::new();
    bench.enqueue(2).await;
    let (dead, alive) = (bench.worker("dead").await, bench.worker("alive").await);
    bench.claim(&dead, 1).await;
    bench.claim(&alive, 1).await;
    bench.is_to_sweep(&alive).await;
    assert!(!bench.is_to_sweep(&alive).await, "once a minute");
    // It has ended the lease, and was killed.
    let workers = bench.queue.keys().workers.clone();
    let gone = format!("ZREM {workers} {}", dead.worker());
    bench.text::<u64>(&gone).await;
    let (secs, _): (u64, u64) = bench.text("TIME").await;
    let rescuer = |until: u64| format!("rescuer {}000 {}000 10000", until, until - 10);
    bench.set_in_timeline("rescue", &rescuer(secs + 8)).await;
    assert!(!bench.is_to_sweep(&alive).await, "it is at it");
    assert!(bench.rescue(&alive).await.taken.is_empty(), "it is at it");
    bench.set_in_timeline("rescue", &rescuer(secs - 1)).await;
    assert!(bench.is_to_sweep(&alive).await);
    assert_eq!(bench.rescue(&alive).await.taken.len(), 1);
    assert!(!bench.is_to_sweep(&alive).await);
}

#[tokio::test]
async fn once_a_minute_one_of_all_looks_for_what_nobody_owns() {
    let bench = Bench::new();
    let (one, other) = (bench.worker("one").await, bench.worker("other").await);
    assert!(!bench.is_to_sweep(&one).await, "nothing runs");
    bench.enqueue(2).await;
    bench.claim(&one, 1).await;
    bench.claim(&other, 1).await;
    assert!(bench.is_to_sweep(&one).await);
    assert!(!bench.is_to_sweep(&other).await);
    let (secs, _): (u64, u64) = bench.text("TIME").await;
    // Also where the clock was set back since.
    for walked in [secs - 61, secs + 3600] {
        let walked = format!("{walked}000");
        bench.set_in_timeline("walked", &walked).await;
        assert!(bench.is_to_sweep(&other).await);
        assert!(!bench.is_to_sweep(&one).await);
    }
}
