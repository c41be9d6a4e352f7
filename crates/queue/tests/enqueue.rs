//! Accepted means kept, once.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{JobState, NewJob, RunAt};
use support::{Bench, job, raw};

#[tokio::test]
async fn repeating_an_enqueue_whose_answer_was_lost_changes_nothing() {
    let bench = Bench::new();
    let jobs = vec![job(), job()];
    let first = bench.enqueue_all(&jobs).await;
    let again = bench.queue.enqueue(&jobs).await.expect("enqueues");
    assert!(again.iter().all(|enqueued| !enqueued.duplicate));
    assert_eq!(again.iter().map(|e| e.id).collect::<Vec<_>>(), first);
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 2);

    // Also when it has run and completed meanwhile.
    let worker = bench.worker("w").await;
    for claimed in bench.claim(&worker, 10).await {
        bench
            .settle(&[support::verdict(&claimed, support::done())])
            .await;
    }
    bench.queue.enqueue(&jobs).await.expect("enqueues");
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (
            stats.pending,
            stats.counter("completed"),
            stats.counter("enqueued")
        ),
        (0, 2, 2)
    );
}

#[tokio::test]
async fn later_jobs_wait_for_their_time_and_past_times_mean_now() {
    let bench = Bench::new();
    let at = |run_at| NewJob { run_at, ..job() };
    let jobs = [
        at(RunAt::In(Duration::from_millis(90_500))),
        at(RunAt::At(1_000)),
        at(RunAt::In(Duration::ZERO)),
    ];
    let ids = bench.enqueue_all(&jobs).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.scheduled, stats.retryable), (2, 1, 0));
    let due = bench.due_in(ids[0]).await;
    assert!((90.0..=90.5).contains(&due), "{due}");
    let found = bench
        .queue
        .job(&raw(ids[0]))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(found.state, JobState::Scheduled);

    let worker = bench.worker("w").await;
    let claim = bench.queue.claim(&worker, 10, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 2);
    assert!(
        claim
            .next_due
            .is_some_and(|due| due > Duration::from_secs(89))
    );
    bench.make_due().await;
    assert_eq!(support::ids(&bench.claim(&worker, 10).await), [ids[0]]);
}

#[tokio::test]
async fn bulk_keeps_its_order_over_many_calls() {
    let bench = Bench::new();
    let ids = bench.enqueue(1201).await;
    let worker = bench.worker("w").await;
    let mut claimed = bench.claim(&worker, 1000).await;
    claimed.extend(bench.claim(&worker, 1000).await);
    assert_eq!(support::ids(&claimed), ids);
}

#[tokio::test]
async fn a_queued_job_takes_at_most_650_bytes() {
    let bench = Bench::new();
    let used = || async {
        let info: String = bench.text("INFO memory").await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"))
            .expect("says so");
        line.trim().parse::<f64>().expect("is a number")
    };
    let traced = |_| NewJob {
        payload: format!(
            "{:200}",
            String::from_utf8(support::payload()).expect("text")
        )
        .into_bytes(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..job()
    };
    bench.enqueue(10).await;
    let before = used().await;
    let jobs: Vec<_> = (0..50_000).map(traced).collect();
    bench.enqueue_all(&jobs).await;
    let each = (used().await - before) / 50_000.0;
    assert!(each <= 650.0, "{each} bytes a job");
}
