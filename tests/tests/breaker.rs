//! A provider that is down is left alone by the whole fleet, at the cost of no attempt, and everything goes on when it
//! is back.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_client::kinds::CreateCustomer;
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually, gone_by, outcomes, payment, within};

/// How long the breaker stays open; the default of 30 s would make a long test.
const OPEN: Duration = Duration::from_secs(2);
const CONCURRENCY: u64 = 5;
const WORKERS: u64 = 3;

fn answers(status: u16) -> FaultRule {
    FaultRule::always(Fault::Answer {
        status,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sendgrid_down_gets_one_call_per_open_period_and_no_attempt_is_used() {
    one_call_per_open_period(Act::Email, answers(503)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_maps_down_gets_one_call_per_open_period_and_no_attempt_is_used() {
    one_call_per_open_period(Act::Geocode, answers(503)).await;
}

/// Whatever a service that configuration alone describes has of limits and breakers is what all providers have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_service_down_gets_one_call_per_open_period_and_no_attempt_is_used() {
    one_call_per_open_period(Act::Service, answers(503)).await;
}

/// A 503 of Twilio's leaves open whether it took the message on, and jobs that got one wait before they are sent again.
/// So here something stands in between that sends everybody elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_out_of_reach_gets_one_call_per_open_period_and_no_attempt_is_used() {
    one_call_per_open_period(Act::Sms, answers(302)).await;
}

/// Every POST carries its key, so what a 503 leaves open is settled by making it again. Customers, since a payment's user
/// does not wait for a breaker: it is made again within its one attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_down_gets_one_call_per_open_period_and_no_attempt_is_used() {
    one_call_per_open_period(Act::Payments, answers(503)).await;
}

/// A checkout makes its call again within its attempt, but not to a Stripe that is left alone: each call counts for the
/// breaker when it ends. What may have been carried out waits within its attempt, and is made again under its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkouts_in_flight_leave_a_dead_stripe_alone() {
    const IN_FLIGHT: u64 = 15;
    const OPENS_AFTER: u64 = 5;
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    stage.faults([FaultRule::always(Fault::HangUp { effect: false })]);
    // All of one claim.
    let jobs = (0..IN_FLIGHT as usize).map(payment);
    let ids = stage.client.enqueue_all(jobs).await.expect("accepted");
    let _worker = stage.worker().start().await;
    stage.requests(IN_FLIGHT).await;
    let first = Instant::now();
    eventually("the breaker is open", || async {
        let breakers = stage.stats().await.breakers;
        breakers.iter().any(|b| b.state == BreakerState::Open)
    })
    .await;
    // The calls would have been made again after 1 s, and once more 2 s later.
    gone_by(Duration::from_millis(3500), first).await;
    let requests = stage.ledger().requests();
    assert!(
        requests <= IN_FLIGHT + OPENS_AFTER,
        "{requests} calls by {IN_FLIGHT} checkouts"
    );
    assert_eq!(stage.stats().await.dead, 0);

    stage.faults([]);
    let lifted = stage
        .longshore(&["resume", Act::Payments.queue(), "--holds"])
        .await;
    assert_eq!(lifted.code, Some(0), "{lifted:?}");
    for id in ids {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
    }
    assert_eq!(stage.ledger().summary().duplicates, 0);
    let intents = stage.stripe.payment_intents();
    assert_eq!(intents.len() as u64, IN_FLIGHT);
}

async fn one_call_per_open_period(act: Act, fault: FaultRule) {
    let stage = Stage::set_for(act).await;
    stage.faults([fault]);
    let ids = match act {
        Act::Payments => {
            let jobs = (0..200).map(|n| CreateCustomer::new(format!("user-{n}")));
            stage.client.enqueue_all(jobs).await.expect("accepted")
        }
        _ => stage.enqueue(200).await,
    };
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let worker = stage
            .worker()
            .provider("BREAKER__FAILURES", "5")
            .provider("BREAKER__OPEN_SECONDS", "2")
            .concurrency(5);
        workers.push(worker.start().await);
    }
    let state = async || {
        let rows = stage.longshore(&["queues", "--json"]).await.json();
        let rows = rows.as_array().expect("a list");
        let row = rows.iter().find(|row| row["queue"] == act.queue());
        row.expect("every queue has a row")["breakers"][0]["state"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    eventually("an operator sees it open", || async {
        state().await == "open"
    })
    .await;
    let table = stage.longshore(&["queues"]).await;
    let line = format!("the breaker of {} is open", act.provider());
    assert!(table.stdout.contains(&line), "{}", table.stdout);

    // Some open periods long.
    let periods = 5;
    let requests = || stage.ledger().requests();
    let at_first = requests();
    assert!(
        at_first < 5 + WORKERS * CONCURRENCY,
        "{at_first} calls before it opened"
    );
    within(OPEN * 20, "five probes have gone out", || async {
        requests() >= at_first + periods
    })
    .await;
    let stats = stage.stats().await;
    assert!(
        stats.retryable <= at_first,
        "only calls from before it opened cost an attempt"
    );
    assert_eq!(stats.dead, 0);
    // Scheduled are those that wait until what they may have sent has settled.
    let untouched = stats.pending + stats.running + stats.scheduled;
    assert_eq!(untouched + stats.retryable, ids.len() as u64);

    stage.faults([]);
    stage.are_in_time(&ids, JobState::Completed).await;
    assert_eq!(state().await, "closed");
    assert_eq!(stage.ledger().summary().duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_holds_the_whole_queue_until_then() {
    let stage = Stage::set().await;
    let _worker = stage
        .worker()
        .set("QUEUES__EMAIL__CONCURRENCY", "1")
        .start()
        .await;
    stage.faults([FaultRule::first(
        1,
        Fault::Throttle {
            retry_after_seconds: Some(3600),
            reset_in_seconds: None,
        },
    )]);
    let ids = stage.enqueue(20).await;
    eventually("the queue is held", || async {
        stage.stats().await.held_until_ms.is_some()
    })
    .await;
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.scheduled), (19, 1));
    assert_eq!(stage.ledger().requests(), 1, "nobody else has called");
    assert_eq!(ids.len(), 20);
}
