//! Single calls of a provider, for runs that make many, or that belong to other queues.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{Pass, Why};
use longshore_queue::{
    Admission, BreakerSpec, BreakerState, CallReport, ClaimState, Fallback, Limit, ProviderPolicy,
    Queue, Route,
};
use support::Bench;

const OPEN: Duration = Duration::from_secs(30);

fn s3() -> ProviderPolicy {
    let provider = |name: &str| ProviderPolicy {
        name: name.to_owned(),
        breaker: Some(BreakerSpec {
            failures: 10,
            window: None,
            open: OPEN,
            probe: OPEN * 2,
        }),
        credentials: "v1".into(),
        ..ProviderPolicy::default()
    };
    ProviderPolicy {
        fallback: Some(Fallback {
            policy: Box::new(provider("r2")),
            takes_jobs: false,
        }),
        ..provider("s3")
    }
}

async fn acquire(queue: &Queue, provider: &str, probing: Option<u64>) -> Admission {
    let policy = queue.policy_of(provider).expect("known");
    queue
        .acquire_call(policy, probing, None)
        .await
        .expect("asks")
}

async fn leave(queue: &Queue, provider: &str) -> Pass {
    match acquire(queue, provider, None).await {
        Admission::Go { pass, .. } => pass,
        other => panic!("{provider}: {other:?}"),
    }
}

async fn why(queue: &Queue, provider: &str) -> Option<(Why, u64)> {
    match acquire(queue, provider, None).await {
        Admission::NotNow { why, retry_after } => Some((why, retry_after.as_secs())),
        _ => None,
    }
}

async fn report(queue: &Queue, provider: &str, pass: Pass, word: CallReport) {
    let policy = queue.policy_of(provider).expect("known");
    queue
        .report_call(policy, pass, &word, "w")
        .await
        .expect("told");
}

async fn fail(queue: &Queue, provider: &str, times: usize) {
    for _ in 0..times {
        let pass = leave(queue, provider).await;
        report(queue, provider, pass, CallReport::Ill).await;
    }
}

/// Ends the time that a breaker stays open, or its probe's, as if it had gone by.
async fn over(bench: &Bench, provider: &str) {
    let key = &bench.queue.keys().breakers;
    let text: String = bench.text(&format!("HGET {key} {provider}")).await;
    let parts: Vec<&str> = text.split(' ').collect();
    let text = format!("{} {} 1 1 1 ", parts[0], parts[1]);
    let field = provider.as_bytes();
    let _: u8 = bench
        .raw(&[b"HSET", key.as_bytes(), field, text.as_bytes()])
        .await;
}

async fn stands(queue: &Queue, provider: &str) -> BreakerState {
    let stats = queue.stats().await.expect("counts");
    let mut breakers = stats.breakers.iter();
    breakers
        .find(|breaker| breaker.provider == provider)
        .map_or(BreakerState::Closed, |breaker| breaker.state)
}

#[tokio::test]
async fn ten_failed_calls_in_a_row_open_it_for_calls_and_claims_alike() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    fail(&queue, "s3", 9).await;
    let pass = leave(&queue, "s3").await;
    report(&queue, "s3", pass, CallReport::Well).await;
    fail(&queue, "s3", 9).await;
    assert_eq!(why(&queue, "s3").await, None);
    let late = leave(&queue, "s3").await;
    fail(&queue, "s3", 1).await;
    let (reason, wait) = why(&queue, "s3").await.expect("open");
    assert!(reason == Why::Open && (28..=30).contains(&wait), "{wait}");
    let claim = queue.claim(&worker, 1, None).await.expect("claims");
    assert_eq!(claim.state, ClaimState::Open);
    // Its fallback is another matter, and reports of a time before count nothing.
    assert_eq!(why(&queue, "r2").await, None);
    report(&queue, "s3", late, CallReport::Well).await;
    assert_eq!(stands(&queue, "s3").await, BreakerState::Open);

    // The next call is the probe, and the only one.
    over(&bench, "s3").await;
    let probe = leave(&queue, "s3").await;
    assert!(probe.probe);
    assert!(matches!(
        why(&queue, "s3").await,
        Some((Why::Open, 58..=60))
    ));
    let claim = queue.claim(&worker, 1, None).await.expect("claims");
    assert_eq!(claim.state, ClaimState::Open);
    report(&queue, "s3", probe, CallReport::Ill).await;
    over(&bench, "s3").await;
    // One that finds nothing out frees it at once.
    let probe = leave(&queue, "s3").await;
    report(&queue, "s3", probe, CallReport::Nothing).await;
    let probe = leave(&queue, "s3").await;
    assert!(probe.probe);
    report(&queue, "s3", probe, CallReport::Well).await;
    assert_eq!(stands(&queue, "s3").await, BreakerState::Closed);
    assert!(!leave(&queue, "s3").await.probe);
}

#[tokio::test]
async fn a_job_that_was_claimed_as_the_probe_may_make_its_calls() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    fail(&queue, "s3", 10).await;
    over(&bench, "s3").await;
    let claim = queue.claim(&worker, 2, None).await.expect("claims");
    let job = &claim.jobs[0];
    assert_eq!(job.context.route, Route::Probe);
    assert!(matches!(why(&queue, "s3").await, Some((Why::Open, _))));
    let probing = Some(job.context.epoch);
    let Admission::Go { pass, .. } = acquire(&queue, "s3", probing).await else {
        panic!("its own probe holds it back");
    };
    assert!(pass.probe);
    report(&queue, "s3", pass, CallReport::Well).await;
    assert_eq!(stands(&queue, "s3").await, BreakerState::Closed);
    let Admission::Go { pass, .. } = acquire(&queue, "s3", probing).await else {
        panic!("it is closed");
    };
    // From now on it is one among others: one failure does not open it.
    report(&queue, "s3", pass, CallReport::Ill).await;
    assert_eq!(stands(&queue, "s3").await, BreakerState::Closed);
    // And once it is open again, an old probe is no reason to call.
    fail(&queue, "s3", 9).await;
    let asked = acquire(&queue, "s3", probing).await;
    assert!(matches!(asked, Admission::NotNow { why: Why::Open, .. }));
}

/// With a breaker, which says nothing of credentials and stays closed, or without one, whatever stands there from before.
#[tokio::test]
async fn a_job_that_tries_out_refused_credentials_may_make_its_calls() {
    for (breaker, state) in [
        (s3().breaker, "closed 5 0 0 0 "),
        (None, "open 5 99999999999999 1 99999999999999 "),
    ] {
        let bench = Bench::new();
        let key = &bench.queue.keys().breakers;
        let row = ["HSET", key, "s3", state];
        bench.raw::<u8>(&row.map(str::as_bytes)).await;
        let policy = ProviderPolicy { breaker, ..s3() };
        let queue = bench.queue.clone().with_provider(policy);
        bench.enqueue(1).await;
        let worker = bench.worker("w").await;
        let refused = || CallReport::Refused {
            reason: "InvalidAccessKeyId".to_owned(),
        };
        let pass = leave(&queue, "s3").await;
        report(&queue, "s3", pass, refused()).await;
        let _: u8 = bench
            .text(&format!("HSET {} refused_until 1", bench.queue.keys().gate))
            .await;
        let claim = queue.claim(&worker, 1, None).await.expect("claims");
        let job = &claim.jobs[0];
        assert_eq!(job.context.route, Route::Probe);
        let text: String = bench.text(&format!("HGET {key} s3")).await;
        assert_eq!(text, state, "a probe of credentials is none of the breaker");
        assert!(matches!(why(&queue, "s3").await, Some((Why::Refused, _))));
        let asked = acquire(&queue, "s3", Some(job.context.epoch)).await;
        let Admission::Go { pass, .. } = asked else {
            panic!("its own probe holds it back");
        };
        report(&queue, "s3", pass, CallReport::Well).await;
        assert_eq!(queue.stats().await.expect("counts").paused, None);
    }
}

#[tokio::test]
async fn being_asked_to_wait_and_refused_credentials_hold_that_provider_only() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    let pass = leave(&queue, "r2").await;
    report(&queue, "r2", pass, CallReport::Hold(Duration::from_secs(7))).await;
    assert!(matches!(why(&queue, "r2").await, Some((Why::Held, 6..=7))));
    assert_eq!(why(&queue, "s3").await, None);
    assert_eq!(queue.stats().await.expect("counts").held_until_ms, None);
    let pass = leave(&queue, "s3").await;
    let reason = "InvalidAccessKeyId".to_owned();
    report(&queue, "s3", pass, CallReport::Refused { reason }).await;
    assert!(matches!(
        why(&queue, "s3").await,
        Some((Why::Refused, 58..=60))
    ));
    let paused = queue.stats().await.expect("counts").paused;
    let reason = paused.expect("the queue pauses itself").reason;
    assert_eq!(reason, "s3 refuses our credentials: InvalidAccessKeyId");
    // Others are tried at once.
    let other = ProviderPolicy {
        credentials: "v2".into(),
        ..s3()
    };
    let other = bench.queue.clone().with_provider(other);
    let probe = leave(&other, "s3").await;
    assert!(probe.probe);
    report(&other, "s3", probe, CallReport::Well).await;
    assert_eq!(queue.stats().await.expect("counts").paused, None);
    assert_eq!(why(&queue, "s3").await, None);
}

/// Somebody took it out of the configuration while it was open.
#[tokio::test]
async fn a_breaker_that_is_configured_no_more_holds_nothing() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    fail(&queue, "s3", 10).await;
    assert!(matches!(why(&queue, "s3").await, Some((Why::Open, _))));
    let without = ProviderPolicy {
        breaker: None,
        ..s3()
    };
    let queue = bench.queue.clone().with_provider(without);
    assert!(!leave(&queue, "s3").await.probe);
    let claim = queue.claim(&worker, 1, None).await.expect("claims");
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Ok, 1));
}

#[tokio::test]
async fn calls_take_their_place_in_the_limiter() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    let policy = queue.policy_of("s3").expect("known");
    let limit = Limit {
        count: 10,
        per: Duration::from_secs(60),
    };
    let mut waits = Vec::new();
    for _ in 0..7 {
        let asked = queue.acquire_call(policy, None, Some(("s3", limit))).await;
        waits.push(match asked.expect("asks") {
            Admission::Go { after, .. } => after.as_secs_f64().round() as i64,
            Admission::TooManyAhead => -1,
            Admission::NotNow { .. } => -2,
        });
    }
    assert_eq!(waits, [0, 6, 12, 18, 24, 30, -1]);
}

/// Also where calls may follow each other faster than a clock of milliseconds tells.
#[tokio::test]
async fn a_call_waits_for_those_that_were_booked_before_it() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(s3());
    let policy = queue.policy_of("s3").expect("known");
    let now = queue.now_ms().await.expect("has a clock");
    let booked = format!("{} 0.500 {now}", now + 10_000);
    let row = ["HSET", &queue.keys().limits, "s3", &booked];
    bench.raw::<u8>(&row.map(str::as_bytes)).await;
    let limit = Limit {
        count: 2000,
        per: Duration::from_secs(1),
    };
    let asked = queue.acquire_call(policy, None, Some(("s3", limit))).await;
    let asked = asked.expect("asks");
    assert!(
        matches!(asked, Admission::Go { after, .. } if after > Duration::from_secs(5)),
        "{asked:?}"
    );
}
