//! What workers say of themselves, and of the hosts that they do not reach.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Lease, WorkerFacts, WorkerId};
use support::{Bench, LOST};

fn facts(kinds: &[&str]) -> WorkerFacts {
    WorkerFacts {
        process: "host-1".to_owned(),
        host: "host".to_owned(),
        pid: 1,
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        ..WorkerFacts::default()
    }
}

#[tokio::test]
async fn what_a_worker_says_of_itself_lasts_as_long_as_its_lease() {
    let bench = Bench::new();
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let said = facts(&["send_email"]);
    for worker in [&a, &b] {
        assert!(bench.queue.announce(worker, &said).await.expect("says"));
    }
    bench.enqueue(2).await;
    bench.claim(&a, 2).await;
    let workers = bench.queue.workers().await.expect("looks");
    let of = |lease: &Lease| {
        let id = lease.worker().as_str();
        workers.iter().find(|found| found.worker == id)
    };
    let found = of(&a).expect("a is there");
    assert_eq!((found.facts.as_ref(), found.running), (Some(&said), 2));
    assert_eq!(of(&b).map(|found| found.running), Some(0));

    // One leaves, the other is lost: neither leaves anything behind.
    let c = bench.worker("c").await;
    bench.queue.leave(&b).await.expect("leaves");
    bench.back_date_worker(&a, Duration::from_secs(16)).await;
    bench.queue.sweep(&c, LOST).await.expect("sweeps");
    assert!(bench.queue.announce(&c, &said).await.expect("says"));
    let key = &bench.queue.keys().worker_facts;
    let left: Vec<String> = bench.text(&format!("HKEYS {key}")).await;
    assert_eq!(left, [c.worker().as_str()]);

    let stranger = Lease::new(WorkerId::generate("stranger"));
    let held = bench.queue.announce(&stranger, &said).await;
    assert!(!held.expect("answers"), "nobody without a lease is heard");
}
