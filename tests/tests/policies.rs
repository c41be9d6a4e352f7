//! Policies of kinds as they are shipped and configured: schedules, time limits and expiries are not shortened here, but for
//! what is configured by kind. The clock is moved.

mod configured;
mod shipped;

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::kinds::{CancelSubscription, ConfirmPaymentIntent};
use longshore_client::{JobId, JobState};
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, outcomes, payment};
use serde_json::json;

fn answered(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    }
}

/// A checkout whose call fails once or twice is done within its one attempt: the schedule begins when its user has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_makes_its_call_again_within_its_attempt() {
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    let _worker = stage.worker().start().await;
    let faults = [
        FaultRule::first(2, Fault::HangUp { effect: true }),
        FaultRule::first(1, Fault::HangUpUnread),
        FaultRule::first(1, answered(409)),
        FaultRule::first(1, answered(503)),
        // Saved under the key, so that only the next generation of it gets another answer.
        FaultRule::first(1, answered(500)),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let what = format!("{fault:?}");
        stage.faults([fault]);
        let id = stage.client.enqueue(payment(n)).await.expect("accepted");
        stage.is(id, JobState::Completed).await;
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["completed"], "{what}");
        assert_eq!(stage.stripe.payment_intents().len(), n + 1, "{what}");
    }
    let intent = &stage.stripe.payment_intents()[0];
    let intent = intent["id"].as_str().expect("an id");
    stage.faults([FaultRule::first(1, Fault::HangUp { effect: true })]);
    let confirm = ConfirmPaymentIntent::new(intent)
        .payment_method("pm_card_visa")
        .return_url("https://shop.example.com/paid");
    let id = stage.client.enqueue(confirm).await.expect("accepted");
    stage.is(id, JobState::Completed).await;
    assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
    assert_eq!(stage.ledger().summary().duplicates, 0);
}

/// What is still unknown at the end of the attempt is dead as unknown, and never called expired or failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_that_stays_unknown_is_dead_as_unknown() {
    let stage = Stage::set_for(Act::Payments).await;
    // One more than the calls that it will make.
    let start = stage.worker().provider("BREAKER__FAILURES", "6");
    let _worker = start.start().await;
    stage.faults([FaultRule::always(Fault::HangUp { effect: false })]);
    let unknown = stage.client.enqueue(payment(1)).await.expect("accepted");
    stage.is(unknown, JobState::Dead).await;
    let job = stage.job(unknown).await;
    assert_eq!(outcomes(&job), ["outcome_unknown"], "one attempt");
    assert!(job.run.may_have_been_sent);
    let reason = job.history[0].entry.reason.as_deref().expect("says why");
    assert!(
        reason.contains("stripe was asked what became of it"),
        "{reason}"
    );
    // Four times the call, and once the question.
    assert_eq!(stage.ledger().requests(), 5);
    let breakers = stage.stats().await.breakers;
    let is_closed = breakers.iter().all(|b| b.state == BreakerState::Closed);
    assert!(is_closed, "each call counts once: {breakers:?}");
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    let reason = groups[0]["reason"].as_str().expect("says why");
    assert!(reason.starts_with("outcome unknown"), "{reason}");

    // What was surely not carried out is dead at once, as what it was.
    stage.faults([FaultRule::always(answered(409))]);
    let failed = stage.client.enqueue(payment(2)).await.expect("accepted");
    stage.is(failed, JobState::Dead).await;
    assert_eq!(outcomes(&stage.job(failed).await), ["failed"]);
    assert_eq!(stage.stripe.payment_intents().len(), 0);
}

/// A cancellation that expired would leave a user being billed. Its way back is a replay with fresh time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_job_has_a_way_back() {
    let stage = Stage::set_for(Act::Payments).await;
    let day = Duration::from_secs(24 * 3600);
    let mut ids = Vec::new();
    for order in 1..=3 {
        let id = stage.client.enqueue(payment(order)).await;
        ids.push(id.expect("accepted"));
        stage.back_date_job(ids[order - 1], day).await;
    }
    let worker = stage.worker().start().await;
    for id in &ids {
        stage.is(*id, JobState::Dead).await;
    }
    let rehearse = async |more: &[&str]| {
        let args = [&["dead", "replay", "--queue", "payment-reconcile"], more].concat();
        stage
            .longshore(&[&args[..], &["--dry-run", "--json"]].concat())
            .await
            .json()
    };
    let as_it_is = rehearse(&[]).await;
    assert_eq!(
        (&as_it_is["expired"], &as_it_is["would_run"]),
        (&json!(3), &json!(0))
    );
    let fresh = rehearse(&["--fresh-expiry"]).await;
    assert_eq!(
        (&fresh["expired"], &fresh["would_run"]),
        (&json!(0), &json!(3))
    );

    // Without it they die again; with it each has its minute again, by name or in a drip.
    let first = ids[0].to_string();
    stage.longshore(&["dead", "replay", &first]).await;
    longshore_tests::eventually("it expired again", || async {
        expired_twice(&stage.job(ids[0]).await)
    })
    .await;
    let said = stage
        .longshore(&["dead", "replay", &first, "--fresh-expiry"])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let all = [
        "dead",
        "replay",
        "--queue",
        "payment-reconcile",
        "--fresh-expiry",
    ];
    let said = stage
        .longshore(&[&all[..], &["--rate", "100", "--yes"]].concat())
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    for id in &ids {
        stage.is(*id, JobState::Completed).await;
    }
    drop(worker);
    // It is its minute, and not for ever.
    let id = stage.client.enqueue(payment(4)).await.expect("accepted");
    stage.back_date_job(id, day).await;
    let worker = stage.worker().start().await;
    stage.is(id, JobState::Dead).await;
    drop(worker);
    stage
        .longshore(&["dead", "replay", &id.to_string(), "--fresh-expiry"])
        .await;
    stage.back_date_job(id, Duration::from_secs(61)).await;
    let _worker = stage.worker().start().await;
    longshore_tests::eventually("it expired again", || async {
        expired_twice(&stage.job(id).await)
    })
    .await;
}

/// Whoever pushed it: the fleet applies the kind's expiry where the record has none, from when the job was first due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kinds_expiry_holds_whoever_pushed_the_job() {
    let stage = Stage::set_for(Act::Payments).await;
    let args =
        json!({"order_id": "order-1", "user_id": "user-1", "amount": 1000, "currency": "nok"});
    let payload = json!({"kind": "create_payment_intent", "v": 1, "args": args}).to_string();
    let now = stage.queue.now_ms().await.expect("has a clock");
    let push = async |age_ms: u64, ahead: bool| {
        let made = if ahead { now + age_ms } else { now - age_ms };
        let id = ulid_at(made);
        stage.push(id, payload.as_bytes()).await;
        id
    };
    let late = push(67_000, false).await;
    let in_time = push(5_000, false).await;
    // Its producer's clock is ahead: that gives it no more time, and takes none from it.
    let from_the_future = push(3_600_000, true).await;
    // By the command line, due a second after it would have expired if that counted from now; then the clock is moved.
    let said = stage
        .longshore(&[
            "enqueue",
            "create_payment_intent",
            &args.to_string(),
            "--in",
            "61s",
        ])
        .await;
    let later: JobId = said.stdout.trim().parse().expect("an id");
    stage.back_date_job(later, Duration::from_secs(61)).await;
    let late_by_client = stage.client.enqueue(payment(2)).await.expect("accepted");
    stage
        .back_date_job(late_by_client, Duration::from_secs(61))
        .await;
    let _worker = stage.worker().start().await;
    for id in [in_time, from_the_future, later] {
        stage.is(id, JobState::Completed).await;
    }
    for id in [late, late_by_client] {
        stage.is(id, JobState::Dead).await;
        assert_eq!(outcomes(&stage.job(id).await), ["expired"]);
    }
    assert_eq!(stage.ledger().requests(), 3, "expired without a call");
}

/// A cancellation fails on the shipped schedule, over 21 minutes, and is carried out at its last attempt: it expires after
/// a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_schedule_fits_into_the_shipped_expiries() {
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    let _worker = stage.worker().start().await;
    stage.faults([FaultRule::first(3, answered(409))]);
    let cancel = CancelSubscription::new("sub_nobody");
    let id = stage.client.enqueue(cancel).await.expect("accepted");
    for (n, wait) in [60, 300, 900].into_iter().enumerate() {
        longshore_tests::eventually("the attempt has failed", || async {
            let job = stage.job(id).await;
            job.state == JobState::Retryable && job.history.len() == n + 1
        })
        .await;
        let job = stage.job(id).await;
        let last = job.history.last().expect("an attempt").at_ms;
        let due = job.next_run_at_ms.expect("has a time");
        assert_eq!((due - last).div_ceil(1000), wait, "60, 300, 900 s");
        stage.back_date_job(id, Duration::from_secs(wait)).await;
    }
    longshore_tests::eventually("it has ended", || async {
        let state = stage.job(id).await.state;
        matches!(state, JobState::Completed | JobState::Dead)
    })
    .await;
    let job = stage.job(id).await;
    let outcomes = outcomes(&job);
    assert_eq!(outcomes[..3], ["failed", "failed", "failed"]);
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert_ne!(outcomes[3], "expired");
}

/// What is larger than a producer may push is a dead letter by its size, unread: it grows neither the worker nor what shows
/// it. Large payloads that may be pushed are claimed a few MiB at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_too_large_is_buried_unread() {
    let stage = Stage::set().await;
    let huge = vec![b'x'; 16 << 20];
    let mut ids = Vec::new();
    for _ in 0..12 {
        let id = JobId::generate();
        stage.push(id, &huge).await;
        ids.push(id);
    }
    let good = stage.enqueue(3).await;
    let worker = stage.worker().start().await;
    stage.completed(good.len() as u64).await;
    for id in &ids {
        stage.is(*id, JobState::Dead).await;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse().ok())
        .expect("a size");
    assert!(peak < 150_000, "the worker has grown to {peak} kB");
    let shown = stage
        .longshore(&["dead", "show", &ids[0].to_string(), "--json"])
        .await;
    assert!(
        shown.code == Some(0) && shown.stdout.len() < 10_000,
        "{}",
        shown.stdout.len()
    );
    assert!(
        shown.stdout.contains("payload too large"),
        "{}",
        shown.stdout
    );
    // An export that cannot hold them leaves them where they are.
    let file = stage.dir().join("letters");
    let file = file.to_str().expect("UTF-8");
    let export = [
        "dead",
        "export",
        "--queue",
        "email",
        "--to",
        file,
        "--discard",
        "--yes",
        "--reason",
        "r",
        "--json",
    ];
    let said = stage.longshore(&export).await;
    assert_eq!(said.json()["left_out"], 12, "{said:?}");
    assert_eq!(stage.stats().await.dead, 12);
}

/// It expired, was replayed, and expired again.
fn expired_twice(job: &longshore_queue::JobInfo) -> bool {
    outcomes(job) == ["expired", "replayed", "expired"]
}

/// An id that was made at this time, in ms since the epoch.
fn ulid_at(ms: u64) -> JobId {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = (0..10).rev().map(|n| DIGITS[(ms >> (5 * n)) as usize % 32]);
    let random = JobId::generate().to_string().into_bytes();
    let text: Vec<u8> = time.chain(random.into_iter().skip(10)).collect();
    let text = String::from_utf8(text).expect("digits");
    text.parse().expect("an id")
}
