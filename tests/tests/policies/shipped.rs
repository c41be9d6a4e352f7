//! One flow for each queue with all settings as they are shipped: limits, breakers, schedules, time limits and expiries
//! together. Only the clock is moved.

use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_email::sandbox::PostmarkSandbox;
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually, outcomes};

use super::answered;

/// Three failures, each waited for as the schedule says, and the last attempt goes well.
async fn on_schedule(act: Act, fault: Fault) -> (Stage, JobId) {
    let stage = Stage::set_for(act).await.as_shipped();
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(3, fault)]);
    let id = stage.enqueue(1).await[0];
    for (n, wait) in [60, 300, 900].into_iter().enumerate() {
        eventually("the attempt has failed", || async {
            let job = stage.job(id).await;
            job.state == JobState::Retryable && job.history.len() == n + 1
        })
        .await;
        let job = stage.job(id).await;
        let failed = job.history.last().expect("an attempt").at_ms;
        let due = job.next_run_at_ms.expect("has a time");
        let waits = Duration::from_millis(due - failed).as_secs();
        // And up to a tenth more, so that not all come at once.
        assert!((wait - 1..=wait + wait / 10).contains(&waits), "{waits} s");
        stage.comes_due(id).await;
    }
    stage.is(id, JobState::Completed).await;
    assert_eq!(stage.ledger().summary().duplicates, 0);
    (stage, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_at_its_last_attempt() {
    let (stage, id) = on_schedule(Act::Email, answered(503)).await;
    let expected = ["failed", "failed", "failed", "completed"];
    assert_eq!(outcomes(&stage.job(id).await), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_found_at_the_last_attempt() {
    let (stage, id) = on_schedule(Act::Geocode, answered(503)).await;
    let expected = ["failed", "failed", "failed", "completed"];
    assert_eq!(outcomes(&stage.job(id).await), expected);
}

/// Something in between sends everybody elsewhere: nothing is at Twilio yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_is_sent_at_its_last_attempt() {
    let (stage, id) = on_schedule(Act::Sms, answered(301)).await;
    let expected = ["failed", "failed", "failed", "completed"];
    assert_eq!(outcomes(&stage.job(id).await), expected);
}

/// A bucket that is away opens the breaker from within the sweep, which waits for it at no attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_goes_on_when_the_bucket_is_back() {
    let stage = Stage::set_for(Act::Storage).await.as_shipped();
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::always(answered(503))]);
    let id = stage.enqueue(1).await[0];
    eventually("the breaker is open, and the sweep waits", || async {
        let breakers = stage.stats().await.breakers;
        let is_open = breakers.iter().any(|b| b.state == BreakerState::Open);
        is_open && stage.job(id).await.state == JobState::Scheduled
    })
    .await;
    assert_eq!(stage.job(id).await.run.used, 0, "at no attempt");
    stage.faults([]);
    stage.breakers_come_due().await;
    stage.is_in_time(id, JobState::Completed).await;
    assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
}

/// While SendGrid's breaker is open Postmark takes the mails; when its half minute is over, one mail finds out that it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_by_the_fallback_and_come_back() {
    let mut stage = Stage::set().await.as_shipped();
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    let postmark = PostmarkSandbox::start_with(anywhere, stage.ledger().clone()).await;
    let postmark = postmark.expect("a provider");
    for (name, value) in [
        ("EMAIL__FALLBACK", "postmark"),
        ("PROVIDERS__POSTMARK__BASE_URL", &postmark.origin()),
        ("PROVIDERS__POSTMARK__SERVER_TOKEN", "12345"),
        (
            "EMAIL__TEMPLATES__WELCOME",
            r#"{ sendgrid = "d-welcome", postmark = "welcome" }"#,
        ),
    ] {
        stage.set_for_all(name, value);
    }
    let _worker = stage.worker().start().await;
    let by = |provider: &str| {
        let mails = stage.ledger().accepted();
        mails
            .iter()
            .filter(|mail| mail.provider == provider)
            .count()
    };
    stage.faults([FaultRule::always(answered(503))]);
    let ids = stage.enqueue(30).await;
    stage.are_in_time(&ids, JobState::Completed).await;
    assert_eq!((by("sendgrid"), by("postmark")), (0, 30));

    stage.faults([]);
    stage.breakers_come_due().await;
    eventually("mails go by SendGrid again", || async {
        stage.enqueue(1).await;
        by("sendgrid") > 1
    })
    .await;
    stage.done_once(&ids).await;
}
