//! Waiting for a job's end.

use std::time::{Duration, Instant};

use longshore_client::{Client, ClientError, JobId, JobState, PrivateResult};
use longshore_job::{Cause, Class};
use longshore_queue::Fate;
use serde_json::json;

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

/// What was sent to Redis, as its slow log has it: all of it.
async fn sent_to_redis(bench: &Bench) -> String {
    let slow: redis::Value = bench
        .queue
        .link()
        .command(redis::cmd("SLOWLOG").arg("GET").arg(-1))
        .await
        .expect("reads the slow log");
    format!("{slow:?}")
}

#[tokio::test]
async fn who_waits_has_a_private_result_that_redis_never_has() {
    let bench = Bench::new();
    for (name, value) in [
        ("slowlog-log-slower-than", "0"),
        ("slowlog-max-len", "10000"),
    ] {
        let mut config = redis::cmd("CONFIG");
        config.arg("SET").arg(name).arg(value);
        let set: String = bench.queue.link().command(&config).await.expect("sets");
        assert_eq!(set, "OK");
    }
    let told = |n: u32| PrivateResult::new(json!({ "client_secret": format!("zqsecret{n}") }));
    let limit = Duration::from_secs(20);
    let waiting = bench.client.enqueue_and_wait(welcome(), limit);
    let (status, ()) = tokio::join!(waiting, async {
        // Nobody can have it before somebody listens: a worker may be very fast.
        let id = bench.first_waiting().await;
        // A run tells, and its worker is lost; the next one tells again, and anew.
        let mut keys: Option<String> = None;
        for n in [1, 2] {
            keys = Some(bench.keys_other_than(id, keys.as_deref()).await);
            let told = bench.queue.tell_private(id, &told(n)).await;
            assert_eq!(told.expect("tells"), 1, "one listens");
        }
        bench.work().await;
    });
    let status = status.expect("completes");
    assert_eq!(status.private_result, Some(told(2)), "the last word");
    let later = bench.client.status(status.id).await.expect("looks");
    assert_eq!(
        later.expect("is known").private_result,
        None,
        "it is kept nowhere"
    );
    let late = bench
        .client
        .wait(status.id, limit)
        .await
        .expect("has ended");
    assert_eq!(late.private_result, None, "who comes late asks another way");
    let nobody = bench.queue.tell_private(status.id, &told(3)).await;
    assert_eq!(nobody.expect("is no error"), 0, "nobody waits any more");

    let sent = sent_to_redis(&bench).await;
    let spoken = sent.to_lowercase();
    assert!(
        spoken.contains("spublish") && spoken.contains("waiters"),
        "{sent}"
    );
    assert!(!sent.contains("zqsecret"), "{sent}");
    let waiters: u64 = bench
        .queue
        .link()
        .command(redis::cmd("EXISTS").arg(&bench.queue.keys().waiters))
        .await
        .expect("looks");
    assert_eq!(waiters, 0, "no key of theirs stays either");
}

#[tokio::test]
async fn all_who_wait_are_told_and_what_fails_tells_nothing() {
    let bench = Bench::new();
    let other = Client::new(&bench.redis.url()).expect("a good URL");
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let limit = Duration::from_secs(20);
    let private = PrivateResult::new(json!("zqsecret"));
    let (one, two, three, ()) = tokio::join!(
        bench.client.wait(id, limit),
        bench.client.wait(id, limit),
        other.wait(id, limit),
        async {
            loop {
                let told = bench.queue.tell_private(id, &private).await;
                if told.expect("tells") == 2 {
                    break;
                }
            }
            bench.work().await;
        }
    );
    for status in [one, two, three] {
        let status = status.expect("completes");
        assert_eq!(status.private_result.as_ref(), Some(&private));
    }

    // A job that died has no result, and no private one.
    let waiting = bench.client.enqueue_and_wait(welcome(), limit);
    let (status, ()) = tokio::join!(waiting, async {
        let id = bench.first_waiting().await;
        bench.keys_other_than(id, None).await;
        let told = bench.queue.tell_private(id, &private).await;
        assert_eq!(told.expect("tells"), 1);
        let cause = Cause::without_provider(Class::Refused, "no");
        bench.end_one(Fate::Dead { cause }, None).await;
    });
    let status = status.expect("has ended");
    assert_eq!(
        (status.state, status.private_result),
        (JobState::Dead, None)
    );
}

#[tokio::test]
async fn a_job_with_a_key_is_waited_for_and_so_is_the_one_that_has_its_key() {
    let bench = Bench::new();
    let limit = Duration::from_secs(20);
    let keyed = || {
        bench
            .client
            .enqueue(welcome())
            .key("welcome-7")
            .and_wait(limit)
    };
    let (first, second, ()) = tokio::join!(keyed(), keyed(), bench.work());
    let (first, second) = (first.expect("completes"), second.expect("completes"));
    assert_eq!(first.id, second.id);
    assert_eq!(second.state, JobState::Completed);
}
