//! Waiting for a job's end.

use std::time::{Duration, Instant};

use longshore_client::{ClientError, JobId, JobState};

use crate::{Bench, welcome};

#[tokio::test]
async fn a_user_who_waits_gets_the_result_or_is_told_that_it_goes_on() {
    let bench = Bench::new();
    let limit = Duration::from_secs(20);
    let (status, ()) = tokio::join!(
        bench.client.enqueue_and_wait(welcome(), limit),
        bench.work()
    );
    let status = status.expect("completes");
    assert_eq!(status.state, JobState::Completed);
    assert_eq!(
        status.result,
        Some(serde_json::json!({ "message_id": "m-1" }))
    );
    let short = Duration::from_millis(50);
    let error = bench
        .client
        .enqueue_and_wait(welcome(), short)
        .await
        .expect_err("nobody works");
    assert!(matches!(error, ClientError::StillRunning { .. }), "{error}");
}

#[tokio::test]
async fn two_who_wait_for_the_same_job_and_one_who_gave_up_do_not_disturb_each_other() {
    let bench = Bench::new();
    let keyed = || bench.client.enqueue(welcome()).key("once");
    let id = keyed().await.expect("enqueues");
    assert_eq!(keyed().await.expect("is known"), id);
    let wait = async |for_ms| {
        let limit = Duration::from_millis(for_ms);
        bench.client.wait(id, limit).await
    };
    let error = wait(20).await.expect_err("nobody works");
    assert!(matches!(error, ClientError::StillRunning { .. }), "{error}");
    let (one, other, ()) = tokio::join!(wait(20_000), wait(20_000), bench.work());
    for status in [one, other] {
        assert_eq!(status.expect("completes").state, JobState::Completed);
    }
    let after = wait(20_000).await.expect("has ended before");
    assert_eq!(after.state, JobState::Completed);
}

#[tokio::test]
async fn an_outage_of_redis_ends_no_wait_and_an_unknown_job_is_said_at_once() {
    let mut bench = Bench::that_keeps();
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let limit = Duration::from_secs(30);
    let client = bench.client.clone();
    let waiting = tokio::spawn(async move { client.wait(id, limit).await });
    bench.is_waited_for(id).await;
    bench.redis.kill();
    // It is waited on while nothing is there.
    let away = bench.client.status(id).await.expect_err("it is away");
    assert_eq!(away.code(), "redis_unreachable");
    let killed = Instant::now();
    while killed.elapsed() < Duration::from_millis(1200) {
        tokio::task::yield_now().await;
    }
    bench.redis.restart().expect("comes back");
    // Its connection was to the one before.
    while bench.queue.link().ping().await.is_err() {}
    bench.work().await;
    let status = waiting.await.expect("no panic").expect("completes");
    assert_eq!(status.state, JobState::Completed);

    let unknown = JobId::generate();
    let error = bench.client.wait(unknown, limit).await.expect_err("is not");
    assert!(matches!(error, ClientError::NotFound { id } if id == unknown));

    // A job that was accepted is not said to have failed because nobody can look at it.
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let client = bench.client.clone();
    let short = Duration::from_millis(1500);
    let waiting = tokio::spawn(async move { client.wait(id, short).await });
    bench.is_waited_for(id).await;
    bench.redis.kill();
    let error = waiting.await.expect("no panic").expect_err("nobody works");
    let ClientError::StillRunning {
        id: goes_on,
        source,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*goes_on, id);
    assert!(source.is_some(), "{error}");
}

#[tokio::test]
async fn a_wait_without_end_is_no_panic() {
    let bench = Bench::new();
    let forever = bench.client.enqueue_and_wait(welcome(), Duration::MAX);
    let (status, ()) = tokio::join!(forever, bench.work());
    assert_eq!(status.expect("completes").state, JobState::Completed);
}
