//! What anybody may write into Redis: each bad job is a dead letter with its bytes kept, and touches no other.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{JobId, KindOverrides};
use longshore_queue::{JobState, RawId, Signed};
use longshore_tests::eventually;
use redis::cmd;
use support::{Bench, Does};

async fn write(bench: &Bench, id: &[u8], payload: Option<&[u8]>, record: bool) {
    let k = bench.queue.keys();
    let mut pipe = redis::pipe();
    pipe.atomic();
    if let Some(payload) = payload {
        pipe.cmd("HSET").arg(&k.data).arg(id).arg(payload).ignore();
    }
    if record {
        let key = k.pushed(&RawId::from(id.to_vec()));
        pipe.cmd("HSET")
            .arg(key)
            .arg("attempts")
            .arg(0)
            .arg("max_attempts")
            .arg(25)
            .ignore();
    }
    pipe.cmd("RPUSH").arg(&k.active).arg(id).ignore();
    bench
        .queue
        .link()
        .pipeline::<()>(&pipe)
        .await
        .expect("writes");
}

/// A job that has run, and whose record is gone.
async fn without_its_record(bench: &Bench) -> JobId {
    let id = bench.enqueue(Does::Nothing).await;
    let waits = [("waits", &b"1"[..])];
    let seeded = bench.queue.seed_record(&id.into(), &waits).await;
    seeded.expect("writes");
    let mut gone = cmd("HDEL");
    gone.arg(&bench.queue.keys().records).arg(id.to_string());
    let gone: u8 = bench.queue.link().command(&gone).await.expect("removes");
    assert_eq!(gone, 1);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_buried_with_its_bytes_and_its_neighbours_run() {
    let bench = Bench::new();
    let good = support::new_job(Does::Nothing).payload;
    let deep = [
        br#"{"kind":"probe","v":1,"args":"#.as_slice(),
        &b"[".repeat(50_000),
        &b"]".repeat(50_000),
        b"}",
    ]
    .concat();
    let id = || JobId::generate().to_string().into_bytes();
    // Id, payload, whether there is a record, and why it is dead.
    type Case<'a> = (Vec<u8>, Option<&'a [u8]>, bool, &'a str);
    let cases: Vec<Case<'_>> = vec![
        (id(), Some(b""), true, "payload empty"),
        (id(), Some(b"\xff\xfe\x00"), true, "payload not UTF-8"),
        (id(), Some(b"{"), true, "payload not an envelope"),
        (
            id(),
            Some(br#"{"kind":"probe","v":1,"args":{"does":"fly"}}"#),
            true,
            "args do not decode",
        ),
        (id(), Some(&deep), true, "args do not decode"),
        (id(), None, true, "payload missing"),
        (id(), None, false, "payload missing"),
        (b"not a ulid".to_vec(), Some(&good), true, "id not a ULID"),
        (b"\xff\xfe".to_vec(), Some(&good), true, "id not a ULID"),
        (b"".to_vec(), Some(&good), true, "id not a ULID"),
    ];
    let mut neighbours = Vec::new();
    for (id, payload, record, _) in &cases {
        neighbours.push(bench.enqueue(Does::Nothing).await);
        write(&bench, id, *payload, *record).await;
    }
    let whole = without_its_record(&bench).await;
    let whole_id = whole.to_string().into_bytes();
    let cases = [
        cases,
        vec![(whole_id, Some(&good), false, "record missing")],
    ]
    .concat();
    let running = bench.start();
    bench.completed(neighbours.len() as u64).await;
    for (id, payload, _, why) in &cases {
        let id = RawId::from(id.clone());
        let look = || async { bench.queue.job(&id).await.expect("looks") };
        eventually(&format!("{id:?} ({why}) is dead"), || async {
            look().await.is_some_and(|job| job.state == JobState::Dead)
        })
        .await;
        let job = look().await.expect("is there");
        assert_eq!(
            job.payload.as_deref(),
            *payload,
            "{why}: the bytes are kept"
        );
        let reason = job
            .history
            .last()
            .and_then(|last| last.entry.reason.clone())
            .expect("says why");
        assert!(reason.starts_with(why), "{reason}");
    }
    assert_eq!(
        bench.queue.stats().await.expect("counts").dead,
        cases.len() as u64
    );
    // With its record written by the burial, a letter that was whole runs when it is replayed.
    bench
        .queue
        .replay(&[whole.into()], &Signed::new("kari", ""))
        .await
        .expect("replays");
    bench.is(whole, JobState::Completed).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn args_newer_than_the_worker_are_put_back() {
    let bench = Bench::new();
    let id = JobId::generate();
    write(
        &bench,
        id.to_string().as_bytes(),
        Some(br#"{"kind":"probe","v":2,"args":{"new":1}}"#),
        true,
    )
    .await;
    let running = bench.start();
    bench.is(id, JobState::Scheduled).await;
    let job = bench
        .queue
        .job(&id.into())
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!((job.run.used, job.waits), (0, 1));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_job_is_dead_without_a_run() {
    let bench = Bench::new();
    let job = longshore_queue::NewJob {
        expires_in: Some(Duration::from_secs(60)),
        ..support::new_job(Does::Sends)
    };
    let id = bench.queue.enqueue(&[job]).await.expect("enqueues")[0].id;
    let long = Duration::from_secs(61);
    let moved = bench.queue.back_date(&id.into(), long).await;
    moved.expect("back-dates");
    let running = bench.start();
    bench.is(id, JobState::Dead).await;
    assert_eq!(bench.probing.started(), 0);
    assert_eq!(
        bench.queue.dead_groups().await.expect("lists")[0]
            .cause
            .as_ref()
            .expect("described")
            .to_string(),
        "expired: expires_in over"
    );
    running.stop().await;
}

/// A newer worker may know it, or one that a deploy is about to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_worker_does_not_know_waits_for_one_that_does() {
    let bench = Bench::new();
    let id = JobId::generate();
    let payload = br#"{"kind":"of_tomorrow","v":1,"args":{}}"#;
    write(&bench, id.to_string().as_bytes(), Some(payload), true).await;
    let running = bench.start();
    let look = || async {
        let job = bench.queue.job(&id.into()).await.expect("looks");
        job.expect("is there")
    };
    eventually("it is parked or dead", || async {
        let job = look().await;
        job.parked_since_ms.is_some() || job.state == JobState::Dead
    })
    .await;
    let job = look().await;
    assert_eq!((job.state, job.run.used), (JobState::Pending, 0));
    running.stop().await;
}

/// Who pushes into Redis past the client library says nothing of an expiry. It counts from when the id was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kinds_expiry_holds_whoever_pushed_the_job() {
    let mut bench = Bench::new();
    bench.overrides = KindOverrides {
        expires: Some(Duration::from_secs(60)),
        ..KindOverrides::default()
    };
    let payload = support::new_job(Does::Sends).payload;
    let now = bench.queue.now_ms().await.expect("has a clock");
    let pushed = [61_000, 5_000].map(|age_ms| JobId::from_parts(now - age_ms, age_ms.into()));
    for id in pushed {
        write(&bench, id.to_string().as_bytes(), Some(&payload), true).await;
    }
    let running = bench.start();
    let states = || async {
        let [late, in_time] = pushed;
        [bench.state(late).await, bench.state(in_time).await]
    };
    eventually("both have ended", || async {
        let ended = |state| matches!(state, Some(JobState::Dead | JobState::Completed));
        states().await.into_iter().all(ended)
    })
    .await;
    let expected = [Some(JobState::Dead), Some(JobState::Completed)];
    assert_eq!(states().await, expected);
    assert_eq!(bench.probing.sent(pushed[0]), 0);
    running.stop().await;
}
