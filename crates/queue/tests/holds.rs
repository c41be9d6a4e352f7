//! What holds claims back is bounded, whatever the clock does, and can be seen and lifted.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BreakerSpec, BreakerState, CallReport, CallSlot, Claim, ClaimState, Claimed, Fate, Hold,
    HoldCause, Lease, Limit, ProviderPolicy, Queue, Route, Selection, Verdict,
};
use support::{Bench, RETENTION, bury, done, kari, verdict};

const HOUR_MS: i64 = 3_600_000;

fn policy(count: u32, per: u64) -> ProviderPolicy {
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit {
            count,
            per: Duration::from_secs(per),
        }),
        breaker: Some(BreakerSpec {
            failures: 1,
            window: None,
            open: Duration::from_secs(1800),
            probe: Duration::from_secs(60),
        }),
        ..ProviderPolicy::default()
    }
}

impl Bench {
    fn with(&self, policy: ProviderPolicy) -> Queue {
        self.queue.clone().with_provider(policy)
    }

    /// Moves what a field says of times, as if the clock had been set back by so much since it was written.
    async fn set_back(&self, key: &str, field: &str, by_ms: i64) {
        let text: String = self.text(&format!("HGET {key} {field}")).await;
        let is_time = |part: &str| part.parse::<f64>().is_ok_and(|ms| ms > 1e12);
        let moved = text.split(' ').map(|part| match part.parse::<f64>() {
            Ok(ms) if is_time(part) => format!("{:.0}", ms + by_ms as f64),
            _ => part.to_owned(),
        });
        let moved: Vec<_> = moved.collect();
        assert_ne!(moved.join(" "), text, "no times in {text}");
        self.put(key, field, &moved.join(" ")).await;
    }

    async fn put(&self, key: &str, field: &str, value: &str) {
        let parts = ["HSET", key, field, value];
        let _: u8 = self.raw(&parts.map(str::as_bytes)).await;
    }
}

async fn claim(queue: &Queue, lease: &Lease, want: usize) -> Claim {
    queue.claim(lease, want, None).await.expect("claims")
}

async fn end(queue: &Queue, claimed: &Claimed, word: CallReport) {
    let fate = match word {
        CallReport::Well => done(),
        _ => Fate::Back,
    };
    let verdict = Verdict {
        report: word,
        ..verdict(claimed, fate)
    };
    let settled = queue.settle(&[verdict], RETENTION).await;
    assert_eq!(settled.expect("settles").written, [true]);
}

async fn holds(queue: &Queue) -> Vec<Hold> {
    queue.stats().await.expect("counts").holds
}

fn refused() -> CallReport {
    CallReport::Refused {
        reason: "401".to_owned(),
    }
}

#[tokio::test]
async fn each_hold_is_shown_lifted_and_written_down() {
    let hold = CallReport::Hold(Duration::from_secs(3600));
    for (word, cause, state, seconds) in [
        (hold, HoldCause::RetryAfter, ClaimState::Held, 3600),
        (refused(), HoldCause::Credentials, ClaimState::Refused, 60),
        (CallReport::Ill, HoldCause::Breaker, ClaimState::Open, 1800),
        (
            CallReport::Well,
            HoldCause::Limiter,
            ClaimState::Limited,
            3600,
        ),
    ] {
        let bench = Bench::new();
        bench.enqueue(3).await;
        let queue = bench.with(policy(
            if cause == HoldCause::Limiter { 1 } else { 100 },
            if cause == HoldCause::Limiter { 3600 } else { 1 },
        ));
        let worker = bench.worker("w").await;
        let job = claim(&queue, &worker, 1).await.jobs.remove(0);
        end(&queue, &job, word).await;
        let held = claim(&queue, &worker, 1).await;
        assert_eq!((held.state, held.jobs.len()), (state, 0));
        let now = queue.now_ms().await.expect("has a clock");
        let found = holds(&queue).await;
        assert_eq!((found.len(), found[0].cause), (1, cause));
        let until = found[0].until_ms.expect("it ends").saturating_sub(now);
        let most = seconds * 1000;
        assert!((most - 20_000..=most).contains(&until), "{cause}: {until}");

        let lifted = queue.lift_holds(&kari()).await.expect("lifts");
        assert_eq!(lifted, found);
        assert_eq!(holds(&queue).await, []);
        let audit = queue.audit(None, 10).await.expect("reads");
        assert_eq!((&*audit[0].action, &*audit[0].by), ("lift", "kari"));
        assert!(
            audit[0].result.contains(cause.as_str()),
            "{}",
            audit[0].result
        );
        let next = claim(&queue, &worker, 1).await;
        assert_eq!(next.jobs.len(), 1, "{cause}");
        // A breaker is not closed by a word: one probe goes at once.
        let probed = next.jobs[0].context.route == Route::Probe;
        assert_eq!(probed, cause == HoldCause::Breaker);
        assert_eq!(queue.lift_holds(&kari()).await.expect("lifts").len(), {
            // The probe of the breaker, and the limiter's next call.
            usize::from(matches!(cause, HoldCause::Breaker | HoldCause::Limiter))
        });
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_each_hold_void() {
    let hold = CallReport::Hold(Duration::from_secs(3600));
    for word in [hold, refused(), CallReport::Ill] {
        let bench = Bench::new();
        bench.enqueue(3).await;
        let queue = bench.with(policy(100, 1));
        let worker = bench.worker("w").await;
        let job = claim(&queue, &worker, 1).await.jobs.remove(0);
        end(&queue, &job, word.clone()).await;
        assert_eq!(claim(&queue, &worker, 1).await.jobs.len(), 0);
        let keys = bench.queue.keys();
        let (key, field) = match word {
            CallReport::Hold(_) => (&keys.gate, "held"),
            CallReport::Refused { .. } => (&keys.gate, "refused_until"),
            _ => (&keys.breakers, "sendgrid"),
        };
        bench.set_back(key, field, HOUR_MS).await;
        bench.set_back(&keys.limits, "sendgrid", HOUR_MS).await;
        let until = holds(&queue).await.first().and_then(|hold| hold.until_ms);
        assert_eq!(until, None, "{word:?}");
        let claimed = claim(&queue, &worker, 1).await;
        assert_eq!(claimed.jobs.len(), 1, "{word:?}");
    }
}

#[tokio::test]
async fn a_probe_whose_lease_was_given_before_the_clock_went_back_frees_it() {
    let bench = Bench::new();
    bench.enqueue(3).await;
    let queue = bench.with(policy(100, 1));
    let worker = bench.worker("w").await;
    let job = claim(&queue, &worker, 1).await.jobs.remove(0);
    end(&queue, &job, CallReport::Ill).await;
    queue.lift_holds(&kari()).await.expect("lifts");
    let probe = claim(&queue, &worker, 1).await.jobs.remove(0);
    assert_eq!(probe.context.route, Route::Probe);
    assert_eq!(claim(&queue, &worker, 1).await.state, ClaimState::Open);
    let breakers = bench.queue.keys().breakers.clone();
    bench.set_back(&breakers, "sendgrid", HOUR_MS).await;
    let stats = queue.stats().await.expect("counts");
    assert_eq!(stats.breakers[0].state, BreakerState::HalfOpen);
    assert_eq!(stats.breakers[0].until_ms, None, "that one is void");
    let next = claim(&queue, &worker, 1).await.jobs.remove(0);
    assert_eq!(next.context.route, Route::Probe);
}

#[tokio::test]
async fn a_hold_that_is_longer_than_it_may_be_is_void() {
    let bench = Bench::new();
    bench.enqueue(9).await;
    let queue = bench.with(policy(100, 1));
    let worker = bench.worker("w").await;
    let keys = bench.queue.keys();
    for text in [
        "99999999999999 1 1",
        "99999999999999",
        "x y z",
        "9e99 1 9e99",
    ] {
        bench.put(&keys.gate, "held", text).await;
        assert_eq!(claim(&queue, &worker, 1).await.jobs.len(), 1, "{text}");
        let text = format!("open 1 {text} ");
        bench.put(&keys.breakers, "sendgrid", &text).await;
        let claimed = claim(&queue, &worker, 1).await;
        assert_eq!(claimed.state, ClaimState::Ok, "{text}");
        let _: u8 = bench
            .text(&format!("DEL {} {}", keys.breakers, keys.limits))
            .await;
    }
    // Farther ahead than any run may have booked.
    let now = queue.now_ms().await.expect("has a clock");
    let far = format!("{} 10 {now}", now + 40_000);
    for text in [
        far.as_str(),
        "99999999999999 10 1",
        "99999999999999",
        "nan nan 1",
        "- 1 1",
    ] {
        bench.enqueue(1).await;
        bench.put(&keys.limits, "sendgrid", text).await;
        let claimed = claim(&queue, &worker, 1).await;
        assert_eq!(claimed.state, ClaimState::Ok, "{text}");
    }
}

#[tokio::test]
async fn a_limiter_whose_clock_went_back_or_whose_rate_was_mended_goes_on_at_once() {
    let bench = Bench::new();
    bench.enqueue(50).await;
    let worker = bench.worker("w").await;
    let slow = bench.with(policy(1, 3600));
    assert_eq!(claim(&slow, &worker, 9).await.jobs.len(), 1);
    assert_eq!(claim(&slow, &worker, 9).await.state, ClaimState::Limited);
    let mended = bench.with(policy(100, 1));
    // Until the next call by the new rate, some 10 ms.
    let first = claim(&mended, &worker, 9).await;
    let wait = first.next_due.unwrap_or_default();
    assert!(
        !first.jobs.is_empty() || wait <= Duration::from_millis(10),
        "{wait:?}"
    );

    let limits = bench.queue.keys().limits.clone();
    bench.set_back(&limits, "sendgrid", HOUR_MS / 2).await;
    let claimed = claim(&mended, &worker, 9).await;
    assert_eq!(claimed.jobs.len(), 1, "one, and from there by its rate");
    let again = claim(&mended, &worker, 100).await;
    assert!(again.jobs.len() <= 5, "{} at once", again.jobs.len());
}

#[tokio::test]
async fn what_runs_have_booked_ahead_is_kept() {
    let bench = Bench::new();
    let limit = Limit {
        count: 1,
        per: Duration::from_secs(10),
    };
    let take = async || bench.queue.take_call("stripe", limit).await.expect("asks");
    assert_eq!(take().await, CallSlot::In(Duration::ZERO));
    for n in 1..=3 {
        let CallSlot::In(wait) = take().await else {
            panic!("place {n} is within half a minute");
        };
        assert!(wait > Duration::from_secs(10 * n - 2), "{n}: {wait:?}");
    }
    assert_eq!(take().await, CallSlot::TooManyAhead);
}

#[tokio::test]
async fn completed_jobs_are_pruned_by_bytes_also_after_the_clock_went_back() {
    let bench = Bench::new();
    let ids = bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    for _ in 0..2 {
        support::run(&bench, &worker, 1, &done()).await;
    }
    let completed = bench.queue.keys().completed.clone();
    let rows: Vec<String> = bench.text(&format!("LRANGE {completed} 0 -1")).await;
    for (n, row) in rows.iter().enumerate() {
        let (at, rest) = row.split_once(' ').expect("a time");
        let ahead = at.parse::<i64>().expect("ms") + HOUR_MS;
        let (n, row) = (n.to_string(), format!("{ahead} {rest}"));
        let parts = ["LSET", &completed, &n, &row];
        let _: () = bench.raw(&parts.map(str::as_bytes)).await;
    }
    let hour = longshore_queue::Retention {
        keep: Duration::from_secs(3600),
        max_bytes: None,
    };
    // As if it had ended now: kept for an hour, and not for two.
    let next = bench
        .queue
        .prune(hour)
        .await
        .expect("prunes")
        .expect("later");
    let now = bench.queue.now_ms().await.expect("has a clock");
    assert!(next <= now + 3_600_000, "{}", next - now);
    assert!(
        bench
            .queue
            .job(&support::raw(ids[0]))
            .await
            .expect("looks")
            .is_some()
    );
}

#[tokio::test]
async fn a_drip_goes_on_after_the_clock_went_back() {
    let bench = Bench::new();
    bury(&bench, 3, "x").await;
    let id = JobId::generate();
    let kari = kari();
    let begun = bench
        .queue
        .begin_replay(id, &Selection::All, Some(1), &kari);
    begun.await.expect("begins");
    for field in ["stepped", "heard"] {
        let key = &bench.queue.keys().operations;
        bench.set_back(key, &format!("{id}:{field}"), HOUR_MS).await;
    }
    let wait = bench.queue.advance_operations().await.expect("steps");
    let wait = wait.expect("it goes on");
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
}

/// What waited goes out at the provider's rate: the time in which nothing was let out does not add to it.
#[tokio::test]
async fn no_burst_follows_a_time_that_the_provider_named() {
    let bench = Bench::new();
    bench.enqueue(200).await;
    let queue = bench.with(policy(100, 1));
    let worker = bench.worker("w").await;
    let job = claim(&queue, &worker, 1).await.jobs.remove(0);
    let wait = Duration::from_millis(300);
    end(&queue, &job, CallReport::Hold(wait)).await;
    let over = holds(&queue).await[0].until_ms.expect("it ends");
    let mut taken = 0;
    while taken < 40 {
        taken += claim(&queue, &worker, 200).await.jobs.len();
        let now = queue.now_ms().await.expect("has a clock");
        // Claims run 50 ms ahead of the rate at the most.
        let most = match now.checked_sub(over) {
            None => 0,
            Some(since) => (since + 50) / 10 + 1,
        };
        assert!(taken as u64 <= most, "{taken} of {most}, {now} {over}");
    }
}
