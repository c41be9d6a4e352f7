//! The slot that is kept for urgent jobs.

use std::time::Duration;

use longshore_queue::{Claim, ClaimState, Lease, NewJob, RunAt, Spare, Wakes};

use crate::support::{self, Bench};
use crate::{HIGH, LOW, NORMAL, enqueue, of};

async fn claim_keeping(bench: &Bench, worker: &Lease, want: usize) -> Claim {
    let spare = Spare {
        keeps_one: true,
        ..Spare::default()
    };
    let claim = bench.queue.claim_with(worker, want, None, spare).await;
    claim.expect("claims")
}

#[tokio::test]
async fn the_last_free_slot_is_kept_where_some_have_been_urgent() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    enqueue(&bench.queue, &NORMAL, 9).await;
    enqueue(&bench.queue, &LOW, 9).await;
    // Nobody uses high priority: no slot is kept.
    let claim = claim_keeping(&bench, &worker, 2).await;
    assert_eq!((claim.jobs.len(), claim.state), (2, ClaimState::Ok));

    let urgent = enqueue(&bench.queue, &HIGH, 1).await[0];
    let claim = claim_keeping(&bench, &worker, 2).await;
    let claimed = support::ids(&claim.jobs);
    assert_eq!((claimed.len(), claim.state), (1, ClaimState::Kept));
    assert!(claimed.contains(&urgent));
    let claim = claim_keeping(&bench, &worker, 1).await;
    assert_eq!((claim.jobs.len(), claim.state), (0, ClaimState::Kept));
    let urgent = enqueue(&bench.queue, &HIGH, 1).await[0];
    let claim = claim_keeping(&bench, &worker, 1).await;
    assert_eq!(support::ids(&claim.jobs), [urgent]);
    assert_eq!(claim.state, ClaimState::Ok);
    // Who has one slot only keeps none.
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);

    // A day later nothing is kept.
    let turns = &bench.queue.keys().turns;
    let _: i64 = bench.text(&format!("HINCRBY {turns} high -86400001")).await;
    let claim = claim_keeping(&bench, &worker, 2).await;
    assert_eq!((claim.jobs.len(), claim.state), (2, ClaimState::Ok));
}

/// Who has only the kept slot free is woken for an urgent job, and for no other.
#[tokio::test]
async fn a_kept_slot_is_woken_for_urgent_jobs_only() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    // Nobody listens on it: whoever is to be woken is only taken out.
    let wakes = Wakes::new(bench.queue.link());
    let channel = wakes.channel(&bench.queue, drop);
    let spare = Spare {
        keeps_one: true,
        channel: Some(&channel),
        ..Spare::default()
    };
    let claim = async || {
        let claim = bench.queue.claim_with(&worker, 1, None, spare).await;
        support::ids(&claim.expect("claims").jobs)
    };
    let idle = async || {
        let idle = &bench.queue.keys().idle;
        bench.text::<u64>(&format!("ZCARD {idle}")).await
    };
    let urgent = enqueue(&bench.queue, &HIGH, 1).await;
    assert_eq!(claim().await, urgent);
    assert_eq!((claim().await.len(), idle().await), (0, 1));
    for lane in [NORMAL, of("a"), LOW] {
        enqueue(&bench.queue, &lane, 1).await;
        assert_eq!(idle().await, 1, "{lane:?}");
        assert_eq!((claim().await.len(), idle().await), (0, 1), "{lane:?}");
    }
    let urgent = enqueue(&bench.queue, &HIGH, 1).await;
    assert_eq!(idle().await, 0);
    assert_eq!(claim().await, urgent);
}

/// What the kept slot leaves behind is work for another one; and who keeps it does not wait for a time, but to be woken.
#[tokio::test]
async fn what_a_kept_slot_leaves_wakes_another_worker() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let later = NewJob {
        run_at: RunAt::In(Duration::from_secs(60)),
        ..support::job()
    };
    bench.enqueue_all(&[later]).await;
    enqueue(&bench.queue, &HIGH, 1).await;
    bench.claim(&worker, 1).await;
    for lane in [NORMAL, LOW] {
        enqueue(&bench.queue, &lane, 1).await;
        let idle = &bench.queue.keys().idle;
        // Nobody listens there: whoever is to be woken is only taken out.
        bench.text::<u64>(&format!("ZADD {idle} 3 nobody")).await;
        let claim = claim_keeping(&bench, &worker, 1).await;
        assert_eq!((claim.jobs.len(), claim.state), (0, ClaimState::Kept));
        assert_eq!(claim.next_due, None);
        let left: u64 = bench.text(&format!("EXISTS {idle}")).await;
        assert_eq!(left, 0, "{lane:?}");
        assert_eq!(bench.claim(&worker, 1).await.len(), 1);
    }
}
