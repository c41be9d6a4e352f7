//! Wire-compatible with apalis-redis on the producing side.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::{Duration, Instant};

use apalis::prelude::TaskSink;
use apalis_redis::{Config, RedisStorage};
use longshore_tests::within;
use support::{Bench, Does, Probe};

#[derive(serde::Serialize, serde::Deserialize)]
struct Envelope {
    kind: String,
    v: u32,
    args: Probe,
}

#[test]
fn our_key_names_are_the_ones_of_its_config() {
    let bench = longshore_queue::Queue::new(
        longshore_queue::Link::new(
            "redis://127.0.0.1:1",
            longshore_queue::LinkOptions::default(),
        )
        .expect("a good URL"),
        "longshore",
        "email",
    )
    .expect("good names");
    let ours = bench.keys();
    let theirs = Config::default().queue("{longshore:email}");
    assert_eq!(ours.active, theirs.active_jobs_list());
    assert_eq!(ours.scheduled, theirs.scheduled_jobs_set());
    assert_eq!(ours.data, theirs.job_data_hash());
    assert_eq!(ours.meta, theirs.job_meta_hash());
    assert_eq!(ours.dead, theirs.dead_jobs_set());
    assert_eq!(ours.signal, theirs.signal_list());
    assert_eq!(ours.idempotency, theirs.idempotency_key_set());
    assert_eq!(ours.inflight, theirs.inflight_jobs_set());
    assert_eq!(ours.workers, theirs.workers_set());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_apalis_program_can_push_and_its_job_runs_within_a_second() {
    let bench = Bench::new();
    let running = bench.start();
    let warm = bench.enqueue(Does::Nothing).await;
    bench.is(warm, longshore_queue::JobState::Completed).await;
    let connection = apalis_redis::connect(bench.redis.url())
        .await
        .expect("connects");
    let config = Config::default().queue("{t:probe}");
    let mut storage = RedisStorage::new(connection).with_config(config);
    let pushed = Instant::now();
    for _ in 0..3 {
        let envelope = Envelope {
            kind: "probe".to_owned(),
            v: 1,
            args: Probe { does: Does::Sends },
        };
        storage.push(envelope).await.expect("pushes");
    }
    // A little more than the second that is promised: the test and the worker share two cores with others.
    within(Duration::from_millis(2500), "all ran", || async {
        bench.probing.started() == 4
    })
    .await;
    eprintln!("picked up after {:?}", pushed.elapsed());
    bench.completed(4).await;
    running.stop().await;
}
