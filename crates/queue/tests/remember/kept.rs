//! What jobs keep for each other and for their next run.

use std::time::Duration;

use longshore_queue::{Fate, RawId};

use super::support::{Bench, job, verdict};

#[tokio::test]
async fn what_is_kept_is_there_for_its_time() {
    let bench = Bench::new();
    let queue = &bench.queue;
    assert_eq!(queue.recall("place").await.expect("asks"), None);
    let bytes = b"\x00\xff any bytes";
    queue
        .keep("place", bytes, Duration::from_secs(60))
        .await
        .expect("keeps");
    assert_eq!(
        queue.recall("place").await.expect("asks").as_deref(),
        Some(&bytes[..])
    );
    for value in [&b"first"[..], b"second"] {
        let there = queue
            .keep_first("once", value, Duration::from_secs(60))
            .await;
        assert_eq!(there.expect("keeps"), b"first");
    }
    let ttl: i64 = bench.text("PTTL {t:email}:kept:once").await;
    assert!((50_000..=60_000).contains(&ttl), "{ttl}");
    let ttl: i64 = bench.text("PTTL {t:email}:kept:place").await;
    assert!((50_000..=60_000).contains(&ttl), "{ttl}");
}

/// A run that has sent something must be able to keep what came of it.
#[tokio::test]
async fn a_full_redis_keeps_what_runs_remember_and_takes_no_job() {
    let bench = Bench::new();
    let (queue, minute) = (&bench.queue, Duration::from_secs(60));
    let _: String = bench.text("CONFIG SET maxmemory 1").await;
    queue.keep("place", b"Oslo", minute).await.expect("keeps");
    let first = queue.keep_first("once", b"1", minute).await;
    assert_eq!(first.expect("keeps"), b"1");
    let place = queue.assign("places", "ada", "Oslo").await;
    assert_eq!(place.expect("assigns"), "Oslo");
    queue.enqueue(&[job()]).await.expect_err("is refused");
}

#[tokio::test]
async fn a_checkpoint_is_kept_by_whoever_has_the_job_and_by_nobody_else() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let queue = &bench.queue;
    assert_eq!(queue.checkpoint(id).await.expect("asks"), None);
    let claimed = bench.claim(&worker, 1).await;
    let token = &claimed[0].token;
    let save = async |token: &str, json: &[u8]| queue.save(id, token, json).await.expect("asks");
    assert!(save(token, b"{\"page\":1}").await);
    assert!(!save("w:9", b"{\"page\":9}").await, "a stranger's");
    let kept = queue.checkpoint(id).await.expect("asks");
    assert_eq!(kept.as_deref(), Some(&b"{\"page\":1}"[..]));
    let job = queue
        .job(&RawId::from(id))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(job.progress, Some(serde_json::json!({ "page": 1 })));
    assert_eq!(
        bench.settle(&[verdict(&claimed[0], Fate::Back)]).await,
        [true]
    );
    assert!(!save(token, b"{\"page\":2}").await, "settled");
}

#[tokio::test]
async fn a_job_that_comes_on_is_not_poison() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await;
    let mut lost = verdict(&claimed[0], Fate::Back);
    lost.state.lost = 2;
    assert_eq!(bench.settle(&[lost]).await, [true]);
    let claimed = bench.claim(&worker, 1).await;
    assert_eq!(claimed[0].run.lost, 2);
    let saved = bench.queue.save(id, &claimed[0].token, b"1").await;
    assert!(saved.expect("asks"));
    let before = claimed[0].run;
    let job = bench
        .queue
        .job(&RawId::from(id))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(
        (job.run.lost, job.run.used, job.run.entries),
        (0, before.used, before.entries)
    );
}

#[tokio::test]
async fn a_key_of_a_map_stands_for_what_came_first() {
    let bench = Bench::new();
    let queue = &bench.queue;
    assert_eq!(queue.find("customers", "user-7").await.expect("asks"), None);
    for value in ["cus_1", "cus_2"] {
        let holds = queue.assign("customers", "user-7", value).await;
        assert_eq!(holds.expect("assigns"), "cus_1");
    }
    let found = queue.find("customers", "user-7").await.expect("asks");
    assert_eq!(found.as_deref(), Some("cus_1"));
    let ttl: i64 = bench.text("PTTL {t:email}:map:customers").await;
    assert_eq!(ttl, -1, "for good");
}

#[tokio::test]
async fn answers_that_can_be_asked_for_again_are_so_many_at_the_most() {
    let bench = Bench::new();
    let (queue, day) = (&bench.queue, Duration::from_secs(24 * 3600));
    queue.keep("told", b"1", day).await.expect("keeps");
    for n in 0..30 {
        // Those of one millisecond are in the order of their names.
        let (key, year) = (format!("place {n:02}"), day * 365);
        let cached = queue.cache_among(&key, b"here", year, 10).await;
        cached.expect("keeps");
    }
    let known: usize = bench.text("ZCARD {t:email}:cached").await;
    assert_eq!(known, 10);
    for (key, there) in [
        ("place 00", false),
        ("place 19", false),
        ("place 20", true),
        ("place 29", true),
        ("told", true),
    ] {
        let found = queue.recall(key).await.expect("looks");
        assert_eq!(found.is_some(), there, "{key}");
    }
    let filled = queue.now_ms().await.expect("tells");
    while queue.now_ms().await.expect("tells") == filled {}
    // One that is asked for again is young again, and a shorter time does not end the others'.
    queue
        .cache_among("place 20", b"there", day, 10)
        .await
        .expect("keeps");
    queue
        .cache_among("place 30", b"here", day, 10)
        .await
        .expect("keeps");
    let found = queue.recall("place 20").await.expect("looks");
    assert_eq!(found.as_deref(), Some(&b"there"[..]));
    assert_eq!(queue.recall("place 21").await.expect("looks"), None);
    let ttl: i64 = bench.text("PTTL {t:email}:cached").await;
    assert!(ttl > 364 * 24 * 3_600_000, "{ttl}");
}
