//! What is remembered across runs: deliveries, earlier requests, and what jobs keep for each other.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{AddressHash, JobId, Suppress, SuppressedFor, Suppression};
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
async fn a_spoiled_key_stops_no_message_and_no_suppression() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    for key in ["deliveries", "deliveries:ages"] {
        bench.text::<u8>(&format!("DEL {{t:email}}:{key}")).await;
        bench
            .text::<String>(&format!("SET {{t:email}}:{key} x"))
            .await;
        let shown = bench.queue.job(&RawId::from(id)).await;
        assert!(shown.is_ok(), "{key}: the job is shown");
        assert!(
            bench.queue.note_message("SM1", id).await.expect("notes"),
            "{key}"
        );
    }
    // A record that is none.
    bench
        .raw::<u8>(&[b"HSET", b"{t:email}:deliveries", b"SM2", b"garbage"])
        .await;
    let bounced = DeliveryUpdate {
        suppress: Some(bounce(Some("ev1"))),
        ..update("SM2", None, "bounce", 4)
    };
    let told = bench
        .queue
        .update_delivery(&bounced)
        .await
        .expect("updates");
    assert_eq!(told, UpdateResult::Noted);
    assert!(bench.suppressed().await.is_some());
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

fn ada() -> AddressHash {
    "a".repeat(64).parse().expect("a hash")
}

fn bounce(event: Option<&str>) -> Suppress {
    Suppress {
        address: ada(),
        reason: SuppressedFor::Bounce,
        event: event.map(str::to_owned),
        is_over: false,
    }
}

impl Bench {
    async fn suppressed(&self) -> Option<(String, Option<String>)> {
        let entry = self.queue.find("suppressed", ada().as_str()).await;
        let entry = Suppression::read(&entry.expect("asks")?).expect("an entry");
        let now = self.queue.now_ms().await.expect("has a clock");
        assert!(now - entry.at < 60_000, "{} {now}", entry.at);
        Some((entry.reason, entry.job))
    }
}

#[tokio::test]
async fn updates_suppress_an_address_in_the_same_step() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    assert!(bench.queue.note_message("M1", id).await.expect("notes"));
    let update = DeliveryUpdate {
        suppress: Some(bounce(Some("ev1"))),
        ..update("M1", None, "bounce", 4)
    };
    assert_eq!(
        bench.queue.update_delivery(&update).await.expect("updates"),
        UpdateResult::Noted
    );
    let by_bounce = Some(("bounce".to_owned(), Some(id.to_string())));
    assert_eq!(bench.suppressed().await, by_bounce);
    // What is there for one reason stays there for it.
    let report = Suppress {
        reason: SuppressedFor::SpamReport,
        event: Some("ev2".to_owned()),
        ..bounce(None)
    };
    let said = bench.queue.suppress(&report, None).await;
    assert_eq!(said.expect("updates"), UpdateResult::Unknown);
    assert_eq!(bench.suppressed().await, by_bounce);
    let week = Duration::from_secs(7 * 24 * 3600).as_millis() as i64;
    let ttl: i64 = bench.text("PTTL {t:email}:event:ev1").await;
    assert!((week - 60_000..=week).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn an_event_that_comes_again_does_not_undo_an_operators_word() {
    let bench = Bench::new();
    let remove = async || {
        let removed = bench.queue.unassign("suppressed", ada().as_str()).await;
        assert!(removed.expect("removes"));
    };
    let update_it = async |event: Option<&str>| {
        let update = DeliveryUpdate {
            suppress: Some(bounce(event)),
            ..update("M1", Some(JobId::generate()), "bounce", 4)
        };
        bench.queue.update_delivery(&update).await.expect("updates")
    };
    // Of a mail that is not ours, or that nobody remembers.
    assert_eq!(update_it(Some("ev1")).await, UpdateResult::Noted);
    assert_eq!(bench.suppressed().await, Some(("bounce".to_owned(), None)));
    remove().await;
    assert_eq!(update_it(Some("ev1")).await, UpdateResult::Unknown);
    assert_eq!(bench.suppressed().await, None);
    // Another bounce is another.
    assert_eq!(update_it(Some("ev2")).await, UpdateResult::Noted);
    remove().await;
    let again = bench.queue.unassign("suppressed", ada().as_str()).await;
    assert!(!again.expect("asks"), "it is gone");
    // One without an id cannot be told from another.
    assert_eq!(update_it(None).await, UpdateResult::Noted);
    assert_eq!(update_it(None).await, UpdateResult::Unknown);
}

#[tokio::test]
async fn a_bounce_without_a_message_is_of_the_job_that_its_mail_named() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    assert_eq!(bench.queue.message_of(id).await.expect("asks"), None);
    let said = bench.queue.suppress(&bounce(Some("ev1")), Some(id)).await;
    assert_eq!(said.expect("updates"), UpdateResult::Noted);
    assert_eq!(
        bench.suppressed().await,
        Some(("bounce".to_owned(), Some(id.to_string())))
    );
    assert_eq!(bench.delivery(id).await, None, "no message is made up");
    assert!(bench.queue.note_message("M1", id).await.expect("notes"));
    let message = bench.queue.message_of(id).await.expect("asks");
    assert_eq!(message.as_deref(), Some("M1"));
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

#[tokio::test]
async fn what_is_over_takes_an_address_off_if_it_is_there_for_that() {
    let bench = Bench::new();
    let unsubscribed = Suppress {
        reason: SuppressedFor::Unsubscribe,
        ..bounce(Some("ev1"))
    };
    let over = |event: &str| Suppress {
        event: Some(event.to_owned()),
        ..unsubscribed.clone().over()
    };
    for (suppress, result, reason) in [
        (over("ev0"), UpdateResult::Unknown, None),
        (
            unsubscribed.clone(),
            UpdateResult::Noted,
            Some("unsubscribe"),
        ),
        (over("ev2"), UpdateResult::Noted, None),
        // An event that comes again.
        (unsubscribed.clone(), UpdateResult::Unknown, None),
        (bounce(Some("ev3")), UpdateResult::Noted, Some("bounce")),
        (over("ev4"), UpdateResult::Unknown, Some("bounce")),
    ] {
        let said = bench.queue.suppress(&suppress, None).await;
        assert_eq!(said.expect("updates"), result, "{suppress:?}");
        let found = bench.suppressed().await.map(|(reason, _)| reason);
        assert_eq!(found.as_deref(), reason, "{suppress:?}");
    }
}
