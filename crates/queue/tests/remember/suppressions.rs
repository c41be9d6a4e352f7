//! Addresses that get nothing any more.

use std::time::Duration;

use longshore_job::{AddressHash, JobId, Suppress, SuppressedFor, Suppression};
use longshore_queue::{DeliveryUpdate, RawId, UpdateResult};

use super::support::Bench;
use super::update;

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
