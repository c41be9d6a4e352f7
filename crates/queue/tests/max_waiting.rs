//! No more jobs may wait than the queue's workers say: whatever else is to be enqueued is refused, for now.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{JobId, Prepared};
use longshore_queue::{
    CronMove, Fate, Key, Lane, Lease, NewJob, Priority, Queue, QueueError, RunAt, TickJob,
    WorkerFacts,
};
use support::{Bench, done, kari, raw, verdict};

async fn allow(bench: &Bench, most: Option<u32>) -> (Queue, Arc<Lease>) {
    let worker = bench.worker("w").await;
    let queue = bench.queue.clone().with_max_waiting(most);
    let announced = queue.announce(&worker, &WorkerFacts::default()).await;
    assert!(announced.expect("says"));
    // Producers know nothing of it but what stands in Redis.
    (bench.queue.clone(), worker)
}

fn full(answer: Result<impl std::fmt::Debug, QueueError>) -> (u64, u64) {
    match answer {
        Err(QueueError::Full { waiting, most, .. }) => (waiting, most),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_beyond_is_refused_all_or_nothing_and_room_is_used() {
    let bench = Bench::new();
    let (queue, worker) = allow(&bench, Some(4)).await;
    let later = NewJob {
        run_at: RunAt::In(Duration::from_secs(60)),
        ..support::job()
    };
    let urgent = NewJob {
        lane: Lane::of(Priority::High),
        ..support::job()
    };
    let first = [support::job(), later, urgent];
    queue.enqueue(&first).await.expect("enqueues");
    let prepared = Prepared::new(&longshore_email::SendEmail::new("welcome", "a@b.no"));
    let keyed = NewJob {
        key: Some(Key::of(&prepared.expect("good"), "k")),
        ..support::job()
    };
    let two = [keyed.clone(), support::job()];
    assert_eq!(full(queue.enqueue(&two).await), (3, 4));
    assert_eq!(
        queue
            .job(&raw(two[1].id))
            .await
            .expect("looks")
            .map(|job| job.state),
        None
    );
    // Its key is as free as before, and a call that is repeated is no new job.
    let other = NewJob {
        id: JobId::generate(),
        ..keyed.clone()
    };
    assert!(
        !queue
            .enqueue(std::slice::from_ref(&other))
            .await
            .expect("enqueues")[0]
            .duplicate
    );
    queue.enqueue(&first).await.expect("is there already");
    assert!(
        queue
            .enqueue(std::slice::from_ref(&keyed))
            .await
            .expect("a duplicate")[0]
            .duplicate
    );
    assert_eq!(full(queue.enqueue(&[support::job()]).await), (4, 4));

    // What was accepted goes its way: retries and replays are not refused.
    let claimed = bench.claim(&worker, 3).await;
    queue
        .enqueue(&[support::job(), support::job(), support::job()])
        .await
        .expect("there is room");
    let after = Duration::from_secs(60);
    bench
        .settle(&[
            verdict(&claimed[0], Fate::Retry { after }),
            verdict(&claimed[1], support::refused("400")),
            verdict(&claimed[2], done()),
        ])
        .await;
    let replayed = queue
        .replay(std::slice::from_ref(&claimed[1].id), &kari())
        .await;
    assert_eq!(replayed.expect("replays").len(), 1);
    assert_eq!(full(queue.enqueue(&[support::job()]).await), (6, 4));
    // What follows from a run that Redis forgot was accepted before.
    let again = NewJob {
        key: Some(Key::new("greet", "again")),
        ..support::job()
    };
    assert!(queue.enqueue_again(&again).await.expect("enqueues"));

    // Workers that are configured otherwise take it back.
    allow(&bench, None).await;
    queue.enqueue(&[support::job()]).await.expect("any number");
}

#[tokio::test]
async fn a_tick_of_a_full_queue_comes_again() {
    let bench = Bench::new();
    let (queue, worker) = allow(&bench, Some(1)).await;
    bench.enqueue(1).await;
    let job = |tick_ms| TickJob {
        tick_ms,
        id: JobId::generate(),
        payload: support::payload(),
        expires_in: None,
        priority: Priority::Normal,
    };
    let ticks = [job(3_600_000)];
    let book = queue.cron_look().await.expect("looks");
    let to = CronMove {
        entry: "sweep",
        schedule: "UTC 0 * * * *",
        seen_ms: None,
        until_ms: 3_600_000,
        jobs: &ticks,
    };
    assert_eq!(full(queue.cron_move(&book, to).await), (1, 1));
    let by_hand = job(7_200_000);
    assert_eq!(full(queue.cron_run("sweep", &by_hand).await), (1, 1));
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], done())]).await;
    let made = queue.cron_move(&book, to).await.expect("moves");
    assert_eq!(made, Some(vec![ticks[0].id.to_string()]));
    // A mark that moves without a job moves all the same; and a call by hand that is repeated finds its job.
    let book = queue.cron_look().await.expect("looks");
    let skipped = CronMove {
        seen_ms: Some(3_600_000),
        until_ms: 7_200_000,
        jobs: &[],
        ..to
    };
    assert_eq!(
        queue.cron_move(&book, skipped).await.expect("moves"),
        Some(vec![])
    );
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], done())]).await;
    queue.cron_run("sweep", &by_hand).await.expect("runs");
    queue
        .cron_run("sweep", &by_hand)
        .await
        .expect("is there already");
}

/// A job that was taken back leaves an entry in the waiting list, and room.
#[tokio::test]
async fn what_was_cancelled_waits_no_more() {
    let bench = Bench::new();
    let (queue, _worker) = allow(&bench, Some(4)).await;
    let ids = bench.enqueue(4).await;
    assert_eq!(full(queue.enqueue(&[support::job()]).await), (4, 4));
    let two = [raw(ids[1]), raw(ids[2])];
    queue.cancel(&two, false, &kari()).await.expect("cancels");
    let three = [(); 3].map(|()| support::job());
    assert_eq!(full(queue.enqueue(&three).await), (2, 4));
    queue.enqueue(&three[..2]).await.expect("there is room");
}
