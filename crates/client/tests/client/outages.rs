//! What producers meet while Redis is away.

use std::time::{Duration, Instant};

use longshore_client::{ClientError, QueueError};

use crate::{Bench, welcome};

#[tokio::test]
async fn while_redis_restarts_an_enqueue_is_repeated_and_without_it_told_after_five_seconds() {
    let mut bench = Bench::new();
    bench.client.enqueue(welcome()).await.expect("enqueues");
    bench.redis.kill();
    let client = bench.client.clone();
    let waiting = tokio::spawn(async move { client.enqueue(welcome()).await });
    tokio::task::yield_now().await;
    bench.redis.restart().expect("comes back");
    waiting.await.expect("no panic").expect("was repeated");

    bench.redis.kill();
    let began = Instant::now();
    let error = bench
        .client
        .enqueue(welcome())
        .await
        .expect_err("it is away");
    assert!(
        matches!(error, ClientError::Queue(QueueError::Unreachable { .. })),
        "{error}"
    );
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(3) && took < Duration::from_secs(20),
        "{took:?}"
    );
}

/// It answers that it has too few replicas: that passes, and is waited out as an outage is.
#[tokio::test]
async fn a_redis_that_takes_nothing_for_a_moment_is_waited_for_and_then_told_as_retryable() {
    let bench = Bench::new();
    let set = |needed: u8| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("min-replicas-to-write").arg(needed);
        let link = bench.queue.link().clone();
        async move { link.command::<String>(&set).await.expect("is set") }
    };
    set(1).await;
    let (enqueued, ()) = tokio::join!(bench.client.enqueue(welcome()), async {
        let mut info = redis::cmd("INFO");
        info.arg("errorstats");
        // It is refused at least once before it is let in.
        loop {
            let said = bench
                .queue
                .link()
                .command::<String>(&info)
                .await
                .expect("says");
            if said.contains("errorstat_NOREPLICAS") {
                break;
            }
            tokio::task::yield_now().await;
        }
        set(0).await;
    });
    enqueued.expect("was repeated");
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1);

    set(1).await;
    let error = bench
        .client
        .enqueue(welcome())
        .await
        .expect_err("it takes nothing");
    assert!(error.to_string().contains("NOREPLICAS"), "{error}");
    assert!(error.is_retryable(), "{error}");
}
