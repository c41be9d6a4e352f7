//! The limiter is exact for the whole fleet; a struggling provider is left alone, at the cost of no attempt.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::{Duration, Instant};

use longshore_queue::{
    BreakerSpec, BreakerState, CallReport, CallSlot, Claim, ClaimState, Claimed, Fate, HoldCause,
    Lease, Limit, ProviderPolicy, Queue, Route, Signed, Verdict,
};
use support::{Bench, RETENTION, done, verdict};

const OPEN: Duration = Duration::from_millis(300);

fn breaker(window: Option<Duration>) -> ProviderPolicy {
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 3,
            window,
            open: OPEN,
            probe: Duration::from_millis(500),
        }),
        ..ProviderPolicy::default()
    }
}

fn limited(count: u32, per: Duration) -> ProviderPolicy {
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit { count, per }),
        ..ProviderPolicy::default()
    }
}

async fn claim(queue: &Queue, lease: &Lease, want: usize) -> Claim {
    queue.claim(lease, want, None).await.expect("claims")
}

fn reporting(claimed: &Claimed, word: CallReport) -> Verdict {
    let fate = match word {
        CallReport::Well => done(),
        _ => Fate::Back,
    };
    Verdict {
        report: word,
        ..verdict(claimed, fate)
    }
}

async fn settle(queue: &Queue, verdicts: &[Verdict]) {
    let settled = queue.settle(verdicts, RETENTION).await.expect("settles");
    assert!(settled.written.iter().all(|written| *written));
}

async fn state(queue: &Queue) -> BreakerState {
    let stats = queue.stats().await.expect("counts");
    stats
        .breakers
        .first()
        .map_or(BreakerState::Closed, |breaker| breaker.state)
}

/// Waits for what the script said, by Redis's clock.
async fn until_open_is_over(queue: &Queue) {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let until = queue.stats().await.expect("counts").breakers[0]
            .until_ms
            .unwrap_or(0);
        if queue.now_ms().await.expect("has a clock") >= until {
            return;
        }
        assert!(Instant::now() < give_up, "the breaker stays open");
    }
}

#[tokio::test]
async fn two_workers_together_get_what_one_may_and_a_little_ahead() {
    let bench = Bench::new();
    bench.enqueue(400).await;
    let queue = bench
        .queue
        .clone()
        .with_provider(limited(100, Duration::from_secs(1)));
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < Duration::from_secs(2) {
        for worker in [&a, &b] {
            let claim = claim(&queue, worker, 100).await;
            assert!(matches!(claim.state, ClaimState::Ok | ClaimState::Limited));
            calls += claim.jobs.len();
        }
    }
    let ideal = 100.0 * began.elapsed().as_secs_f64();
    let off = (calls as f64 - ideal) / ideal;
    assert!(
        (-0.05..=0.05).contains(&off),
        "{calls} calls instead of {ideal}"
    );
}

#[tokio::test]
async fn a_limit_says_when_to_ask_again_and_counts_only_what_was_claimed() {
    let bench = Bench::new();
    bench.enqueue(3).await;
    let queue = bench
        .queue
        .clone()
        .with_provider(limited(2, Duration::from_secs(60)));
    let worker = bench.worker("w").await;
    let first = claim(&queue, &worker, 10).await;
    assert_eq!((first.state, first.jobs.len()), (ClaimState::Ok, 1));
    let again = claim(&queue, &worker, 10).await;
    assert_eq!((again.state, again.jobs.len()), (ClaimState::Limited, 0));
    for due in [first.next_due, again.next_due] {
        assert!(
            due.is_some_and(|due| due > Duration::from_secs(28) && due <= Duration::from_secs(30)),
            "{due:?}"
        );
    }
    // An empty queue uses nothing up.
    let empty = Bench::new();
    let queue = empty
        .queue
        .clone()
        .with_provider(limited(2, Duration::from_secs(60)));
    let worker = empty.worker("w").await;
    claim(&queue, &worker, 10).await;
    empty.enqueue(1).await;
    assert_eq!(claim(&queue, &worker, 10).await.jobs.len(), 1);
}

#[tokio::test]
async fn jobs_that_make_many_calls_ask_for_each() {
    let bench = Bench::new();
    let limit = Limit {
        count: 2,
        per: Duration::from_secs(60),
    };
    let take = async |name| bench.queue.take_call(name, limit).await.expect("asks");
    assert_eq!(take("writes").await, CallSlot::In(Duration::ZERO));
    let CallSlot::In(wait) = take("writes").await else {
        panic!("a place half a minute ahead is given out");
    };
    assert!(wait > Duration::from_secs(28), "{wait:?}");
    assert_eq!(take("writes").await, CallSlot::TooManyAhead);
    assert_eq!(
        take("reads").await,
        CallSlot::In(Duration::ZERO),
        "each has its own"
    );
}

#[tokio::test]
async fn a_place_that_was_taken_goes_before_claims() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(ProviderPolicy {
        name: "twilio".to_owned(),
        limit: Some(Limit {
            count: 2,
            per: Duration::from_secs(60),
        }),
        ..ProviderPolicy::default()
    });
    let worker = bench.worker("w").await;
    bench.enqueue(1).await;
    let limit = queue.provider().limit.expect("has one");
    let call = queue.take_call("twilio", limit).await.expect("asks");
    assert_eq!(call, CallSlot::In(Duration::ZERO));
    let none = claim(&queue, &worker, 1).await;
    assert_eq!((none.jobs.len(), none.state), (0, ClaimState::Limited));
}

#[tokio::test]
async fn failures_in_a_row_open_it_one_probe_decides_and_late_verdicts_count_nothing() {
    let bench = Bench::new();
    bench.enqueue(8).await;
    let queue = bench.queue.clone().with_provider(breaker(None));
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let jobs = claim(&queue, &a, 6).await.jobs;
    // Two failures, a success between them, two more: never three in a row.
    for (job, word) in jobs.iter().zip([
        CallReport::Ill,
        CallReport::Ill,
        CallReport::Well,
        CallReport::Ill,
        CallReport::Ill,
    ]) {
        settle(&queue, &[reporting(job, word)]).await;
    }
    assert_eq!(state(&queue).await, BreakerState::Closed);
    let jobs = [jobs, claim(&queue, &a, 10).await.jobs].concat();
    settle(&queue, &[reporting(&jobs[6], CallReport::Ill)]).await;
    assert_eq!(state(&queue).await, BreakerState::Open);
    // Claimed before it opened: a success now says nothing.
    settle(&queue, &[reporting(&jobs[5], CallReport::Well)]).await;
    let held = claim(&queue, &b, 10).await;
    assert_eq!((held.state, held.jobs.len()), (ClaimState::Open, 0));
    assert!(held.next_due.is_some_and(|due| due <= OPEN));

    until_open_is_over(&queue).await;
    let probe = claim(&queue, &a, 10).await.jobs;
    assert_eq!((probe.len(), probe[0].context.route), (1, Route::Probe));
    assert_eq!(
        claim(&queue, &b, 10).await.state,
        ClaimState::Open,
        "one probe, fleet-wide"
    );
    assert_eq!(state(&queue).await, BreakerState::HalfOpen);
    settle(&queue, &[reporting(&probe[0], CallReport::Ill)]).await;
    assert_eq!(state(&queue).await, BreakerState::Open);

    until_open_is_over(&queue).await;
    let probe = claim(&queue, &b, 10).await.jobs;
    settle(&queue, &[reporting(&probe[0], CallReport::Well)]).await;
    assert_eq!(state(&queue).await, BreakerState::Closed);
    bench.enqueue(5).await;
    assert!(claim(&queue, &a, 10).await.jobs.len() >= 5);
}

#[tokio::test]
async fn a_dead_prober_or_one_that_made_no_call_frees_the_probe() {
    let bench = Bench::new();
    bench.enqueue(5).await;
    let queue = bench.queue.clone().with_provider(breaker(None));
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 3).await.jobs;
    let ill: Vec<_> = jobs
        .iter()
        .map(|job| reporting(job, CallReport::Ill))
        .collect();
    settle(&queue, &ill).await;
    until_open_is_over(&queue).await;
    // It made no call: the next probe may go at once.
    let probe = claim(&queue, &worker, 1).await.jobs;
    settle(&queue, &[reporting(&probe[0], CallReport::Nothing)]).await;
    let probe = claim(&queue, &worker, 1).await.jobs;
    assert_eq!(probe[0].context.route, Route::Probe);
    // It never comes back: its lease ends.
    assert_eq!(claim(&queue, &worker, 1).await.state, ClaimState::Open);
    until_open_is_over(&queue).await;
    assert_eq!(
        claim(&queue, &worker, 1).await.jobs[0].context.route,
        Route::Probe
    );
}

#[tokio::test]
async fn with_a_window_failures_count_however_many_calls_went_well_between_them() {
    let bench = Bench::new();
    bench.enqueue(10).await;
    let queue = bench
        .queue
        .clone()
        .with_provider(breaker(Some(Duration::from_secs(60))));
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 10).await.jobs;
    for (job, word) in jobs.iter().zip([
        CallReport::Ill,
        CallReport::Well,
        CallReport::Ill,
        CallReport::Well,
    ]) {
        settle(&queue, &[reporting(job, word)]).await;
    }
    assert_eq!(state(&queue).await, BreakerState::Closed);
    settle(&queue, &[reporting(&jobs[4], CallReport::Ill)]).await;
    assert_eq!(state(&queue).await, BreakerState::Open);
}

#[tokio::test]
async fn when_the_provider_says_when_to_come_back_claims_wait_until_then() {
    // The longer one counts, whichever comes first.
    for waits in [[60, 5], [5, 60]] {
        let bench = Bench::new();
        bench.enqueue(3).await;
        let queue = bench.queue.clone().with_provider(breaker(None));
        let worker = bench.worker("w").await;
        let jobs = claim(&queue, &worker, 2).await.jobs;
        for (job, secs) in jobs.iter().zip(waits) {
            let hold = CallReport::Hold(Duration::from_secs(secs));
            settle(&queue, &[reporting(job, hold)]).await;
        }
        let held = claim(&queue, &worker, 10).await;
        assert_eq!(held.state, ClaimState::Held);
        let due = held.next_due.expect("it ends").as_secs();
        assert!((55..=60).contains(&due), "{waits:?}: {due}");
        assert!(queue.stats().await.expect("counts").held_until_ms.is_some());
    }
}

#[tokio::test]
async fn refused_credentials_pause_the_queue_until_a_probe_or_new_ones_find_it_better() {
    let bench = Bench::new();
    bench.enqueue(5).await;
    let with = |credentials: &str| {
        bench.queue.clone().with_provider(ProviderPolicy {
            credentials: credentials.into(),
            ..breaker(None)
        })
    };
    let (old, new) = (with("v1"), with("v2"));
    let worker = bench.worker("w").await;
    let refused = |job: &Claimed| {
        reporting(
            job,
            CallReport::Refused {
                reason: "401: the key was revoked".to_owned(),
            },
        )
    };
    let jobs = claim(&old, &worker, 2).await.jobs;
    settle(&old, &jobs.iter().map(refused).collect::<Vec<_>>()).await;
    let stats = old.stats().await.expect("counts");
    let paused = stats.paused.expect("says so");
    assert_eq!(paused.by, "longshore");
    assert_eq!(
        paused.reason,
        "sendgrid refuses our credentials: 401: the key was revoked"
    );
    assert_eq!(stats.pending, 5, "nothing was burnt");
    let held = claim(&old, &worker, 5).await;
    assert_eq!(held.state, ClaimState::Refused);
    assert!(
        held.next_due
            .is_some_and(|due| due > Duration::from_secs(55))
    );

    // New credentials are tried at once, by one job; refused too, they wait their minute.
    let probe = claim(&new, &worker, 5).await.jobs;
    assert_eq!((probe.len(), probe[0].context.route), (1, Route::Probe));
    settle(&new, &[refused(&probe[0])]).await;
    assert_eq!(claim(&new, &worker, 5).await.state, ClaimState::Refused);

    // A minute later the probe finds it better.
    let _: u8 = bench
        .text(&format!("HSET {} refused_until 1", bench.queue.keys().gate))
        .await;
    let probe = claim(&new, &worker, 5).await.jobs;
    assert_eq!((probe.len(), probe[0].context.route), (1, Route::Probe));
    let held = claim(&new, &worker, 5).await;
    assert_eq!(held.state, ClaimState::Refused, "one a minute");
    assert!(
        held.next_due
            .is_some_and(|due| due <= Duration::from_secs(60))
    );
    settle(&new, &[reporting(&probe[0], CallReport::Well)]).await;
    assert_eq!(old.stats().await.expect("counts").paused, None);
    assert_eq!(claim(&new, &worker, 5).await.jobs.len(), 4);
}

#[tokio::test]
async fn an_operators_resume_leaves_the_queues_own_pause_and_lifting_ends_it() {
    let bench = Bench::new();
    bench.enqueue(2).await;
    let queue = bench.queue.clone().with_provider(breaker(None));
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 1).await.jobs;
    let reason = "401".to_owned();
    settle(
        &queue,
        &[reporting(&jobs[0], CallReport::Refused { reason })],
    )
    .await;
    let ada = Signed::new("ada", "");
    assert!(!queue.resume(&ada).await.expect("resumes"), "nobody paused");
    assert_eq!(claim(&queue, &worker, 5).await.state, ClaimState::Refused);
    queue.pause(&ada).await.expect("pauses");
    let lifted = queue.lift_holds(&ada).await.expect("lifts");
    assert_eq!(lifted[0].cause, HoldCause::Credentials);
    assert_eq!(claim(&queue, &worker, 5).await.state, ClaimState::Paused);
    assert!(queue.resume(&ada).await.expect("resumes"));
    assert_eq!(claim(&queue, &worker, 5).await.jobs.len(), 2);
}
