//! What claims and settles say while Redis may have forgotten something.

use std::time::Duration;

use longshore_queue::{Claim, ClaimState, Lease, LinkOptions, Queue, WorkerId};

use crate::support::{Bench, RETENTION, STALE, done, verdict};

/// Another process that works the queue, and its worker.
async fn another(bench: &Bench) -> (Queue, Lease) {
    let link = bench.queue.link().another(LinkOptions::default());
    let queue = Queue::new(link, "t", "email").expect("the names are good");
    let lease = Lease::new(WorkerId::generate("other"));
    let beat = queue.join(&lease, STALE).await.expect("joins");
    assert!(beat.held);
    (queue, lease)
}

async fn claim(queue: &Queue, lease: &Lease) -> Claim {
    queue.claim(lease, 1, None).await.expect("answers")
}

/// Sets a field of the queue's timeline.
async fn set(bench: &Bench, field: &str, value: &str) {
    let timeline = bench.queue.keys().timeline.as_bytes();
    let row = [b"HSET", timeline, field.as_bytes(), value.as_bytes()];
    let _: u8 = bench.raw(&row).await;
}

/// As if Redis had forgotten the last claim or settle of this worker.
async fn forget_last(bench: &Bench, worker: &Lease) {
    let timeline = &bench.queue.keys().timeline;
    let own = format!("w:{}", worker.worker());
    for field in ["seq", &own] {
        let _: i64 = bench.text(&format!("HINCRBY {timeline} {field} -1")).await;
    }
}

/// Whoever remembers more says so first, and all others wait until the hold is over. A lease that may have been forgotten
/// is not lost before.
#[tokio::test]
async fn where_redis_forgot_nobody_claims_before_it_is_told() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(3).await;
    let claimed = bench.claim(&worker, 1).await;
    forget_last(&bench, &worker).await;
    let is = |claim: &Claim, state: ClaimState| {
        assert_eq!((claim.state, claim.jobs.len()), (state, 0));
    };
    for _ in 0..2 {
        let forgot = claim(&bench.queue, &worker).await;
        is(&forgot, ClaimState::Forgot);
        let wait = forgot.next_due.expect("says how long");
        assert!(wait > Duration::from_secs(1), "{wait:?}");
    }
    let verdicts = [verdict(&claimed[0], done())];
    let settled = bench.queue.settle(&verdicts, RETENTION).await;
    let settled = settled.expect("answers");
    assert_eq!((settled.written, settled.at), (vec![false], None));
    assert_eq!(bench.queue.stats().await.expect("counts").running, 1);

    // One that remembers nothing has nothing to tell.
    let (queue, other) = another(&bench).await;
    let waits = claim(&queue, &other).await;
    is(&waits, ClaimState::Recovering);
    let wait = waits.next_due.expect("says how long");
    assert!(wait > Duration::from_secs(1), "{wait:?}");
    let k = bench.queue.keys();
    let leave = format!("ZREM {} {}", k.workers, worker.worker());
    let _: u8 = bench.text(&leave).await;
    is(&claim(&bench.queue, &worker).await, ClaimState::Forgot);
    let _: u8 = bench.text(&format!("HDEL {} hold", k.timeline)).await;
    is(&claim(&bench.queue, &worker).await, ClaimState::Lost);
    bench.back_date_worker(&worker, Duration::ZERO).await;
    is(&claim(&bench.queue, &worker).await, ClaimState::Forgot);
    let goes_on = claim(&queue, &other).await;
    assert_eq!((goes_on.state, goes_on.jobs.len()), (ClaimState::Ok, 1));
}

/// What is noticed is also a settle that was forgotten, and nothing else.
#[tokio::test]
async fn a_forgotten_settle_is_noticed() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(2).await;
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], done())]).await;
    forget_last(&bench, &worker).await;
    let claim = claim(&bench.queue, &worker).await;
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Forgot, 0));
}

/// Another process of Redis took over: nobody claims until all that are alive have compared.
#[tokio::test]
async fn while_workers_compare_nobody_claims() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (queue, other) = another(&bench).await;
    bench.enqueue(2).await;
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);
    let now = bench.queue.now_ms().await.expect("has a clock");
    for (ago, waits) in [(1_000, 15_000..=20_000), (21_000, 0..=250)] {
        let began = now - ago;
        let check = format!("{} {began} 30000", began + 30_000);
        set(&bench, "check", &check).await;
        let checks = claim(&bench.queue, &worker).await;
        assert_eq!((checks.state, checks.jobs.len()), (ClaimState::Checking, 0));
        let wait = checks.next_due.expect("says how long").as_millis();
        assert!(waits.contains(&wait), "{wait}");
    }
    // Whoever has not compared by the end of it holds up nobody.
    let check = format!("{} {} 30000", now - 1, now - 30_001);
    set(&bench, "check", &check).await;
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);
    bench.enqueue(1).await;
    let began = now - 21_000;
    let check = format!("{} {began} 30000", began + 30_000);
    set(&bench, "check", &check).await;
    let checks = claim(&bench.queue, &worker).await;
    assert_eq!((checks.state, checks.jobs.len()), (ClaimState::Checking, 0));
    // The other one compares by asking: it was the last.
    let goes_on = claim(&queue, &other).await;
    assert_eq!((goes_on.state, goes_on.jobs.len()), (ClaimState::Ok, 1));
}
