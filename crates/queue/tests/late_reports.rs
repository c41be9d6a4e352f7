//! What comes late, from elsewhere or a second time changes nothing: each test here fails when one guard is taken out.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{Answer, Class, JobError, JobId, Pass};
use longshore_queue::{
    Admission, BreakerSpec, BreakerState, CallReport, ClaimState, Claimed, Decision, Fate, Lease,
    OnUnknown, Policy, ProviderPolicy, Queue, Route, Selection, Verdict, decide,
};
use support::{Bench, LOST, done, kari, policy, raw, verdict};

/// Opens after three failures in a row, and stays open for longer than any test.
fn guarded(bench: &Bench) -> Queue {
    bench.queue.clone().with_provider(ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 3,
            window: None,
            open: Duration::from_secs(600),
            probe: Duration::from_secs(600),
        }),
        credentials: "v1".into(),
        ..ProviderPolicy::default()
    })
}

async fn claim(queue: &Queue, lease: &Lease, want: usize) -> Vec<Claimed> {
    queue.claim(lease, want, None).await.expect("claims").jobs
}

async fn report(queue: &Queue, job: &Claimed, word: CallReport) {
    let fate = match word {
        CallReport::Well => done(),
        _ => Fate::Back,
    };
    let verdict = Verdict {
        report: word,
        ..verdict(job, fate)
    };
    let settled = queue.settle(&[verdict], support::RETENTION).await;
    assert_eq!(settled.expect("settles").written, [true]);
}

async fn stands(queue: &Queue) -> (BreakerState, u64) {
    let key = &queue.keys().breakers;
    let mut command = redis::cmd("HGET");
    command.arg(key).arg("sendgrid");
    let text: Option<String> = queue.link().command(&command).await.expect("reads");
    let text = text.unwrap_or_else(|| "closed 0 0 ".to_owned());
    let parts: Vec<&str> = text.split(' ').collect();
    let state = match parts[0] {
        "closed" => BreakerState::Closed,
        "open" => BreakerState::Open,
        _ => BreakerState::HalfOpen,
    };
    (state, parts[1].parse().expect("an epoch"))
}

/// Lets the time go by for which the breaker is open, or its probe may take.
async fn over(bench: &Bench, queue: &Queue) {
    let (state, epoch) = stands(queue).await;
    let word = match state {
        BreakerState::Open => "open",
        _ => "half",
    };
    let key = &queue.keys().breakers;
    let text = format!("{word} {epoch} 1 1 1 ");
    let _: u8 = bench
        .raw(&[b"HSET", key.as_bytes(), b"sendgrid", text.as_bytes()])
        .await;
}

/// A text message that may have been sent dies by the queue's rule, and an operator has it replayed: forgetting that it
/// may have been sent would send it twice.
#[tokio::test]
async fn a_replayed_job_still_may_have_been_sent() {
    let hold = Policy {
        on_unknown: OnUnknown::Hold,
        ..policy()
    };
    let unknown = Err(JobError::OutcomeUnknown {
        reason: "no answer came".to_owned(),
        answer: Answer::of("twilio"),
    });
    for by_name in [true, false] {
        let bench = Bench::new();
        bench.enqueue(1).await;
        let worker = bench.worker("w").await;
        let job = bench.claim(&worker, 1).await.remove(0);
        let Decision { fate, state, .. } =
            decide(&unknown, job.run, Route::Primary, &hold, "twilio");
        assert!(matches!(&fate, Fate::Dead { cause } if cause.class == Class::OutcomeUnknown));
        bench
            .settle(&[Verdict {
                state,
                ..verdict(&job, fate)
            }])
            .await;
        match by_name {
            true => {
                let replayed = bench
                    .queue
                    .replay(std::slice::from_ref(&job.id), &kari())
                    .await;
                assert_eq!(replayed.expect("replays"), std::slice::from_ref(&job.id));
            }
            false => {
                let id = JobId::generate();
                let queue = &bench.queue;
                let begun = queue.begin_replay(id, &Selection::All, None, &kari()).await;
                begun.expect("begins");
                let now = queue.now_ms().await.expect("has a clock");
                while queue.now_ms().await.expect("has a clock") == now {}
                while queue.advance_operations().await.expect("steps").is_some() {}
            }
        }
        let again = bench.claim(&worker, 1).await.remove(0);
        assert!(again.run.may_have_been_sent, "by name: {by_name}");
        assert_eq!(again.run.used, 0, "its attempts begin anew");
    }
}

#[tokio::test]
async fn failures_of_calls_that_were_claimed_before_the_breaker_closed_do_not_open_it() {
    let bench = Bench::new();
    bench.enqueue(10).await;
    let queue = guarded(&bench);
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 8).await;
    for job in &jobs[..3] {
        report(&queue, job, CallReport::Ill).await;
    }
    assert_eq!(stands(&queue).await.0, BreakerState::Open);
    // A success from before does not close it.
    report(&queue, &jobs[3], CallReport::Well).await;
    assert_eq!(stands(&queue).await.0, BreakerState::Open);
    over(&bench, &queue).await;
    let probe = claim(&queue, &worker, 1).await.remove(0);
    assert_eq!(probe.context.route, Route::Probe);
    // Nor does it decide for the probe.
    report(&queue, &jobs[4], CallReport::Well).await;
    assert_eq!(stands(&queue).await.0, BreakerState::HalfOpen);
    report(&queue, &probe, CallReport::Well).await;
    assert_eq!(stands(&queue).await.0, BreakerState::Closed);
    for job in &jobs[5..8] {
        report(&queue, job, CallReport::Ill).await;
    }
    assert_eq!(
        stands(&queue).await.0,
        BreakerState::Closed,
        "three failures of a time before"
    );
}

/// With a window, what is older says nothing, nor does what was noted before the clock was set back.
#[tokio::test]
async fn failures_count_for_as_long_as_the_window() {
    let bench = Bench::new();
    let policy = ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 3,
            window: Some(Duration::from_secs(60)),
            open: Duration::from_secs(600),
            probe: Duration::from_secs(600),
        }),
        ..ProviderPolicy::default()
    };
    let queue = bench.queue.clone().with_provider(policy.clone());
    let now = queue.now_ms().await.expect("has a clock");
    let key = queue.keys().breakers.clone();
    for (earlier, state) in [
        ([-50, -1], BreakerState::Open),
        ([-70, -1], BreakerState::Closed),
        ([-1, 3600], BreakerState::Closed),
    ] {
        let [one, other] = earlier.map(|seconds: i64| now.saturating_add_signed(seconds * 1000));
        let text = format!("closed 0 0 0 0 {one},{other}");
        let field = ["HSET", &key, "sendgrid", &text];
        bench.raw::<u8>(&field.map(str::as_bytes)).await;
        let told = queue.report_call(&policy, Pass::default(), &CallReport::Ill, "w");
        told.await.expect("told");
        assert_eq!(stands(&queue).await.0, state, "{earlier:?}");
    }
    // Of those that count all are kept, and no others.
    let text: String = bench.text(&format!("HGET {key} sendgrid")).await;
    let kept = text.split(' ').next_back().unwrap_or_default();
    assert_eq!(kept.split(',').count(), 2, "{text}");
}

/// Nobody was to call, so whoever says what a call came to is late, whatever epoch it names.
#[tokio::test]
async fn while_the_breaker_is_open_nothing_counts() {
    let bench = Bench::new();
    let queue = guarded(&bench);
    let policy = queue.policy_of("sendgrid").expect("known");
    let ill = async |epoch| {
        let pass = Pass {
            epoch,
            probe: false,
        };
        let told = queue.report_call(policy, pass, &CallReport::Ill, "w");
        told.await.expect("told");
    };
    for _ in 0..3 {
        ill(0).await;
    }
    let (state, epoch) = stands(&queue).await;
    assert_eq!(state, BreakerState::Open);
    for _ in 0..3 {
        ill(epoch).await;
    }
    let after = stands(&queue).await;
    assert_eq!(after, (state, epoch), "it stays open no longer for that");
}

#[tokio::test]
async fn only_a_probe_ends_the_pause_for_refused_credentials() {
    let bench = Bench::new();
    bench.enqueue(4).await;
    let queue = guarded(&bench);
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 3).await;
    let reason = "the key was revoked".to_owned();
    report(&queue, &jobs[0], CallReport::Refused { reason }).await;
    // It was out before, with credentials that were good then.
    report(&queue, &jobs[1], CallReport::Well).await;
    let claim = queue.claim(&worker, 1, None).await.expect("claims");
    assert_eq!(claim.state, ClaimState::Refused);
    assert!(queue.stats().await.expect("counts").paused.is_some());
}

/// Its epoch says whether it is the probe still; without a breaker there is none to ask, whatever stands there from before.
#[tokio::test]
async fn a_probe_whose_time_is_over_does_not_end_the_pause_for_refused_credentials() {
    let breaker = BreakerSpec {
        failures: 1,
        window: None,
        open: Duration::from_secs(600),
        probe: Duration::from_secs(600),
    };
    for (breaker, over, now) in [(Some(breaker), Some(4), 5), (None, None, 0)] {
        let bench = Bench::new();
        let policy = ProviderPolicy {
            name: "sendgrid".to_owned(),
            breaker,
            ..ProviderPolicy::default()
        };
        let queue = bench.queue.clone().with_provider(policy.clone());
        let row = [
            "HSET",
            &queue.keys().breakers,
            "sendgrid",
            "closed 5 0 0 0 ",
        ];
        bench.raw::<u8>(&row.map(str::as_bytes)).await;
        let is_paused_after = async |epoch, probe, word| {
            let pass = Pass { epoch, probe };
            let told = queue.report_call(&policy, pass, &word, "w");
            told.await.expect("told");
            queue.stats().await.expect("counts").paused.is_some()
        };
        let reason = "the key was revoked".to_owned();
        assert!(is_paused_after(now, false, CallReport::Refused { reason }).await);
        if let Some(over) = over {
            assert!(is_paused_after(over, true, CallReport::Well).await);
        }
        assert!(!is_paused_after(now, true, CallReport::Well).await);
    }
}

#[tokio::test]
async fn a_probe_whose_time_is_over_may_not_call_beside_the_next_one() {
    let bench = Bench::new();
    bench.enqueue(6).await;
    let queue = guarded(&bench);
    let worker = bench.worker("w").await;
    let jobs = claim(&queue, &worker, 3).await;
    for job in &jobs {
        report(&queue, job, CallReport::Ill).await;
    }
    over(&bench, &queue).await;
    let stale = claim(&queue, &worker, 1).await.remove(0);
    over(&bench, &queue).await;
    let next = claim(&queue, &worker, 1).await.remove(0);
    assert_eq!(
        (stale.context.route, next.context.route),
        (Route::Probe, Route::Probe)
    );
    let policy = queue.policy_of("sendgrid").expect("known");
    let acquire = async |job: &Claimed| {
        let asked = queue
            .acquire_call(policy, Some(job.context.epoch), None)
            .await;
        matches!(asked.expect("asks"), Admission::Go { .. })
    };
    assert!(acquire(&next).await, "its own probe is no reason to wait");
    assert!(!acquire(&stale).await, "two probes at once");
}

/// A sweeper whose own lease is over comes back from an outage: it ends nobody's lease, and not its own.
#[tokio::test]
async fn a_sweep_ends_no_lease_for_a_worker_whose_own_is_over() {
    let bench = Bench::new();
    let jobs = bench.enqueue(2).await;
    let (late, other) = (bench.worker("late").await, bench.worker("other").await);
    bench.claim(&late, 1).await;
    bench.claim(&other, 1).await;
    let long = LOST * 2;
    bench.back_date_worker(&late, long).await;
    bench.back_date_worker(&other, long).await;
    let sweep = bench.queue.sweep(&late, LOST).await.expect("sweeps");
    let sweep = sweep.expect("its own lease is still there");
    assert!(sweep.taken.is_empty(), "it cannot know who is lost");
    let beat = bench.queue.beat(&late, support::STALE, 1, 0).await;
    assert!(beat.expect("beats").held);
    for id in jobs {
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        assert!(job.expect("is there").worker.is_some());
    }
}

/// To the millisecond: a second of slack is a mail that its reader was told would not come any more.
#[tokio::test]
async fn an_expiry_has_no_slack() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    let mut job = bench.claim(&worker, 1).await.remove(0);
    let minute = Some(Duration::from_secs(60));
    for (claimed_at_ms, expired) in [(69_999, false), (70_000, true), (70_999, true)] {
        job.claimed_at_ms = claimed_at_ms;
        // By its producer, whatever its kind says, and by its kind from when it was first due.
        (job.expires_at_ms, job.first_due_ms) = (Some(70_000), 69_000);
        assert_eq!(job.has_expired(minute), expired, "{claimed_at_ms}");
        (job.expires_at_ms, job.first_due_ms) = (None, 10_000);
        assert_eq!(job.has_expired(minute), expired, "{claimed_at_ms}");
        assert!(!job.has_expired(None), "nobody said anything");
    }
}
