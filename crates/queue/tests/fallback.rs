//! While the provider's breaker is open its fallback takes the jobs, but for those that the provider may have.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{Answer, JobError, Outcome};
use longshore_queue::{
    BreakerSpec, BreakerState, CallReport, Claim, ClaimState, Claimed, Fallback, Fate,
    HistoryEntry, Lease, Limit, ProviderPolicy, Queue, Route, Verdict, decide, decide_lost,
};
use support::{Bench, LOST, RETENTION, policy, verdict};

/// Long enough for what a test does meanwhile; it is back-dated where it is to be over.
const OPEN: Duration = Duration::from_secs(30);

fn provider(name: &str) -> ProviderPolicy {
    ProviderPolicy {
        name: name.to_owned(),
        breaker: Some(BreakerSpec {
            failures: 2,
            window: None,
            open: OPEN,
            probe: OPEN,
        }),
        ..ProviderPolicy::default()
    }
}

fn beside(fallback: ProviderPolicy, takes_jobs: bool) -> ProviderPolicy {
    ProviderPolicy {
        fallback: Some(Fallback {
            policy: Box::new(fallback),
            takes_jobs,
        }),
        ..provider("sendgrid")
    }
}

fn with_fallback(bench: &Bench) -> Queue {
    let policy = beside(provider("postmark"), true);
    bench.queue.clone().with_provider(policy)
}

async fn claim(queue: &Queue, lease: &Lease, want: usize) -> Claim {
    queue.claim(lease, want, None).await.expect("claims")
}

/// Settles a job by what its call said, as a worker would.
async fn end(queue: &Queue, job: &Claimed, end: Result<Outcome, JobError>) {
    let route = job.context.route;
    let name = match route.is_fallback() {
        true => "postmark",
        false => "sendgrid",
    };
    let decision = decide(&end, job.run, route, &policy(), name);
    let verdict = Verdict {
        state: decision.state,
        report: decision.report,
        history: Some(HistoryEntry::default()),
        ..verdict(job, decision.fate)
    };
    let settled = queue.settle(&[verdict], RETENTION).await.expect("settles");
    assert_eq!(settled.written, [true]);
}

fn answer(job: &Claimed) -> Answer {
    Answer::of(match job.context.route.is_fallback() {
        true => "postmark",
        false => "sendgrid",
    })
}

async fn ill(queue: &Queue, job: &Claimed) {
    let answer = answer(job);
    let reason = "503".to_owned();
    end(queue, job, Err(JobError::Transient { reason, answer })).await;
}

async fn well(queue: &Queue, job: &Claimed) {
    let done = Outcome::Done {
        result: None,
        answer: answer(job),
    };
    end(queue, job, Ok(done)).await;
}

async fn lost_answer(queue: &Queue, job: &Claimed) {
    let answer = answer(job);
    let reason = "timed out".to_owned();
    end(queue, job, Err(JobError::OutcomeUnknown { reason, answer })).await;
}

async fn breakers(queue: &Queue) -> Vec<(String, BreakerState)> {
    let stats = queue.stats().await.expect("counts");
    let breakers = stats.breakers.into_iter();
    breakers
        .map(|breaker| (breaker.provider, breaker.state))
        .collect()
}

/// Ends the time that a breaker stays open, as if it had gone by.
async fn open_is_over(bench: &Bench, provider: &str) {
    let key = &bench.queue.keys().breakers;
    let text: String = bench.text(&format!("HGET {key} {provider}")).await;
    let parts: Vec<&str> = text.split(' ').collect();
    let text = format!("{} {} 1 1 1 {}", parts[0], parts[1], parts[5]);
    let _: u8 = bench
        .raw(&[
            b"HSET",
            key.as_bytes(),
            provider.as_bytes(),
            text.as_bytes(),
        ])
        .await;
}

/// Has a breaker stay open for so long from now on.
async fn open_for(bench: &Bench, provider: &str, ms: u64) {
    let key = &bench.queue.keys().breakers;
    let now = bench.queue.now_ms().await.expect("has a clock");
    let text = format!("open 1 {} {now} 600000 ", now + ms);
    let row = [key.as_bytes(), provider.as_bytes(), text.as_bytes()];
    let _: u8 = bench.raw(&[b"HSET", row[0], row[1], row[2]]).await;
}

/// Two jobs whose calls fail open the provider's breaker; they wait for their retry.
async fn open_the_breaker(bench: &Bench, queue: &Queue, worker: &Lease) {
    bench.enqueue(2).await;
    for job in &claim(queue, worker, 2).await.jobs {
        ill(queue, job).await;
    }
    let stands = ("sendgrid".to_owned(), BreakerState::Open);
    assert!(breakers(queue).await.contains(&stands));
}

#[tokio::test]
async fn the_fallback_takes_the_jobs_until_a_probe_finds_the_provider_well() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    open_the_breaker(&bench, &queue, &worker).await;
    bench.enqueue(9).await;
    let jobs = claim(&queue, &worker, 4).await.jobs;
    assert_eq!(jobs.len(), 4);
    assert!(jobs.iter().all(|job| job.context.route == Route::Fallback));
    let stats = queue.stats().await.expect("counts");
    assert_eq!(stats.counter("by_fallback"), 4);
    well(&queue, &jobs[0]).await;

    // The probe goes to the provider; all others go on to the fallback meanwhile.
    open_is_over(&bench, "sendgrid").await;
    let probe = claim(&queue, &worker, 4).await.jobs;
    assert_eq!((probe.len(), probe[0].context.route), (1, Route::Probe));
    let others = claim(&queue, &worker, 2).await.jobs;
    assert!(
        others
            .iter()
            .all(|job| job.context.route == Route::Fallback)
    );
    ill(&queue, &probe[0]).await;
    open_is_over(&bench, "sendgrid").await;
    let probe = claim(&queue, &worker, 4).await.jobs;
    assert_eq!(probe[0].context.route, Route::Probe);
    well(&queue, &probe[0]).await;
    let back = claim(&queue, &worker, 4).await.jobs;
    assert!(!back.is_empty() && back.iter().all(|job| job.context.route == Route::Primary));
    // What the fallback still says is said of the fallback.
    for job in &jobs[1..3] {
        ill(&queue, job).await;
    }
    let stands = [
        ("postmark".to_owned(), BreakerState::Open),
        ("sendgrid".to_owned(), BreakerState::Closed),
    ];
    assert_eq!(breakers(&queue).await, stands);
    let stats = queue.stats().await.expect("counts");
    assert_eq!(stats.counters.get("by_fallback"), Some(&6));
}

#[tokio::test]
async fn without_one_or_where_runs_choose_claims_wait() {
    for policy in [provider("sendgrid"), beside(provider("postmark"), false)] {
        let bench = Bench::new();
        let queue = bench.queue.clone().with_provider(policy);
        let worker = bench.worker("w").await;
        open_the_breaker(&bench, &queue, &worker).await;
        bench.enqueue(1).await;
        assert_eq!(claim(&queue, &worker, 4).await.state, ClaimState::Open);
    }
}

#[tokio::test]
async fn what_the_provider_may_have_waits_for_it() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    let unknown = bench.enqueue(1).await[0];
    lost_answer(&queue, &claim(&queue, &worker, 1).await.jobs[0]).await;
    bench.make_due().await;
    bench.enqueue(2).await;
    // Its answer was lost, and one more fails: that opens the breaker.
    let claimed = claim(&queue, &worker, 1).await.jobs;
    ill(&queue, &claimed[0]).await;
    assert_eq!(breakers(&queue).await[0].1, BreakerState::Open);
    bench.make_due().await;
    let jobs = claim(&queue, &worker, 10).await.jobs;
    assert!(jobs.iter().all(|job| job.id.job_id() != Some(unknown)));
    assert_eq!(jobs.len(), 2);
    let wait = bench.due_in(unknown).await;
    assert!((0.1..=30.0).contains(&wait), "{wait}");
    // The provider is asked again. While that takes, it waits for no longer than a moment.
    open_is_over(&bench, "sendgrid").await;
    bench.enqueue(1).await;
    let probe = claim(&queue, &worker, 1).await.jobs;
    assert_eq!(probe[0].context.route, Route::Probe);
    bench.make_due().await;
    assert!(claim(&queue, &worker, 10).await.jobs.is_empty());
    let wait = bench.due_in(unknown).await;
    assert!((0.1..=1.0).contains(&wait), "{wait}");
    // It is well: now it may run.
    well(&queue, &probe[0]).await;
    bench.make_due().await;
    let jobs = claim(&queue, &worker, 10).await.jobs;
    assert_eq!(jobs[0].id.job_id(), Some(unknown));
    assert_eq!(jobs[0].context.route, Route::Primary);
    assert!(jobs[0].run.may_have_been_sent && !jobs[0].run.by_fallback);
}

#[tokio::test]
async fn what_the_fallback_may_have_is_known_as_such() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    open_the_breaker(&bench, &queue, &worker).await;
    bench.enqueue(2).await;
    let jobs = claim(&queue, &worker, 2).await.jobs;
    lost_answer(&queue, &jobs[0]).await;
    bench.make_due().await;
    let again = claim(&queue, &worker, 10).await.jobs;
    let again = again.iter().find(|job| job.id == jobs[0].id);
    let again = again.expect("the fallback may have it, so it goes there again");
    assert!(again.run.may_have_been_sent && again.run.by_fallback);
    // Lost with its worker, which did not live to say so.
    let other = bench.worker("o").await;
    bench.back_date_worker(&worker, LOST * 2).await;
    let sweep = queue.sweep(&other, LOST).await.expect("sweeps");
    let taken = sweep.expect("has a lease").taken;
    let taken = taken.iter().find(|taken| taken.id == jobs[1].id);
    let taken = taken.expect("taken over").clone();
    assert!(taken.by_fallback);
    // One that takes it over in turn still knows.
    let again = queue.sweep(&other, LOST).await.expect("sweeps");
    let again = again.expect("has a lease").taken;
    let again = again.iter().find(|taken| taken.id == jobs[1].id);
    let again = again.expect("taken again, since it was not settled");
    assert!(again.by_fallback && again.token != taken.token);
    let decision = decide_lost(again.run, again.by_fallback, &policy());
    assert!(decision.state.may_have_been_sent && decision.state.by_fallback);
    let verdict = Verdict {
        id: again.id.clone(),
        token: again.token.clone(),
        kind: None,
        fate: decision.fate,
        state: decision.state,
        history: None,
        key: None,
        put_back: None,
        payload_bytes: 0,
        report: CallReport::Nothing,
        context: longshore_queue::ClaimContext::default(),
    };
    let settled = queue.settle(&[verdict], RETENTION).await.expect("settles");
    assert_eq!(settled.written, [true]);
}

#[tokio::test]
async fn a_fallback_in_trouble_is_left_alone_too() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    open_the_breaker(&bench, &queue, &worker).await;
    bench.enqueue(6).await;
    for job in &claim(&queue, &worker, 2).await.jobs {
        ill(&queue, job).await;
    }
    let held = claim(&queue, &worker, 4).await;
    assert_eq!(held.state, ClaimState::Open);
    assert!(held.next_due.is_some_and(|due| due <= OPEN));
    // One job finds out about the fallback, at no attempt.
    open_is_over(&bench, "postmark").await;
    let probe = claim(&queue, &worker, 4).await.jobs;
    assert_eq!(
        (probe.len(), probe[0].context.route),
        (1, Route::FallbackProbe)
    );
    assert_eq!(claim(&queue, &worker, 4).await.state, ClaimState::Open);
    ill(&queue, &probe[0]).await;
    open_is_over(&bench, "postmark").await;
    let again = claim(&queue, &worker, 4).await.jobs;
    assert_eq!(again[0].id, probe[0].id);
    assert_eq!(again[0].run.used, probe[0].run.used);
    well(&queue, &again[0]).await;
    assert_eq!(claim(&queue, &worker, 4).await.jobs.len(), 3);
}

/// Where both are held back, claims wait for whichever may be called first.
#[tokio::test]
async fn the_fallback_has_a_limit_and_a_breaker_of_its_own() {
    let bench = Bench::new();
    let postmark = ProviderPolicy {
        limit: Some(Limit {
            count: 1,
            per: Duration::from_secs(10),
        }),
        ..provider("postmark")
    };
    let queue = bench.queue.clone().with_provider(beside(postmark, true));
    let worker = bench.worker("w").await;
    bench.enqueue(2).await;
    let next = async |state: ClaimState| {
        let held = claim(&queue, &worker, 2).await;
        assert_eq!((held.state, held.jobs.len()), (state, 0));
        held.next_due.expect("says when").as_millis()
    };
    open_for(&bench, "sendgrid", 60_000).await;
    assert_eq!(claim(&queue, &worker, 2).await.jobs.len(), 1);
    assert!((5_000..=10_000).contains(&next(ClaimState::Limited).await));
    open_for(&bench, "sendgrid", 4_000).await;
    assert!(next(ClaimState::Limited).await <= 4_000);
    for (sendgrid, postmark) in [(60_000, 20_000), (20_000, 60_000)] {
        open_for(&bench, "sendgrid", sendgrid).await;
        open_for(&bench, "postmark", postmark).await;
        assert!((15_000..=20_000).contains(&next(ClaimState::Open).await));
    }
}

#[tokio::test]
async fn a_fallback_that_refuses_our_credentials_pauses_nothing_but_itself() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    open_the_breaker(&bench, &queue, &worker).await;
    bench.enqueue(2).await;
    let job = &claim(&queue, &worker, 1).await.jobs[0];
    let reason = "10: bad token".to_owned();
    let answer = answer(job);
    end(&queue, job, Err(JobError::Unauthorized { reason, answer })).await;
    assert_eq!(claim(&queue, &worker, 1).await.state, ClaimState::Open);
    let stats = queue.stats().await.expect("counts");
    assert_eq!(stats.paused, None, "SendGrid's way is not paused");
    let postmark = &stats.breakers[0];
    assert_eq!(postmark.provider, "postmark");
    let refused = postmark.refused.as_ref().expect("says so");
    assert_eq!(
        refused.reason,
        "postmark refuses our credentials: 10: bad token"
    );
    open_is_over(&bench, "sendgrid").await;
    let probe = claim(&queue, &worker, 1).await.jobs;
    assert_eq!(probe[0].context.route, Route::Probe);
    assert_eq!(probe[0].run.used, 0);
}

#[tokio::test]
async fn a_job_that_was_never_sent_is_given_back_untouched() {
    let bench = Bench::new();
    let queue = with_fallback(&bench);
    let worker = bench.worker("w").await;
    open_the_breaker(&bench, &queue, &worker).await;
    bench.enqueue(1).await;
    let jobs = claim(&queue, &worker, 1).await.jobs;
    let sweep = queue.sweep(&worker, LOST).await.expect("sweeps");
    let own = sweep.expect("has a lease").own;
    assert_eq!(own.len(), 1);
    assert_eq!(
        own[0].1, *jobs[0].token,
        "the token that the claim returned"
    );
    let back = Verdict {
        history: None,
        ..verdict(&jobs[0], Fate::Untouched)
    };
    let settled = queue.settle(&[back], RETENTION).await.expect("settles");
    assert_eq!(settled.written, [true]);
}
