//! When a failed job is tried again, and how often.
//!
//! Nobody waits here: each wait is read as it stands in Redis, and then the job's due time is put into the past.

use std::cell::RefCell;
use std::time::Duration;

use apalis_core::backend::TaskSink;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_redis::Config;
use longshore_bench::stock::Envelope;
use longshore_bench::{Does, NEWS, Trial, eventually, ours, stock};
use longshore_job::JobId;
use longshore_queue::{JobInfo, JobState, Queue};
use redis::AsyncCommands;

/// Stock: after attempt n it waits n seconds, up to 25 attempts, whatever was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_waits_1_2_3_seconds_and_so_on_25_times_whatever_was_asked() {
    // `max_attempts` asks for four.
    let (waits, dead) = stock_waits(Does::Fails, 25).await;
    eprintln!("asked for 4 attempts, it waits {waits:?} s; dead after that: {dead}");
    assert_eq!(waits, (1..25).collect::<Vec<_>>(), "{NEWS}");
    assert!(dead, "{NEWS}");

    let (waits, _) = stock_waits(Does::AsksToWait(Duration::from_secs(60)), 5).await;
    eprintln!("asked for 60 s each time, it waits {waits:?} s");
    assert_eq!(waits, [1, 2, 3, 4, 5], "{NEWS}");
}

/// The waits of one job after its first `attempts` attempts, in seconds, and whether it is dead then.
async fn stock_waits(does: Does, attempts: usize) -> (Vec<u64>, bool) {
    let trial = Trial::new(does);
    let mut redis = trial.connect().await;
    let config = Config::default().queue("q");
    let mut storage = stock::storage(&trial, config.clone()).await;
    let id = "01J00000000000000000000000";
    let asked = TaskBuilder::new(Envelope::of(0))
        .task_id(TaskId::from_string(id.to_owned()))
        .max_attempts(4)
        .build();
    storage.push_task(asked).await.expect("pushes");

    let (scheduled, dead) = (config.scheduled_jobs_set(), config.dead_jobs_set());
    let meta = format!("{}:{id}", config.job_meta_hash());
    let mut waits = Vec::new();
    for attempt in 1..=attempts {
        // A worker to each attempt, which stops after it: nobody takes the job before its wait has been read.
        let jobs = trial.jobs.clone();
        let worker = WorkerBuilder::new(format!("w{attempt}"))
            .backend(storage.clone())
            .build(move |envelope: Envelope, worker: WorkerContext| {
                let jobs = jobs.clone();
                async move {
                    jobs.run(envelope.args.n).await;
                    worker.stop().expect("stops");
                    stock::end(jobs.does)
                }
            });
        let ran = tokio::time::timeout(Duration::from_secs(30), worker.run()).await;
        ran.expect(NEWS).expect("ends well");
        let ended: u64 = redis.hget(&meta, "done_at").await.expect("answers");
        let due: Option<u64> = redis.zscore(&scheduled, id).await.expect("answers");
        let Some(due) = due else { break };
        waits.push(due - ended);
        let _: u32 = redis.zadd(&scheduled, id, 0).await.expect("answers");
    }
    // It is written as a set and read, by its own statistics, as a sorted set.
    let is_dead = redis.sismember(&dead, id).await.expect(NEWS);
    (waits, is_dead)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_waits_60_300_900_seconds_and_then_it_is_dead() {
    let trial = Trial::new(Does::Fails);
    let queue = ours::queue(&trial);
    let job = ours::job(0);
    let id = job.id;
    queue.enqueue(&[job]).await.expect("enqueues");
    let fleet = ours::start(&queue, "f", ours::settings(1), &trial.jobs);
    let mut waits = Vec::new();
    for attempt in 1..=3 {
        let failed = job_when(&queue, id, |job| {
            job.state == JobState::Retryable && job.run.used == attempt
        })
        .await;
        let due = failed.next_run_at_ms.expect("it is due some time");
        let last = failed.history.last().expect("the attempt is recorded");
        waits.push(due - last.at_ms);
        queue.make_due().await.expect("answers");
    }
    job_when(&queue, id, |job| job.state == JobState::Dead).await;
    eprintln!(
        "ours waits {waits:?} ms; dead after {} runs",
        trial.jobs.started()
    );
    assert_eq!(waits, [60_000, 300_000, 900_000]);
    assert_eq!(trial.jobs.started(), 4);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ours_waits_as_long_as_the_provider_asks_at_the_cost_of_no_attempt() {
    let trial = Trial::new(Does::AsksToWait(Duration::from_secs(60)));
    let queue = ours::queue(&trial);
    let job = ours::job(0);
    let id = job.id;
    queue.enqueue(&[job]).await.expect("enqueues");
    let before = queue.now_ms().await.expect("answers");
    let fleet = ours::start(&queue, "f", ours::settings(1), &trial.jobs);
    let waiting = job_when(&queue, id, |job| job.waits == 1).await;
    let after = queue.now_ms().await.expect("answers");
    let due = waiting.next_run_at_ms.expect("it is due some time");
    eprintln!(
        "asked for 60 s, ours waits {} to {} ms and has used {} attempts",
        due - after,
        due - before,
        waiting.run.used
    );
    assert!(due - after <= 60_000 && 60_000 <= due - before);
    assert_eq!(waiting.run.used, 0);
    fleet.stop().await;
}

/// The job, once it is as `wanted`.
async fn job_when(queue: &Queue, id: JobId, wanted: impl Fn(&JobInfo) -> bool) -> JobInfo {
    let found = RefCell::new(None);
    eventually("the job is as wanted", async || {
        let job = queue.job(&id.into()).await.expect("answers");
        *found.borrow_mut() = job.filter(&wanted);
        found.borrow().is_some()
    })
    .await;
    found.into_inner().expect("it was found")
}
