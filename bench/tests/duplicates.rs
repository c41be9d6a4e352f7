//! A job that is enqueued three times with one idempotency key.

use std::time::Duration;

use apalis_core::backend::TaskSink;
use apalis_core::task::builder::TaskBuilder;
use apalis_redis::Config;
use longshore_bench::stock::Envelope;
use longshore_bench::{Does, NEWS, Trial, ours, stock};
use longshore_queue::{Key, NewJob};

/// Stock: without a time to live, which is the default and is meant as "for ever", the key is forgotten in the same
/// breath (`EXPIRE key 0`), and refuses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_accepts_all_three_by_default() {
    let trial = Trial::new(Does::Nothing);
    for (queue, ttl, accepted) in [
        ("by-default", None, 3),
        // That it can: the trial itself is sound.
        ("for-an-hour", Some(Duration::from_secs(3600)), 1),
    ] {
        let config = Config::default().queue(queue).idempotency_ttl(ttl);
        let mut storage = stock::storage(&trial, config.clone()).await;
        for _ in 0..3 {
            let job = TaskBuilder::new(Envelope::of(0)).idempotency_key("order-1");
            storage.push_task(job.build()).await.expect("pushes");
        }
        let jobs = trial.number(&["HLEN", &config.job_data_hash()]).await;
        eprintln!("idempotency_ttl {ttl:?}: 3 pushes with one key, {jobs} jobs");
        assert_eq!(jobs, accepted, "{NEWS}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_accepts_one_as_long_as_it_is_there() {
    let trial = Trial::new(Does::Nothing);
    let queue = ours::queue(&trial);
    let jobs = [0, 1, 2].map(|n| NewJob {
        key: Some(Key::new("no_op", "order-1")),
        ..ours::job(n)
    });
    let mut answers = Vec::new();
    for job in &jobs {
        answers.extend(
            queue
                .enqueue(std::slice::from_ref(job))
                .await
                .expect("enqueues"),
        );
    }
    let duplicates: Vec<_> = answers.iter().map(|answer| answer.duplicate).collect();
    assert_eq!(duplicates, [false, true, true]);
    assert!(answers.iter().all(|answer| answer.id == jobs[0].id));
    let stored = trial.number(&["HLEN", &queue.keys().data]).await;
    eprintln!("3 jobs with one key: {stored} stored");
    assert_eq!(stored, 1);
}
