//! What producers meet while Redis is away.

use std::time::{Duration, Instant};

use longshore_client::{Client, ClientBuilder, ClientError, QueueError};
use tokio::task::JoinSet;

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

impl Bench {
    fn builder(&self) -> ClientBuilder {
        Client::builder(self.redis.url())
    }
}

/// More than any of these clients waits, and less than one that waits an outage out.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test]
async fn what_one_call_has_waited_for_in_vain_the_next_does_not_wait_for() {
    let mut bench = Bench::new();
    let patient = bench.builder().give_up_after(Duration::from_millis(400));
    let client = patient.build().expect("good settings");
    bench.redis.kill();
    let began = Instant::now();
    let first = client.enqueue(welcome()).await.expect_err("it is away");
    assert_eq!(first.code(), "redis_unreachable");
    assert!(
        began.elapsed() > Duration::from_millis(300),
        "it was waited out"
    );
    let began = Instant::now();
    // Other calls, other queues, and the same client once more.
    let text = longshore_client::kinds::SendSms::new("+4790000000", "ahoy");
    let second = client.clone().enqueue(text).await.expect_err("it is away");
    let third = client.status(longshore_client::JobId::generate()).await;
    assert_eq!(third.expect_err("it is away").code(), "redis_away");
    assert!(
        began.elapsed() < Duration::from_millis(250),
        "{:?}",
        began.elapsed()
    );
    assert!(matches!(second, ClientError::Away { .. }), "{second}");
    assert!(second.is_retryable() && second.to_string().contains("nothing was sent"));

    bench.redis.restart().expect("comes back");
    let back = Instant::now();
    while let Err(error) = client.enqueue(welcome()).await {
        assert!(error.is_retryable(), "{error}");
        tokio::task::yield_now().await;
    }
    assert!(back.elapsed() < SOON, "{:?}", back.elapsed());
    // The same connection again, for whoever looks.
    while bench.queue.link().ping().await.is_err() {}
    let pending = bench.queue.stats().await.expect("counts").pending;
    assert_eq!(pending, 1, "what was refused at once was not enqueued");
}

#[tokio::test]
async fn a_redis_that_is_silent_delays_no_call_beyond_its_time_and_doubles_nothing() {
    let bench = Bench::new();
    let fast = bench.builder().fail_fast(true);
    let client = fast.build().expect("good settings");
    let keyed = |n: usize| client.enqueue(welcome()).key(format!("order {n}"));
    keyed(0).await.expect("enqueues");
    bench.redis.pause().expect("it is stopped");
    let began = Instant::now();
    let calls = (1..=50).map(|n| {
        let client = client.clone();
        async move {
            let call = client.enqueue(welcome()).key(format!("order {n}"));
            (call.await, began.elapsed())
        }
    });
    for (answer, took) in calls.collect::<JoinSet<_>>().join_all().await {
        let error = answer.expect_err("it is silent");
        assert!(error.is_retryable(), "{error}");
        assert!(took < SOON, "{took:?}: {error}");
    }
    let began = Instant::now();
    let next = keyed(51).await.expect_err("it is silent");
    assert!(began.elapsed() < SOON, "{next}");

    bench.redis.resume().expect("it goes on");
    for n in 0..=51 {
        while let Err(error) = keyed(n).await {
            assert!(error.is_retryable(), "{error}");
            tokio::task::yield_now().await;
        }
    }
    let pending = bench.queue.stats().await.expect("counts").pending;
    assert_eq!(pending, 52, "what was sent into the silence is there once");
}

/// Nobody answers where a connection is opened: those who wait for it do not try one after the other.
#[tokio::test]
async fn many_calls_share_one_try_to_connect() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = silent.local_addr().expect("an address");
    let waits = Duration::from_millis(300);
    let builder = Client::builder(format!("redis://{at}")).connect_timeout(waits);
    let builder = builder.give_up_after(Duration::from_secs(9));
    let client = builder.fail_fast(true).build().expect("good settings");
    let began = Instant::now();
    let calls = (0..40).map(|_| {
        let client = client.clone();
        async move { client.enqueue(welcome()).await }
    });
    for answer in calls.collect::<JoinSet<_>>().join_all().await {
        assert!(answer.expect_err("it is silent").is_retryable());
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn times_that_cannot_be_meant_are_refused() {
    let build = |set: fn(ClientBuilder) -> ClientBuilder| {
        set(Client::builder("redis://127.0.0.1:1")).build()
    };
    let wrong: [fn(ClientBuilder) -> ClientBuilder; 6] = [
        |builder| builder.give_up_after(Duration::ZERO),
        |builder| builder.give_up_after(Duration::from_secs(10)),
        |builder| builder.connect_timeout(Duration::ZERO),
        |builder| builder.response_timeout(Duration::ZERO),
        |builder| builder.name(""),
        |builder| builder.namespace("Shop"),
    ];
    for (n, set) in wrong.into_iter().enumerate() {
        let error = build(set).expect_err("refused");
        assert!(!error.is_retryable(), "{n}: {error}");
    }
    let right = build(|builder| {
        let builder = builder.namespace("shop").name("shop").wait_replicas(1);
        builder
            .give_up_after(Duration::from_secs(9))
            .connect_timeout(SOON)
    });
    right.expect("good settings");
    let wrong = Client::builder("http://127.0.0.1").build();
    assert_eq!(wrong.expect_err("no Redis").code(), "redis_address");
}
