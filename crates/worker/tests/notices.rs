//! The application is told what became of jobs: notices become jobs of another queue.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{JobId, Notice, NoticeFilter};
use longshore_queue::{JobScan, JobState, NewJob, Place, Queue, RunAt, Signed, WorkerFacts};
use longshore_tests::eventually;
use longshore_worker::NoticeDelivery;
use support::{Bench, Does, new_job};

/// What a job that delivers has to say, in words that are easy to compare.
fn payload(notice: &Notice) -> Vec<u8> {
    format!("{} {} {}", notice.job, notice.notice_type, notice.sequence).into_bytes()
}

fn telling(on: &[&str]) -> Bench {
    telling_on(Bench::new(), on)
}

fn telling_on(mut bench: Bench, on: &[&str]) -> Bench {
    let on = on.iter().map(|&word| word.to_owned()).collect();
    let wanted = Arc::new(NoticeFilter { on, kinds: None });
    let delivery = NoticeDelivery {
        queue: "told",
        payload,
    };
    bench.notices = Some((wanted, delivery));
    bench
}

/// The queue of the jobs that deliver.
fn told(bench: &Bench) -> Queue {
    bench.queue.sibling("told").expect("a good name")
}

async fn pending(queue: &Queue) -> u64 {
    queue.stats().await.map_or(0, |stats| stats.pending)
}

async fn are_told(bench: &Bench, n: u64) {
    let told = told(bench);
    eventually(&format!("{n} are told"), || async {
        pending(&told).await == n
    })
    .await;
    eventually("no notice is left", || async {
        bench
            .queue
            .notices(1)
            .await
            .is_ok_and(|left| left.is_empty())
    })
    .await;
}

/// What the jobs say that deliver, in the order of their sequences: job, type, sequence.
async fn said(bench: &Bench) -> Vec<(String, String, u64)> {
    let mut scan = JobScan::new(Place::Pending);
    let mut said = Vec::new();
    while !scan.is_over() {
        let jobs = told(bench).scan(&mut scan).await.expect("looks");
        said.extend(jobs.into_iter().map(|job| {
            let text = String::from_utf8(job.payload.expect("has one")).expect("text");
            let mut words = text.split(' ').map(str::to_owned);
            let mut word = || words.next().expect("three words");
            let (id, what) = (word(), word());
            let by = job.enqueued_by.expect("is said");
            assert_eq!((by.what(), by.name()), ("job", &*id));
            (id, what, word().parse().expect("a number"))
        }));
    }
    said.sort_by_key(|(_, _, sequence)| *sequence);
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_becomes_one_job_and_the_later_one_has_the_larger_sequence() {
    let bench = telling(&["completed", "dead", "cancelled"]);
    let running = bench.start();
    let done = bench.enqueue(Does::Nothing).await;
    bench.is(done, JobState::Completed).await;
    let refused = bench.enqueue(Does::IsRefused).await;
    bench.is(refused, JobState::Dead).await;
    // Whoever cancels does not know that the application wants to be told.
    let later = NewJob {
        run_at: RunAt::In(Duration::from_secs(3600)),
        ..new_job(Does::Nothing)
    };
    let expired = NewJob {
        expires_in: Some(Duration::ZERO),
        ..new_job(Does::Nothing)
    };
    bench
        .queue
        .enqueue(&[later.clone(), expired.clone()])
        .await
        .expect("enqueues");
    bench.is(expired.id, JobState::Dead).await;
    let kari = Signed::new("kari", "");
    bench
        .queue
        .cancel(&[later.id.into()], false, &kari)
        .await
        .expect("cancels");
    are_told(&bench, 4).await;
    bench
        .queue
        .replay(&[refused.into()], &kari)
        .await
        .expect("replays");
    are_told(&bench, 5).await;
    let said = said(&bench).await;
    let of = |id: JobId| {
        let of = said.iter().filter(|(job, _, _)| *job == id.to_string());
        of.map(|(_, what, _)| &**what).collect::<Vec<_>>()
    };
    assert_eq!(of(done), ["job.completed"]);
    assert_eq!(of(refused), ["job.dead", "job.dead"]);
    assert_eq!(of(later.id), ["job.cancelled"]);
    assert_eq!(of(expired.id), ["job.dead"]);
    assert!(
        said.windows(2).all(|pair| pair[0].2 < pair[1].2),
        "{said:?}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_dies_between_enqueue_and_removal_tells_nothing_twice() {
    let bench = telling(&["completed"]);
    let running = bench.start();
    let id = bench.enqueue(Does::Nothing).await;
    are_told(&bench, 1).await;
    running.stop().await;
    // As it stood before it was removed.
    let (_, what, sequence) = said(&bench).await.remove(0);
    let row = format!("{sequence}\n{what}\nprobe\n\n\n{id}");
    let mut add = redis::cmd("ZADD");
    add.arg(&bench.queue.keys().notices).arg(sequence).arg(row);
    let added: u8 = bench.queue.link().command(&add).await.expect("adds");
    assert_eq!(added, 1);
    // Also where the first one has been delivered, and is forgotten.
    let told = told(&bench);
    for key in [&told.keys().data, &told.keys().active] {
        let mut del = redis::cmd("DEL");
        let _: u8 = bench
            .queue
            .link()
            .command(del.arg(key))
            .await
            .expect("removes");
    }
    let running = bench.start();
    are_told(&bench, 0).await;
    assert_eq!(told.stats().await.expect("counts").counter("enqueued"), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_tell_each_end_once_also_when_redis_was_away() {
    let mut bench = telling(&["completed"]);
    let running = [bench.start(), bench.start()];
    bench.enqueue_many(Does::Nothing, 600).await;
    bench.completed(600).await;
    bench.redis.restart().expect("Redis comes back");
    eventually("it answers", || async { bench.queue.stats().await.is_ok() }).await;
    bench.enqueue_many(Does::Nothing, 300).await;
    are_told(&bench, 900).await;
    assert_eq!(
        told(&bench)
            .stats()
            .await
            .expect("counts")
            .counter("enqueued"),
        900
    );
    for running in running {
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_room_where_it_is_delivered_waits() {
    let bench = telling(&["dead"]);
    let told = told(&bench);
    let lease = longshore_queue::Lease::new(longshore_queue::WorkerId::generate("told"));
    told.join(&lease, Duration::from_secs(10))
        .await
        .expect("joins");
    let full = told.clone().with_max_waiting(Some(2));
    full.announce(&lease, &WorkerFacts::default())
        .await
        .expect("says");
    let running = bench.start();
    let ids = bench.enqueue_many(Does::IsRefused, 3).await;
    for id in &ids {
        bench.is(*id, JobState::Dead).await;
    }
    eventually("they wait", || async {
        bench
            .queue
            .stats()
            .await
            .is_ok_and(|stats| stats.notices > 0)
    })
    .await;
    assert!(pending(&told).await <= 2);
    told.announce(&lease, &WorkerFacts::default())
        .await
        .expect("says");
    are_told(&bench, 3).await;
    running.stop().await;
}

/// Whoever cancels a job finds in Redis what is wanted. A Redis that forgot it is told with the next beat.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgot_what_is_wanted_is_told_at_once() {
    let mut bench = telling_on(Bench::forgetful(), &["cancelled"]);
    let running = bench.start();
    let done = bench.enqueue(Does::Nothing).await;
    bench.is(done, JobState::Completed).await;
    let timeline = bench.queue.keys().timeline.clone();
    let wanted = |bench: &Bench| {
        let link = bench.queue.link().clone();
        let mut ask = redis::cmd("HEXISTS");
        ask.arg(&timeline).arg("notices");
        async move { link.command::<bool>(&ask).await }
    };
    assert!(wanted(&bench).await.expect("answers"));
    let mut forget = redis::cmd("HDEL");
    forget.arg(&timeline).arg("notices");
    bench
        .queue
        .link()
        .command::<u8>(&forget)
        .await
        .expect("is gone");
    bench.save().await;
    let done = bench.enqueue(Does::Nothing).await;
    bench.is(done, JobState::Completed).await;
    bench.restore();
    eventually("it stands there", || async {
        wanted(&bench).await.unwrap_or(false)
    })
    .await;
    running.stop().await;
}
