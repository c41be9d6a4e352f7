//! What the application is to be told of jobs.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod elsewhere;

use std::sync::Arc;

use longshore_job::{JobId, Notice, NoticeFilter, NoticeType};
use longshore_queue::{Cancelled, Fate, Key, Lane, Lease, NewJob, Queue, WorkerFacts};
use support::{Bench, RETENTION, done, job, kari, raw, refused, verdict};

fn wanted(on: &[&str], kinds: Option<&[&str]>) -> Arc<NoticeFilter> {
    let set = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Arc::new(NoticeFilter {
        on: set(on),
        kinds: kinds.map(set),
    })
}

fn all() -> Arc<NoticeFilter> {
    wanted(&["completed", "dead", "cancelled", "delivered"], None)
}

/// A worker of a fleet that wants these notices. Clients have `bench.queue`, which knows nothing of it.
async fn worker(bench: &Bench, wanted: Option<Arc<NoticeFilter>>) -> (Queue, Arc<Lease>) {
    let (queue, lease) = (
        bench.queue.clone().with_notices(wanted),
        bench.worker("w").await,
    );
    announce(&queue, &lease).await;
    (queue, lease)
}

async fn announce(queue: &Queue, lease: &Lease) {
    let facts = WorkerFacts {
        kinds: vec!["send_email".to_owned()],
        ..WorkerFacts::default()
    };
    assert!(queue.announce(lease, &facts).await.expect("says"));
}

/// One job more, which comes to this.
async fn ends(bench: &Bench, queue: &Queue, lease: &Lease, job: NewJob, fate: Fate) -> JobId {
    let id = bench.enqueue_all(&[job]).await[0];
    next_ends(bench, queue, lease, fate).await;
    id
}

/// The next job comes to this.
async fn next_ends(bench: &Bench, queue: &Queue, lease: &Lease, fate: Fate) {
    let claimed = bench.claim(lease, 1).await.remove(0);
    let settled = queue.settle(&[verdict(&claimed, fate)], RETENTION).await;
    assert_eq!(settled.expect("settles").written, [true]);
}

/// What waits, as people read it.
async fn told(queue: &Queue) -> Vec<Notice> {
    let waiting = queue.notices(1000).await.expect("reads");
    let notices = waiting.into_iter().map(|waiting| waiting.notice);
    notices.map(|notice| notice.expect("is one")).collect()
}

async fn types(queue: &Queue) -> Vec<String> {
    let told = told(queue).await;
    told.iter()
        .map(|told| told.notice_type.to_string())
        .collect()
}

async fn clear(bench: &Bench) {
    let _: u8 = bench
        .text(&format!("DEL {}", bench.queue.keys().notices))
        .await;
}

#[tokio::test]
async fn a_fleet_that_wants_none_stores_nothing() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, None).await;
    ends(&bench, &queue, &lease, job(), done()).await;
    ends(&bench, &queue, &lease, job(), refused("400")).await;
    let waits = bench.enqueue(1).await[0];
    let cancelled = bench.queue.cancel(&[raw(waits)], false, &kari()).await;
    assert_eq!(cancelled.expect("cancels"), [Cancelled::Yes]);
    assert!(!bench.keys().await.contains(&bench.queue.keys().notices));
    let timeline: Vec<String> = bench
        .text(&format!("HKEYS {}", bench.queue.keys().timeline))
        .await;
    assert!(
        !timeline.iter().any(|field| field.starts_with("notice")),
        "{timeline:?}"
    );
    let peek = bench.queue.peek(false).await.expect("looks");
    assert!(!peek.notices);
}

#[tokio::test]
async fn a_notice_says_what_became_of_which_job_and_nothing_of_its_args() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    let keyed = NewJob {
        key: Some(Key::new("send_email", "order-7")),
        lane: Lane::default().with_tenant("acme"),
        tags: vec!["spring".to_owned(), "trial".to_owned()],
        ..job()
    };
    let completed = ends(&bench, &queue, &lease, keyed, done()).await;
    let dead = ends(&bench, &queue, &lease, job(), refused("400\nto")).await;
    let told = told(&queue).await;
    let waiting = format!("{:?}", queue.notices(10).await);
    assert!(!waiting.contains("example.com"), "{waiting}");
    let [first, second] = &told[..] else {
        panic!("{told:?}");
    };
    let now = bench.queue.now_ms().await.expect("has a clock");
    assert!(now - first.at_ms < 10_000 && first.sequence < second.sequence);
    assert_eq!(
        *first,
        Notice {
            notice_type: NoticeType::Completed,
            job: completed.to_string(),
            sequence: first.sequence,
            at_ms: first.at_ms,
            queue: "email".to_owned(),
            kind: Some("send_email".to_owned()),
            key: Some("order-7".to_owned()),
            tags: vec!["spring".to_owned(), "trial".to_owned()],
            tenant: Some("acme".to_owned()),
            reason: None,
            code: None,
        }
    );
    assert_eq!(
        (&*second.job, &second.notice_type),
        (&*dead.to_string(), &NoticeType::Dead)
    );
    assert_eq!(second.reason.as_deref(), Some("refused"));
    assert_eq!(second.code.as_deref(), Some("400 to"));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.notices, 2);
    assert!(stats.notices_ms.is_some_and(|age| age < 10_000));
    let (peek, beat) = (
        bench.queue.peek(false).await,
        queue.beat(&lease, support::STALE, 1, 0).await,
    );
    assert!(peek.expect("looks").notices && beat.expect("beats").notices);
    let peek = bench.queue.peek(true).await.expect("looks");
    assert!(peek.notices && !peek.replays && !peek.work);
}

#[tokio::test]
async fn what_is_not_wanted_is_not_noticed() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(wanted(&["dead"], Some(&["send_sms"])))).await;
    ends(&bench, &queue, &lease, job(), done()).await;
    ends(&bench, &queue, &lease, job(), refused("400")).await;
    assert_eq!(types(&queue).await, [""; 0]);
    let (queue, lease) = worker(&bench, Some(wanted(&["dead"], Some(&["send_email"])))).await;
    ends(&bench, &queue, &lease, job(), done()).await;
    let id = ends(&bench, &queue, &lease, job(), refused("400")).await;
    assert_eq!(types(&queue).await, ["job.dead"]);
    // It goes on, and ends once more: later is larger.
    let first = told(&queue).await.remove(0);
    bench
        .queue
        .replay(&[raw(id)], &kari())
        .await
        .expect("replays");
    next_ends(&bench, &queue, &lease, refused("400")).await;
    let told = told(&queue).await;
    assert_eq!(told.len(), 2);
    assert!(told[1].job == first.job && told[1].sequence > first.sequence);
}

#[tokio::test]
async fn what_was_handed_on_is_removed_and_has_the_same_id_each_time() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    for _ in 0..3 {
        ends(&bench, &queue, &lease, job(), done()).await;
    }
    let first = queue.notices(2).await.expect("reads");
    assert_eq!(queue.notices(2).await.expect("reads"), first);
    let ids: Vec<_> = first
        .iter()
        .map(longshore_queue::WaitingNotice::delivery_id)
        .collect();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        ids[0].timestamp_ms(),
        first[0].notice.as_ref().expect("one").at_ms
    );
    // By one that was slow, once more.
    for _ in 0..2 {
        queue.remove_notices(&first).await.expect("removes");
        assert_eq!(told(&queue).await.len(), 1);
    }
    // Of a job that is gone by now, what the notice itself has is told.
    let data = &bench.queue.keys().data;
    let _: u8 = bench.text(&format!("DEL {data}")).await;
    let told = told(&queue).await.remove(0);
    assert_eq!(
        (told.kind.as_deref(), told.key, told.tenant),
        (Some("send_email"), None, None)
    );
    // What another program wrote is no notice, and can be removed.
    clear(&bench).await;
    let _: u8 = bench
        .text(&format!("ZADD {} 1 garbage", bench.queue.keys().notices))
        .await;
    let waiting = queue.notices(10).await.expect("reads");
    assert_eq!(waiting[0].notice, None);
    queue.remove_notices(&waiting).await.expect("removes");
    let _: String = bench
        .text(&format!("SET {} spoiled", bench.queue.keys().notices))
        .await;
    ends(&bench, &queue, &lease, job(), done()).await;
    assert_eq!(types(&queue).await, ["job.completed"]);
}

#[tokio::test]
async fn sequences_grow_when_the_clock_does_not() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    // As if it had been set back by an hour since the last.
    let ahead = (bench.queue.now_ms().await.expect("has a clock") + 3_600_000) * 1000;
    let timeline = &bench.queue.keys().timeline;
    let _: u8 = bench
        .text(&format!("HSET {timeline} noticed {ahead}"))
        .await;
    let first = bench.enqueue(3).await;
    let claimed = bench.claim(&lease, 3).await;
    let verdicts: Vec<_> = claimed.iter().map(|one| verdict(one, done())).collect();
    queue.settle(&verdicts, RETENTION).await.expect("settles");
    let told = told(&queue).await;
    let sequences: Vec<_> = told.iter().map(|told| told.sequence).collect();
    assert_eq!(sequences, [ahead + 1, ahead + 2, ahead + 3]);
    assert_eq!(first.len(), 3);
    assert!(ahead < 1 << 53);
}

#[tokio::test]
async fn what_does_not_fit_is_counted_and_keeps_no_outcome_from_being_written() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    let fill = "for n = 1, 99999 do redis.call('ZADD', KEYS[1], n, n) end";
    let notices = bench.queue.keys().notices.clone();
    let _: Option<u8> = bench
        .raw(&[b"EVAL", fill.as_bytes(), b"1", notices.as_bytes()])
        .await;
    bench.enqueue(3).await;
    let claimed = bench.claim(&lease, 3).await;
    let verdicts: Vec<_> = claimed.iter().map(|one| verdict(one, done())).collect();
    let settled = queue.settle(&verdicts, RETENTION).await.expect("settles");
    assert_eq!(settled.written, [true; 3]);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (stats.notices, stats.counter("notices_dropped")),
        (100_000, 2)
    );
}

#[tokio::test]
async fn a_fleet_that_wants_none_any_more_drops_old_ones_and_counts_them() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    ends(&bench, &queue, &lease, job(), done()).await;
    let old = bench.queue.now_ms().await.expect("has a clock") - 25 * 3_600_000;
    let notices = &bench.queue.keys().notices;
    let _: u8 = bench
        .text(&format!("ZADD {notices} {} x", old * 1000))
        .await;
    announce(&queue, &lease).await;
    assert_eq!(bench.queue.stats().await.expect("counts").notices, 2);
    announce(&queue.with_notices(None), &lease).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.notices, stats.counter("notices_dropped")), (1, 1));
    // Nothing is noticed from then on.
    let id = bench.enqueue(1).await[0];
    bench
        .queue
        .cancel(&[raw(id)], false, &kari())
        .await
        .expect("cancels");
    assert_eq!(bench.queue.stats().await.expect("counts").notices, 1);
}
