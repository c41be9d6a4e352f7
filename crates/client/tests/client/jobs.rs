//! What producers ask about their jobs, and do to them.

use std::time::{Duration, SystemTime};

use longshore_client::kinds::{SendEmail, SendSms};
use longshore_client::{Client, JobId, JobState, Rescheduled, RunAt};
use longshore_job::{Answer, Cause, Class};
use longshore_queue::{DeliveryUpdate, Fate, HistoryEntry};

use crate::{Bench, welcome};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_status_says_how_far_a_job_is_and_what_its_provider_said() {
    let bench = Bench::new();
    let status = async |id| {
        let status = bench.client.status(id).await.expect("asks");
        status.expect("is known")
    };
    let before = SystemTime::now();
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let waits = status(id).await;
    assert_eq!(waits.kind.as_deref(), Some("send_email"));
    assert_eq!((waits.attempt, waits.outcome.as_deref()), (0, None));
    let enqueued = waits.enqueued_at.expect("is known");
    let since = enqueued.duration_since(before - Duration::from_secs(1));
    assert!(since.expect("later") < Duration::from_secs(60));
    assert_eq!((waits.ended_at, waits.next_run_at), (None, None));

    let declined = HistoryEntry {
        attempt: 1,
        outcome: "refused".to_owned(),
        answer: Answer {
            code: Some("insufficient_funds".to_owned()),
            ..Answer::of("stripe")
        },
        reason: Some("the card was declined".to_owned()),
        ..HistoryEntry::default()
    };
    let cause = Cause {
        class: Class::Refused,
        provider: Some("stripe".into()),
        code: Some("insufficient_funds".to_owned()),
    };
    bench.end_one(Fate::Dead { cause }, Some(declined)).await;
    let dead = status(id).await;
    assert_eq!((dead.state, dead.attempt), (JobState::Dead, 1));
    assert_eq!(dead.outcome.as_deref(), Some("refused"));
    assert_eq!(dead.provider.as_deref(), Some("stripe"));
    assert_eq!(dead.code.as_deref(), Some("insufficient_funds"));
    assert_eq!(dead.reason.as_deref(), Some("the card was declined"));
    assert!(dead.ended_at >= Some(enqueued));
    assert!(!format!("{dead:?}").contains("ada@"), "no args: {dead:?}");
}

#[tokio::test]
async fn a_status_says_what_became_of_the_message() {
    let bench = Bench::new();
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let noted = bench.queue.note_message("m-7", id).await.expect("notes");
    assert!(noted);
    bench.work().await;
    let update = DeliveryUpdate {
        message: "m-7".to_owned(),
        job: None,
        state: "bounce".to_owned(),
        rank: 9,
        code: Some("550".to_owned()),
        suppress: None,
    };
    bench.queue.update_delivery(&update).await.expect("notes");
    let status = bench.client.status(id).await.expect("asks");
    let status = status.expect("is known");
    assert_eq!(status.kind.as_deref(), Some("send_email"));
    let delivery = status.delivery.expect("is known");
    assert_eq!(
        (&*delivery.message, delivery.state.as_deref()),
        ("m-7", Some("bounce"))
    );
    assert_eq!(delivery.code.as_deref(), Some("550"));
    assert!(delivery.at >= status.enqueued_at);
}

#[tokio::test]
async fn a_job_is_found_by_its_key_and_kind() {
    let bench = Bench::new();
    let id = bench.client.enqueue(welcome()).key("order 1").await;
    let id = id.expect("enqueues");
    // By a producer that has enqueued nothing.
    let other = Client::new(&bench.redis.url()).expect("a good URL");
    let of_kind = async |key| other.find::<SendEmail>(key).await.expect("looks");
    let by_name = async |kind| other.find_by_name(kind, "order 1").await.expect("looks");
    assert_eq!(of_kind("order 1").await, Some(id));
    assert_eq!(of_kind("order 2").await, None);
    assert_eq!(by_name("send_email").await, Some(id));
    assert_eq!(by_name("send_sms").await, None);
    let texts = other.find::<SendSms>("order 1").await.expect("looks");
    assert_eq!(texts, None, "a key is a name within its kind");
    let cancelled = other.cancel(id, "typo").await;
    cancelled.expect("cancels");
    assert_eq!(of_kind("order 1").await, None, "the key is free");
}

#[tokio::test]
async fn a_job_that_waits_gets_another_time_and_who_gave_it_is_kept() {
    let bench = Bench::new();
    let client = bench.client.clone().named("shop").expect("a good name");
    let id = client.enqueue(welcome()).await.expect("enqueues");
    let due = async || {
        let status = client.status(id).await.expect("asks").expect("is known");
        (status.state, status.next_run_at)
    };
    let to = async |when: RunAt| client.reschedule(id, when, "later").await.expect("asks");
    assert_eq!(to(HOUR.into()).await, Rescheduled::Yes);
    let (state, at) = due().await;
    assert_eq!(state, JobState::Scheduled);
    let wait = at.expect("a time").duration_since(SystemTime::now());
    assert!(wait.expect("later") > HOUR / 2);
    let tomorrow = SystemTime::now() + 24 * HOUR;
    assert_eq!(to(tomorrow.into()).await, Rescheduled::Yes);
    assert!(due().await.1 > at);
    assert_eq!(to(SystemTime::UNIX_EPOCH.into()).await, Rescheduled::Yes);
    assert_eq!(due().await, (JobState::Pending, None), "the past means now");
    let acts = bench.queue.audit(None, 10).await.expect("reads");
    let by: Vec<_> = acts.iter().map(|act| (&*act.by, &*act.reason)).collect();
    assert_eq!(by, [("client shop", "later"); 3]);

    bench.work().await;
    let late = to(HOUR.into()).await;
    assert_eq!(late, Rescheduled::Elsewhere(JobState::Completed));
    let unknown = client.reschedule(JobId::generate(), HOUR, "").await;
    assert_eq!(unknown.expect("asks"), Rescheduled::Unknown);
    let slip = client.reschedule(id, 101 * 365 * 24 * HOUR, "").await;
    assert_eq!(slip.expect_err("refused").code(), "invalid_option");
}

/// A producer that is let into its own queue alone, where the queues of others are known.
#[tokio::test]
async fn a_queue_that_cannot_be_read_hides_no_job_of_another() {
    let bench = Bench::new();
    // Queues are looked through in the order of their names.
    let text = SendSms::new("+4790000000", "ahoy");
    let text = bench.client.enqueue(text).await.expect("enqueues");
    let id = bench.client.enqueue(welcome()).await.expect("enqueues");
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("shop").arg(&["on", ">pw", "+@all"]);
    user.arg(&["~{longshore:sms}*", "~{longshore:}*", "&*"]);
    let made = bench.queue.link().command::<String>(&user).await;
    made.expect("makes a user");
    let url = bench.redis.url().replace("redis://", "redis://shop:pw@");
    let shop = Client::new(&url).expect("a good URL");
    let status = shop.status(text).await.expect("asks");
    assert_eq!(status.expect("is known").queue, "sms");
    // It may be where nobody could look.
    let error = shop.status(id).await.expect_err("cannot be read");
    assert_eq!(error.code(), "redis_refused");
    let error = shop.find_by_name("send_email", "k").await;
    assert_eq!(error.expect_err("cannot be read").code(), "redis_refused");
}
