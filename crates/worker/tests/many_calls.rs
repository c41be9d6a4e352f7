//! Runs that make many calls, and that remember.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{JobState, Limit, ProviderPolicy};
use support::{Bench, Does, settings};

const LIMIT: Limit = Limit {
    count: 20,
    per: Duration::from_secs(1),
};

/// A fleet whose provider may be called twenty times a second.
fn limited() -> Bench {
    let mut bench = Bench::new();
    bench.queue = bench.queue.clone().with_provider(ProviderPolicy {
        name: "twilio".to_owned(),
        limit: Some(LIMIT),
        ..ProviderPolicy::default()
    });
    bench
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_a_run_takes_its_place_in_the_limiters_schedule() {
    let bench = limited();
    let running = bench.start();
    for _ in 0..4 {
        bench.enqueue(Does::Reads).await;
    }
    bench.completed(4).await;
    running.stop().await;
    let mut reads = bench
        .probing
        .seen
        .lock()
        .expect("not poisoned")
        .reads
        .clone();
    reads.sort();
    assert_eq!(reads.len(), 20);
    // Twenty calls at 50 ms each but the first; one ms for Redis's rounding. Later is no fault, earlier is.
    let took = reads[19] - reads[0];
    assert!(took >= Duration::from_millis(19 * 49), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_does_not_make_a_job_one_that_may_have_been_sent() {
    let bench = limited();
    let impatient = longshore_worker::WorkSettings {
        timeout: Duration::from_millis(300),
        ..settings()
    };
    let running = bench.start_with(impatient, Duration::from_secs(5));
    let id = bench.enqueue(Does::ReadsThenHangs).await;
    bench.is(id, JobState::Retryable).await;
    running.stop().await;
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert!(!job.run.may_have_been_sent);
    assert_eq!(job.history[0].entry.outcome, "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_run_that_is_stopped_is_given_back() {
    let bench = limited();
    let running = bench.start_with(settings(), Duration::from_millis(200));
    let id = bench.enqueue(Does::ReadsThenHangs).await;
    bench.running(1).await;
    assert_eq!(running.stop().await.unsettled, Vec::<String>::new());
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!(
        (job.state, job.run.used, job.history.len()),
        (JobState::Pending, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_remembers_outlives_it() {
    let bench = Bench::new();
    let running = bench.start();
    for _ in 0..2 {
        let id = bench.enqueue(Does::Remembers).await;
        bench.is(id, JobState::Completed).await;
    }
    running.stop().await;
    let seen = bench.probing.seen.lock().expect("not poisoned");
    assert_eq!(
        seen.remembered,
        [
            (None, true, Some("SM1".to_owned())),
            // The message belongs to the first job.
            (Some(b"Oslo".to_vec()), false, None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_have_limits_apart_and_claims_take_none() {
    let mut bench = Bench::new();
    bench.queue = bench.queue.clone().with_provider(ProviderPolicy {
        name: "stripe".to_owned(),
        // One write a minute: claims that took from it would stand still.
        limit: Some(Limit {
            count: 1,
            per: Duration::from_secs(60),
        }),
        reads: Some(LIMIT),
        ..ProviderPolicy::default()
    });
    let running = bench.start();
    for _ in 0..2 {
        bench.enqueue(Does::Reads).await;
    }
    bench.enqueue(Does::Sends).await;
    bench.completed(3).await;
    let waits = bench.enqueue(Does::Sends).await;
    bench.running(4).await;
    assert_eq!(bench.probing.sent(waits), 0, "its write is a minute off");
    drop(running);
    let mut reads = bench
        .probing
        .seen
        .lock()
        .expect("not poisoned")
        .reads
        .clone();
    reads.sort();
    let took = reads[9] - reads[0];
    assert!(took >= Duration::from_millis(9 * 49), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_from_its_checkpoint() {
    let bench = Bench::new();
    let retried_at_once = longshore_worker::WorkSettings {
        policy: longshore_queue::Policy {
            schedule: longshore_job::RetrySchedule::new(vec![Duration::ZERO; 4]),
            ..settings().policy
        },
        ..settings()
    };
    let running = bench.start_with(retried_at_once, Duration::from_secs(5));
    let id = bench.enqueue(Does::ComesOn).await;
    bench.is(id, JobState::Completed).await;
    running.stop().await;
    let job = bench.queue.job(&id.into()).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!((job.progress, job.history.len()), (Some(3.into()), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_a_run_is_enqueued_once() {
    let bench = Bench::new();
    let running = bench.start();
    let id = bench.enqueue(Does::IsFollowed).await;
    bench.completed(2).await;
    running.stop().await;
    // It names the one that follows.
    let made = bench
        .queue
        .job(&id.into())
        .await
        .expect("reads")
        .expect("is there");
    let made = &made.history.last().expect("it ran").entry;
    assert_eq!((made.enqueued.len(), made.enqueued_more), (1, 0));
    let next: longshore_job::JobId = made.enqueued[0].parse().expect("an id");
    let next = bench
        .queue
        .job(&next.into())
        .await
        .expect("reads")
        .expect("is there");
    let origin = longshore_queue::EnqueuedBy::Job(id.to_string());
    assert_eq!(next.enqueued_by, Some(origin));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.counter("enqueued"), stats.pending), (2, 0));
}

/// A job that expired after it may have been sent, and whether the provider has carried it out.
async fn expired_after_sending(carried_out: bool) -> (JobState, u32) {
    let mut bench = Bench::new();
    bench.probing.carried_out = carried_out;
    let mut settings = settings();
    settings.timeout = Duration::from_millis(100);
    settings.policy.schedule = longshore_job::RetrySchedule::new(vec![Duration::from_millis(400)]);
    let running = bench.start_with(settings, Duration::from_secs(5));
    let mut job = support::new_job(Does::SendsThenHangs);
    job.expires_in = Some(Duration::from_millis(300));
    let id = job.id;
    bench.queue.enqueue(&[job]).await.expect("enqueues");
    longshore_tests::eventually("it ends", || async {
        matches!(
            bench.state(id).await,
            Some(JobState::Completed | JobState::Dead)
        )
    })
    .await;
    running.stop().await;
    (
        bench.state(id).await.expect("is there"),
        bench.probing.sent(id),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_carried_out_is_not_called_dead_unasked() {
    assert_eq!(expired_after_sending(true).await, (JobState::Completed, 1));
    assert_eq!(expired_after_sending(false).await, (JobState::Dead, 1));
}
