//! Replay operations are carried on by whatever worker there is, idle or busy, and hear from the runs they caused.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{JobId, RetrySchedule};
use longshore_queue::{Begun, OnUnknown, Policy, Replay, ReplayState, Selection, Signed};
use longshore_tests::eventually;
use longshore_worker::WorkSettings;
use support::{Bench, Does, settings};

async fn begin(bench: &Bench, rate: Option<u32>) -> String {
    let id = JobId::generate();
    let kari = Signed::new("kari", "");
    let begun = bench.queue.begin_replay(id, &Selection::All, rate, &kari);
    assert_eq!(begun.await.expect("begins"), Begun::New);
    id.to_string()
}

async fn replay(bench: &Bench, id: &str) -> Replay {
    let found = bench.queue.find_replay(id).await.expect("looks");
    found.expect("is there")
}

async fn becomes(bench: &Bench, id: &str, state: ReplayState) {
    eventually(&format!("it is {}", state.as_str()), || async {
        replay(bench, id).await.state == state
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_finds_one_and_carries_it_to_its_end() {
    let bench = Bench::new();
    let running = bench.start();
    for id in bench.enqueue_many(Does::IsRefused, 30).await {
        bench.is(id, longshore_queue::JobState::Dead).await;
    }
    // As fast as it goes: they all die again, and once is enough.
    let id = begin(&bench, None).await;
    becomes(&bench, &id, ReplayState::Done).await;
    assert_eq!(replay(&bench, &id).await.moved, 30);
    // With a rate it hears of them.
    eventually("all are dead again", || async {
        bench.queue.stats().await.expect("counts").dead == 30
    })
    .await;
    let id = begin(&bench, Some(1000)).await;
    becomes(&bench, &id, ReplayState::Stopped).await;
    let stopped = replay(&bench, &id).await;
    assert!(stopped.again >= 10, "{stopped:?}");
    assert_eq!(stopped.cause.as_deref(), Some("refused"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_attempt_that_will_be_made_again_counts_too() {
    let bench = Bench::new();
    let once = settings();
    let running = bench.start_with(
        WorkSettings {
            policy: policy(&[]),
            ..once.clone()
        },
        Duration::from_secs(5),
    );
    for id in bench.enqueue_many(Does::Fails, 12).await {
        bench.is(id, longshore_queue::JobState::Dead).await;
    }
    running.stop().await;
    let again = WorkSettings {
        policy: policy(&[3600]),
        ..once
    };
    let running = bench.start_with(again, Duration::from_secs(5));
    let id = begin(&bench, Some(1000)).await;
    becomes(&bench, &id, ReplayState::Stopped).await;
    let stopped = replay(&bench, &id).await;
    assert!(stopped.again >= 10, "of what they had died of: {stopped:?}");
    let stats = bench.queue.stats().await.expect("counts");
    assert!(stats.retryable >= 10, "they failed, and wait: {stats:?}");
    running.stop().await;
}

fn policy(schedule: &[u64]) -> Policy {
    let waits = schedule.iter().map(|seconds| Duration::from_secs(*seconds));
    Policy {
        schedule: RetrySchedule::new(waits),
        on_unknown: OnUnknown::Retry,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_slots_are_full_carries_it_on_as_well() {
    let bench = Bench::new();
    let few = WorkSettings {
        concurrency: 2,
        heartbeat: Duration::from_millis(300),
        lost_after: Duration::from_secs(1),
        ..settings()
    };
    let running = bench.start_with(few, Duration::from_secs(5));
    for id in bench.enqueue_many(Does::IsRefused, 5).await {
        bench.is(id, longshore_queue::JobState::Dead).await;
    }
    bench.enqueue_many(Does::WaitsThenSends, 2).await;
    bench.running(5 + 2).await;
    let id = begin(&bench, None).await;
    becomes(&bench, &id, ReplayState::Done).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.running), (5, 2));
    bench.probing.word.add_permits(2);
    running.stop().await;
}
