//! An operator's limit: for a time, calls go no faster than that in the whole fleet.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Admission, CallSlot, ClaimState, HoldCause, Limit, ProviderPolicy, Queue};
use support::{Bench, kari};

const HOUR: Duration = Duration::from_secs(3600);

fn a_second(count: u32) -> Limit {
    Limit {
        count,
        per: Duration::from_secs(1),
    }
}

fn policy(limit: Option<Limit>) -> ProviderPolicy {
    ProviderPolicy {
        name: limit.map_or_else(String::new, |_| "sendgrid".to_owned()),
        limit,
        ..ProviderPolicy::default()
    }
}

/// How many of ten jobs a claim takes, and how long the next one has to wait.
async fn claimed(bench: &Bench, queue: &Queue) -> (usize, ClaimState, Duration) {
    let worker = bench.worker("w").await;
    bench.enqueue(10).await;
    let claim = queue.claim(&worker, 10, None).await.expect("claims");
    let again = queue.claim(&worker, 10, None).await.expect("claims");
    let next = again.next_due.unwrap_or_default();
    (claim.jobs.len(), again.state, next)
}

/// In a queue without a provider, with one that has no limit of its own, and below the limit of one that has.
#[tokio::test]
async fn claims_go_no_faster_than_that() {
    for own in [None, Some(a_second(1000))] {
        let bench = Bench::new();
        let queue = bench.queue.clone().with_provider(policy(own));
        queue
            .limit(a_second(1), HOUR, &kari())
            .await
            .expect("limits");
        let (taken, state, next) = claimed(&bench, &queue).await;
        assert_eq!((taken, state), (1, ClaimState::Limited), "{own:?}");
        assert!(
            next > Duration::from_millis(500) && next <= Duration::from_secs(1),
            "{next:?}"
        );
        let holds = queue.stats().await.expect("counts").holds;
        let of = holds
            .iter()
            .find(|hold| hold.cause == HoldCause::Limit)
            .expect("is listed");
        let left = of.until_ms.expect("a time") - queue.now_ms().await.expect("a clock");
        assert!((3_500_000..=3_600_000).contains(&left), "{left}");

        assert!(queue.lift_limit(&kari()).await.expect("lifts"));
        assert!(!queue.lift_limit(&kari()).await.expect("looks"));
        assert_eq!(queue.stats().await.expect("counts").holds, []);
        let worker = bench.worker("x").await;
        let claim = queue.claim(&worker, 5, None).await.expect("claims");
        assert!(!claim.jobs.is_empty(), "{own:?}");
    }
}

#[tokio::test]
async fn what_is_configured_holds_where_it_is_less() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(policy(Some(a_second(1))));
    queue
        .limit(a_second(1000), HOUR, &kari())
        .await
        .expect("limits");
    let (taken, state, _) = claimed(&bench, &queue).await;
    assert_eq!((taken, state), (1, ClaimState::Limited));
}

/// Runs that make many calls, and those of other queues.
#[tokio::test]
async fn calls_of_runs_go_no_faster_than_that() {
    let bench = Bench::new();
    let policy = policy(Some(a_second(1000)));
    let queue = bench.queue.clone().with_provider(policy.clone());
    queue
        .limit(a_second(1), HOUR, &kari())
        .await
        .expect("limits");
    let mut waits = Vec::new();
    for _ in 0..2 {
        let call = queue.acquire_call(&policy, None, Some(("sendgrid", a_second(1000))));
        match call.await.expect("asks") {
            Admission::Go { after, .. } => waits.push(after),
            other => panic!("{other:?}"),
        }
        match queue
            .take_call("sendgrid", a_second(1000))
            .await
            .expect("asks")
        {
            CallSlot::In(after) => waits.push(after),
            CallSlot::TooManyAhead => panic!("a place is there"),
        }
    }
    let apart = |n: usize| waits[n] > Duration::from_millis(500 + 1000 * (n as u64 - 1));
    assert!((1..4).all(apart), "{waits:?}");
    // Calls that their claims have taken take no place.
    for _ in 0..2 {
        let taken = queue.acquire_call(&policy, None, None).await.expect("asks");
        assert!(
            matches!(taken, Admission::Go { after, .. } if after.is_zero()),
            "{taken:?}"
        );
    }
}

/// It ends by itself, it is void where the clock was set back, whatever stands there is bounded, and `resume --holds` lifts it.
#[tokio::test]
async fn a_limit_is_bounded_as_any_hold() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(policy(None));
    let gate = queue.keys().gate.clone();
    let now = queue.now_ms().await.expect("a clock");
    let day = 86_400_000;
    for void in [
        format!("{} {} {day} 60000.0", now - 1, now - day),
        format!("{} {} {day} 60000.0", now + 2 * day, now + day),
        format!("{} {} {} 60000.0", now + 10 * day, now - 1, 30 * day),
        "tomorrow".to_owned(),
        format!("{} {now} {day} 1e300", now + day),
        format!("{} {now} {day} 700000000", now + day),
        format!("{} {now} {day} .", now + day),
    ] {
        bench
            .raw::<u8>(&[b"HSET", gate.as_bytes(), b"limit", void.as_bytes()])
            .await;
        let (taken, _, _) = claimed(&bench, &queue).await;
        assert_eq!(taken, 10, "{void}");
    }
    queue
        .limit(a_second(1), 60 * 24 * HOUR, &kari())
        .await
        .expect("limits");
    let holds = queue.stats().await.expect("counts").holds;
    assert!(holds[0].until_ms.expect("a time") <= now + 7 * day + 60_000);
    let lifted = queue.lift_holds(&kari()).await.expect("lifts");
    assert!(lifted.iter().any(|hold| hold.cause == HoldCause::Limit));
    let (taken, _, _) = claimed(&bench, &queue).await;
    assert_eq!(taken, 10);
}
