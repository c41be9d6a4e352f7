//! `kinds.<kind>.*` as the fleet applies it: before what is set for the queue, and to no other kind of the queue.

use std::time::Duration;

use longshore_client::JobState;
use longshore_client::kinds::{CancelSubscription, CreateCustomer};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, outcomes};

use super::answered;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_for_a_kind_holds_for_it_and_for_no_other() {
    let mut stage = Stage::set_for(Act::Payments).await.as_shipped();
    for (name, value) in [
        ("KINDS__CANCEL_SUBSCRIPTION__TIMEOUT_SECONDS", "0.5"),
        ("KINDS__CANCEL_SUBSCRIPTION__ON_UNKNOWN", "hold"),
        ("KINDS__CREATE_CUSTOMER__RETRY_SECONDS", "[5]"),
        ("KINDS__CREATE_CUSTOMER__EXPIRES_SECONDS", "600"),
    ] {
        stage.set_for_all(name, value);
    }
    let worker = stage.worker().start().await;
    let waits = async |id| {
        let job = stage.job(id).await;
        let failed = job.history.last().expect("an attempt").at_ms;
        Duration::from_millis(job.next_run_at_ms.expect("has a time") - failed).as_secs()
    };

    // Its time limit is its own, and what is unknown then is kept for an operator.
    stage.faults([FaultRule::first(1, Fault::NeverAnswer { effect: true })]);
    let cancel = CancelSubscription::new("sub_1");
    let held = stage.client.enqueue(cancel).await.expect("accepted");
    stage.is(held, JobState::Dead).await;
    let job = stage.job(held).await;
    assert_eq!(outcomes(&job), ["outcome_unknown"]);
    assert_eq!(stage.ledger().requests(), 1, "one call, cut off");

    // Another kind of the queue makes its call again, on its own schedule.
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: false })]);
    let customer = CreateCustomer::new("user-1");
    let again = stage.client.enqueue(customer).await.expect("accepted");
    stage.is(again, JobState::Retryable).await;
    assert_eq!(outcomes(&stage.job(again).await), ["outcome_unknown"]);
    assert!((4..=6).contains(&waits(again).await), "5 s, not 60");
    let id = again.to_string();
    let shown = stage.longshore(&["job", &id, "--json"]).await;
    assert_eq!(shown.json()["max_attempts"], 2);

    // That schedule is not the queue's.
    stage.faults([FaultRule::first(1, answered(409))]);
    let cancel = CancelSubscription::new("sub_2");
    let failed = stage.client.enqueue(cancel).await.expect("accepted");
    stage.is(failed, JobState::Retryable).await;
    assert!((59..=66).contains(&waits(failed).await), "60 s");

    // Workers know its expiry, whoever enqueued it; by itself it would expire after a day.
    drop(worker);
    let customer = CreateCustomer::new("user-2");
    let late = stage.client.enqueue(customer).await.expect("accepted");
    stage.back_date_job(late, Duration::from_secs(601)).await;
    let _worker = stage.worker().start().await;
    stage.is(late, JobState::Dead).await;
    assert_eq!(outcomes(&stage.job(late).await), ["expired"]);
}

/// The same where the kind has no expiry of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_expiry_holds_where_the_record_has_none() {
    let mut stage = Stage::set_for(Act::Sms).await.as_shipped();
    let ids = stage.enqueue(2).await;
    stage.set_for_all("KINDS__SEND_SMS__EXPIRES_SECONDS", "1400");
    stage.back_date_job(ids[0], Duration::from_secs(1401)).await;
    stage.back_date_job(ids[1], Duration::from_secs(1300)).await;
    let _worker = stage.worker().start().await;
    stage.is(ids[0], JobState::Dead).await;
    stage.is(ids[1], JobState::Completed).await;
    assert_eq!(outcomes(&stage.job(ids[0]).await), ["expired"]);
}
