//! Jobs that come by a carrier: each once, however often it is brought.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use longshore_email::SendEmail;
use longshore_job::{JobId, Prepared};
use longshore_queue::{Carried, Enqueued, Key, NewJob, QueueError, WorkerFacts};
use support::{Bench, job};

/// Mail to this address, under this key.
fn keyed(name: &str, to: &str) -> NewJob {
    let prepared = Prepared::new(&SendEmail::new("welcome", to)).expect("good");
    NewJob {
        key: Some(Key::of(&prepared, name)),
        payload: prepared.payload,
        ..job()
    }
}

fn enqueued(id: JobId) -> Carried {
    let duplicate = false;
    Carried::Enqueued(Enqueued { id, duplicate })
}

async fn counts(bench: &Bench) -> (u64, u64) {
    let stats = bench.queue.stats().await.expect("counts");
    (stats.pending, stats.counter("enqueued"))
}

#[tokio::test]
async fn what_was_carried_before_is_left_as_it_is_also_when_its_job_is_forgotten() {
    let bench = Bench::new();
    let jobs = [job(), keyed("a", "ada@example.com"), job()];
    let ids = jobs.iter().map(|job| enqueued(job.id));
    let came: Vec<_> = ids.collect();
    assert_eq!(bench.queue.carry(&jobs).await.expect("carries"), came);
    assert_eq!(bench.queue.carry(&jobs).await.expect("carries"), came);
    assert_eq!(counts(&bench).await, (3, 3));

    // They have run, and nothing is left of them but that they were carried, and the key.
    let worker = bench.worker("w").await;
    for claimed in bench.claim(&worker, 10).await {
        let verdict = support::verdict(&claimed, support::done());
        bench.settle(&[verdict]).await;
    }
    let keys = bench.queue.keys();
    for key in [
        &keys.completed,
        &keys.completions,
        &keys.data,
        &keys.records,
    ] {
        let _: u8 = bench.text(&format!("DEL {key}")).await;
    }
    let key = bench
        .keys()
        .await
        .into_iter()
        .find(|key| key.contains(":idempotency:"));
    let _: u8 = bench.text(&format!("DEL {}", key.expect("stands"))).await;
    assert_eq!(bench.queue.carry(&jobs).await.expect("carries"), came);
    assert_eq!(counts(&bench).await, (0, 3));
    let left = bench.keys().await;
    assert!(
        !left.iter().any(|key| key.contains(":idempotency:")),
        "{left:?}"
    );
    // Carried with one that is new, under the key that is free by now.
    let other = keyed("a", "grace@example.com");
    let more = [jobs[1].clone(), other.clone(), job()];
    let came: Vec<_> = more.iter().map(|job| enqueued(job.id)).collect();
    assert_eq!(bench.queue.carry(&more).await.expect("carries"), came);
    assert_eq!(counts(&bench).await, (2, 5));
}

#[tokio::test]
async fn a_key_that_stands_for_other_args_hinders_no_other_job() {
    let bench = Bench::new();
    let first = keyed("a", "ada@example.com");
    bench.enqueue_all(std::slice::from_ref(&first)).await;
    let same = keyed("a", "ada@example.com");
    let jobs = [
        job(),
        keyed("a", "grace@example.com"),
        same.clone(),
        keyed("a", "joan@example.com"),
        job(),
    ];
    let came = bench.queue.carry(&jobs).await.expect("carries");
    let taken = |place: usize| match &came[place] {
        Carried::KeyTaken(key) => (key.place, key.holder),
        came => panic!("{place}: {came:?}"),
    };
    assert_eq!(came[0], enqueued(jobs[0].id));
    assert_eq!(taken(1), (1, first.id));
    let duplicate = true;
    let id = first.id;
    assert_eq!(came[2], Carried::Enqueued(Enqueued { id, duplicate }));
    assert_eq!(taken(3), (3, first.id));
    assert_eq!(came[4], enqueued(jobs[4].id));
    assert_eq!(counts(&bench).await, (3, 3));

    // A duplicate stays one, also when the key has become free meanwhile.
    bench
        .text::<u8>(&format!(
            "DEL {}:send_email:a",
            bench.queue.keys().idempotency
        ))
        .await;
    bench.queue.carry(&[same]).await.expect("carries");
    assert_eq!(counts(&bench).await, (3, 3));
}

#[tokio::test]
async fn ids_of_any_hour_are_known_for_25_hours_from_when_they_are_brought() {
    let bench = Bench::new();
    let of = |id: &str| NewJob {
        id: id.parse().expect("an id"),
        ..job()
    };
    let jobs = [
        of("01JD2Z5V9GQ8X0T6M3K7W4R1YB"),
        job(),
        of("00000000000000000000000000"),
    ];
    bench.queue.carry(&jobs).await.expect("carries");
    let keys = bench.keys().await;
    let carried: Vec<_> = keys
        .iter()
        .filter(|key| key.contains(":carried:"))
        .collect();
    assert_eq!(carried.len(), 3, "{keys:?}");
    for key in carried {
        let left: i64 = bench.text(&format!("TTL {key}")).await;
        assert!((24 * 3600..=25 * 3600).contains(&left), "{key}: {left}");
    }
    bench.queue.carry(&jobs).await.expect("carries");
    assert_eq!(counts(&bench).await, (3, 3));
}

#[tokio::test]
async fn what_is_too_many_is_refused_and_carried_later() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let queue = bench.queue.clone().with_max_waiting(Some(1));
    let facts = WorkerFacts::default();
    assert!(queue.announce(&worker, &facts).await.expect("says"));
    let jobs = [job(), job()];
    let refused = queue.carry(&jobs).await;
    assert!(
        matches!(refused, Err(QueueError::Full { .. })),
        "{refused:?}"
    );
    assert_eq!(counts(&bench).await, (0, 0));
    queue.carry(&jobs[..1]).await.expect("carries");
    assert_eq!(counts(&bench).await, (1, 1));
}

/// Another program has written over a key of the queue.
#[tokio::test]
async fn what_found_no_place_in_the_queue_was_not_carried() {
    let bench = Bench::new();
    let jobs = [job(), job()];
    let active = bench.queue.keys().active.clone();
    bench.text::<String>(&format!("SET {active} x")).await;
    let refused = bench.queue.carry(&jobs).await.expect_err("no list");
    assert!(matches!(refused, QueueError::Refused { .. }), "{refused}");
    bench.text::<u8>(&format!("DEL {active}")).await;
    bench.queue.carry(&jobs).await.expect("carries");
    assert_eq!(counts(&bench).await, (2, 2));
}
