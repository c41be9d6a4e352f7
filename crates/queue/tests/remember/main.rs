//! What is remembered across runs: deliveries, earlier requests, and what jobs keep for each other.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod kept;
mod suppressions;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{DeliveryUpdate, Fate, RawId, UpdateResult};
use support::{Bench, verdict};

fn update(message: &str, job: Option<JobId>, state: &str, rank: u8) -> DeliveryUpdate {
    DeliveryUpdate {
        message: message.to_owned(),
        job,
        state: state.to_owned(),
        rank,
        code: (state == "failed").then(|| "30003".to_owned()),
        suppress: None,
    }
}

impl Bench {
    /// State and code of the job's message.
    async fn delivery(&self, id: JobId) -> Option<(String, Option<String>, Option<String>)> {
        let job = self.queue.job(&RawId::from(id)).await.expect("looks");
        let delivery = job.expect("is there").delivery?;
        Some((delivery.message, delivery.state, delivery.code))
    }
}

#[tokio::test]
async fn updates_in_any_order_and_twice_leave_what_came_last() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    assert_eq!(bench.delivery(id).await, None);
    assert!(bench.queue.note_message("SM1", id).await.expect("notes"));
    assert_eq!(
        bench.delivery(id).await,
        Some(("SM1".into(), None, None)),
        "known, and no update yet"
    );
    for (state, rank, heard) in [
        ("sent", 4, UpdateResult::Noted),
        ("queued", 2, UpdateResult::Stale),
        ("sent", 4, UpdateResult::Stale),
        ("failed", 5, UpdateResult::Noted),
        ("delivered", 5, UpdateResult::Stale),
        ("sending", 3, UpdateResult::Stale),
    ] {
        let said = bench
            .queue
            .update_delivery(&update("SM1", None, state, rank))
            .await;
        assert_eq!(said.expect("updates"), heard, "{state}");
    }
    let failed = (
        "SM1".to_owned(),
        Some("failed".to_owned()),
        Some("30003".to_owned()),
    );
    assert_eq!(bench.delivery(id).await, Some(failed));
    // A code that no longer holds goes.
    let read = bench
        .queue
        .update_delivery(&update("SM1", None, "read", 6))
        .await;
    assert_eq!(read.expect("updates"), UpdateResult::Noted);
    assert_eq!(
        bench.delivery(id).await,
        Some(("SM1".into(), Some("read".into()), None))
    );
    let week = Duration::from_secs(7 * 24 * 3600).as_millis() as i64;
    for key in ["deliveries", "deliveries:ages"] {
        let ttl: i64 = bench.text(&format!("PTTL {{t:email}}:{key}")).await;
        assert!((week - 60_000..=week).contains(&ttl), "{key}: {ttl}");
    }
}

/// A message's id, as long as SendGrid's.
fn message(n: usize) -> String {
    format!("14c5d75ce93.dfd.64b469.filter0001.16648.{n:014}")
}

#[tokio::test]
async fn deliveries_stay_inside_a_budget_and_the_oldest_go_first() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let budget = 400_000;
    let queue = bench.queue.clone().with_delivery_bytes(budget);
    for n in 0..2000 {
        assert!(queue.note_message(&message(n), id).await.expect("notes"));
        if n % 2 == 0 {
            let job = Some(id);
            let told = queue
                .update_delivery(&update(&message(n), job, "delivered", 4))
                .await;
            assert_eq!(told.expect("updates"), UpdateResult::Noted);
        }
    }
    let counted: u64 = bench.raw(&[b"HGET", b"{t:email}:deliveries", b""]).await;
    assert!(counted <= budget, "{counted}");
    let mut taken = 0;
    for key in ["deliveries", "deliveries:ages"] {
        let usage: u64 = bench
            .text(&format!("MEMORY USAGE {{t:email}}:{key} SAMPLES 0"))
            .await;
        taken += usage;
    }
    let share = taken as f64 / counted as f64;
    assert!(
        (0.7..1.15).contains(&share),
        "{taken} taken, {counted} counted"
    );
    // The newest are there, the oldest are not.
    let there = async |n| -> bool {
        let key = message(n);
        let found: u8 = bench
            .raw(&[b"HEXISTS", b"{t:email}:deliveries", key.as_bytes()])
            .await;
        found == 1
    };
    assert!(there(1999).await && !there(0).await);
    // What is only looked at again stays as it is, and what is heard of late is young again.
    let kept: usize = bench.text("ZCARD {t:email}:deliveries:ages").await;
    assert!((1000..1900).contains(&kept), "{kept}");
    let oldest = 2000 - kept;
    assert!(there(oldest).await);
    let read = queue
        .update_delivery(&update(&message(oldest), None, "open", 9))
        .await;
    assert_eq!(read.expect("updates"), UpdateResult::Noted);
    // A budget that was lowered holds by itself.
    let smaller = bench.queue.clone().with_delivery_bytes(40_000);
    while smaller.forget_deliveries().await.expect("forgets") > 0 {}
    let left: usize = bench.text("ZCARD {t:email}:deliveries:ages").await;
    assert!((100..kept / 5).contains(&left), "{left}");
    assert!(there(1999).await && there(oldest).await);
    // Their time is over.
    let old = message(1999);
    bench
        .raw::<u8>(&[b"ZADD", b"{t:email}:deliveries:ages", b"1", old.as_bytes()])
        .await;
    assert_eq!(smaller.forget_deliveries().await.expect("forgets"), 1);
    assert!(!there(1999).await);
}

#[tokio::test]
async fn updates_find_their_job_by_name_when_the_answer_was_lost() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let before = bench.keys().await;
    for stranger in [None, Some(JobId::generate())] {
        let said = bench
            .queue
            .update_delivery(&update("SM1", stranger, "sent", 4))
            .await;
        assert_eq!(said.expect("updates"), UpdateResult::Unknown);
    }
    assert_eq!(bench.keys().await, before, "strangers leave nothing behind");

    let said = bench
        .queue
        .update_delivery(&update("SM1", Some(id), "sent", 4))
        .await;
    assert_eq!(said.expect("updates"), UpdateResult::Noted);
    let past = bench.queue.earlier_requests(id).await.expect("looks back");
    assert_eq!(past.message.as_deref(), Some("SM1"));
    assert!(bench.queue.note_message("SM1", id).await.expect("notes"));
}

#[tokio::test]
async fn a_message_has_one_owner() {
    let bench = Bench::new();
    let ids = bench.enqueue(2).await;
    assert!(
        bench
            .queue
            .note_message("SM1", ids[0])
            .await
            .expect("notes")
    );
    assert!(
        bench
            .queue
            .note_message("SM1", ids[0])
            .await
            .expect("notes"),
        "again"
    );
    assert!(!bench.queue.note_message("SM1", ids[1]).await.expect("asks"));
    assert_eq!(bench.delivery(ids[1]).await, None);
    // An update that names another job goes to the owner.
    let said = bench
        .queue
        .update_delivery(&update("SM1", Some(ids[1]), "sent", 4))
        .await;
    assert_eq!(said.expect("updates"), UpdateResult::Noted);
    assert_eq!(bench.delivery(ids[1]).await, None);
    assert_eq!(
        bench.delivery(ids[0]).await,
        Some(("SM1".into(), Some("sent".into()), None))
    );
    // A job that is gone leaves no record behind.
    let gone = JobId::generate();
    assert!(bench.queue.note_message("SM2", gone).await.expect("notes"));
    assert!(
        !bench
            .keys()
            .await
            .iter()
            .any(|key| key.contains(&gone.to_string()))
    );
}

#[tokio::test]
async fn a_run_that_redis_forgot_was_at_some_time_before_it_was_first_asked_for() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let first = bench.queue.earlier_requests(id).await.expect("looks back");
    let now = || async { bench.queue.now_ms().await.expect("has a clock") };
    while now().await <= first.now_ms {}
    let later = bench.queue.earlier_requests(id).await.expect("looks back");
    assert!(later.now_ms > first.now_ms);
    assert_eq!(
        later.before_ms, first.before_ms,
        "who waits for it comes to an end"
    );
    // A job that is gone leaves no record behind.
    let gone = JobId::generate();
    bench
        .queue
        .earlier_requests(gone)
        .await
        .expect("looks back");
    let keys = bench.keys().await;
    assert!(!keys.iter().any(|key| key.contains(&gone.to_string())));
}

#[tokio::test]
async fn a_job_knows_between_which_times_it_may_have_been_sent() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let enqueued = bench.queue.now_ms().await.expect("has a clock");
    let mut told = Vec::new();
    for outcome in ["failed", "outcome_unknown", "failed"] {
        let claimed = bench.claim(&worker, 1).await;
        let mut verdict = verdict(&claimed[0], Fate::Back);
        let entry = verdict.history.as_mut().expect("has an entry");
        entry.outcome = outcome.to_owned();
        assert_eq!(bench.settle(&[verdict]).await, [true]);
        let past = bench.queue.earlier_requests(id).await.expect("looks back");
        assert!(past.after_ms <= past.before_ms && past.before_ms <= past.now_ms);
        told.push(past);
    }
    let job = bench.queue.job(&RawId::from(id)).await.expect("looks");
    let history = job.expect("is there").history;
    assert!(
        told[0].after_ms <= enqueued,
        "anything since it was enqueued"
    );
    for past in &told[1..] {
        assert_eq!(
            (past.after_ms, past.before_ms),
            (history[0].at_ms, history[1].at_ms)
        );
    }
    assert_eq!(told[2].message, None);
}

#[tokio::test]
async fn a_job_that_was_sent_twice_keeps_the_message_that_was_noted() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    assert!(bench.queue.note_message("M2", id).await.expect("notes"));
    let said = bench
        .queue
        .update_delivery(&update("M1", Some(id), "sent", 4))
        .await;
    assert_eq!(said.expect("updates"), UpdateResult::Noted);
    assert_eq!(bench.delivery(id).await, Some(("M2".into(), None, None)));
}
