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
    let impatient = longshore_worker::Settings {
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
