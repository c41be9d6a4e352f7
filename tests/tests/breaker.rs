//! A provider that is down is left alone by the whole fleet, at the cost of no attempt, and everything goes on when it
//! is back.

use std::time::Duration;

use longshore_client::JobState;
use longshore_sandbox::{Fault, Rule};
use longshore_tests::{Stage, eventually, within};

/// How long the breaker stays open; the default of 30 s would make a long test.
const OPEN: Duration = Duration::from_secs(2);
const CONCURRENCY: u64 = 5;
const WORKERS: u64 = 3;

fn down() -> Rule {
    Rule::always(Fault::Answer {
        status: 503,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_gets_one_call_per_open_period_and_no_attempt_is_used() {
    let stage = Stage::set().await;
    stage.faults([down()]);
    let ids = stage.enqueue(200).await;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let worker = stage
            .worker()
            .set("PROVIDERS__SENDGRID__BREAKER__FAILURES", "5")
            .set("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "2")
            .set("QUEUES__EMAIL__CONCURRENCY", "5")
            // What fails before it opens is not made again while this looks on.
            .set("RETRY__SCHEDULE_SECONDS", "[3600]");
        workers.push(worker.start().await);
    }
    let state = async || {
        let rows = stage.longshore(&["queues", "--json"]).await.json();
        rows[0]["breakers"][0]["state"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    eventually("an operator sees it open", || async {
        state().await == "open"
    })
    .await;
    let table = stage.longshore(&["queues"]).await;
    assert!(
        table.stdout.contains("the breaker of sendgrid is open"),
        "{}",
        table.stdout
    );

    // Some open periods long.
    let periods = 5;
    let requests = || stage.sendgrid.ledger().requests();
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
    let untouched = stats.pending + stats.running;
    assert_eq!(untouched + stats.retryable, ids.len() as u64);

    stage.faults([]);
    stage.back_date().await;
    for id in ids {
        stage.is(id, JobState::Completed).await;
    }
    assert_eq!(state().await, "closed");
    assert_eq!(stage.sendgrid.ledger().summary().duplicates, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_holds_the_whole_queue_until_then() {
    let stage = Stage::set().await;
    let _worker = stage
        .worker()
        .set("QUEUES__EMAIL__CONCURRENCY", "1")
        .start()
        .await;
    stage.faults([Rule::first(
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
    assert_eq!(
        stage.sendgrid.ledger().requests(),
        1,
        "nobody else has called"
    );
    assert_eq!(ids.len(), 20);
}
