//! What Stripe and the app know of 10,000 payments, compared: exactly the planted differences are found, exactly the safe
//! ones repaired, once.

use std::time::Duration;

use longshore_client::kinds::ReconcilePayments;
use longshore_client::{JobId, JobState};
use longshore_payment_reconcile::sandbox::{AppPayment, PlantedPaymentIntent};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually, outcomes, within};
use serde_json::Value;

/// 2026-11-01T00:00:00Z and a day later.
const FROM: u64 = 1_793_491_200;
const WINDOW: (&str, &str) = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
const PAYMENTS: u64 = 10_000;
/// Of each kind of difference.
const EACH: u64 = 40;

/// Plants them, the last 5 × 40 of them different: paid at Stripe and pending in the app, failed at Stripe for long and
/// pending in the app, paid in the app and not at Stripe, another amount, another currency.
fn plant(stage: &Stage) {
    let mut intents = Vec::new();
    for n in 0..PAYMENTS {
        let status = match kind(n) {
            Some(1 | 2) => "canceled",
            _ => "succeeded",
        };
        let intent = PlantedPaymentIntent::new(1000 + n, "nok", status)
            .at(FROM + n * 8)
            .with("orderId", format!("order-{n}"))
            .with("userId", format!("user-{n}"));
        intents.push(intent);
    }
    let ids = stage.stripe.plant(intents);
    let payments = ids.into_iter().zip(0..).map(|(id, n): (String, u64)| {
        let (amount, currency) = match kind(n) {
            Some(3) => (n, "nok"),
            Some(4) => (1000 + n, "sek"),
            _ => (1000 + n, "nok"),
        };
        let status = match kind(n) {
            Some(0 | 1) => "pending",
            _ => "paid",
        };
        AppPayment::pending(format!("order-{n}"), id, amount, currency)
            .status(status)
            .at(FROM + n * 8)
    });
    stage.app.plant(payments);
}

/// The kinds that were planted, in the order of [`kind`].
const KINDS: [&str; 5] = [
    "paid_at_stripe_pending_in_app",
    "failed_at_stripe_pending_in_app",
    "paid_in_app_not_at_stripe",
    "wrong_amount",
    "wrong_currency",
];

/// The counts of these kinds, and that there is nothing else.
fn counts(result: &Value) -> [u64; 5] {
    let counts = KINDS.map(|kind| result["counts"][kind].as_u64().expect(kind));
    let all = result["counts"].as_object().expect("an object");
    let all: u64 = all.values().filter_map(Value::as_u64).sum();
    assert_eq!(all, counts.iter().sum::<u64>(), "{result}");
    assert_eq!(result["differences"], all);
    counts
}

fn kind(n: u64) -> Option<u64> {
    let from = PAYMENTS - 5 * EACH;
    (n >= from).then(|| (n - from) / EACH)
}

async fn reconcile(stage: &Stage, repair: bool) -> JobId {
    let job = ReconcilePayments::new(WINDOW.0, WINDOW.1);
    let job = if repair { job.repair() } else { job };
    stage.client.enqueue(job).await.expect("accepted")
}

async fn result(stage: &Stage, id: JobId) -> Value {
    let deadline = Duration::from_secs(120);
    within(deadline, "the reconcile ends", || async {
        stage.job(id).await.state == JobState::Completed
    })
    .await;
    stage.job(id).await.result.expect("a result")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_planted_differences_are_found_and_the_safe_ones_repaired() {
    let stage = Stage::set_for(Act::Payments).await;
    plant(&stage);
    let start = || {
        stage
            .worker()
            .short_lease()
            .provider("RATE_PER_SECOND", "100000")
    };
    let worker = start().start().await;
    let looked = result(&stage, reconcile(&stage, false).await).await;
    assert_eq!(counts(&looked), [EACH; 5]);
    assert_eq!(looked["repaired"], 0);
    assert_eq!(looked["payments_at_stripe"], PAYMENTS);
    assert_eq!(looked["payments_in_app"], PAYMENTS);
    let rows = looked["rows"].as_array().expect("rows");
    assert_eq!(rows.len() as u64, 5 * EACH);
    assert!(stage.app.applied().is_empty(), "only looked");

    // The worker is killed in the middle of the one that repairs; another goes on where it was.
    stage.faults([FaultRule::always(Fault::Delay { ms: 20 })]);
    let id = reconcile(&stage, true).await;
    eventually("it has kept how far it came", || async {
        stage.job(id).await.progress.is_some()
    })
    .await;
    worker.kill().await;
    let _other = start().start().await;
    let repaired = result(&stage, id).await;
    assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
    stage.faults([]);
    assert_eq!(counts(&repaired), [EACH; 5]);
    assert_eq!(repaired["repaired"], 2 * EACH);
    assert_eq!(stage.app.applied().len() as u64, 2 * EACH);
    for n in [PAYMENTS - 5 * EACH, PAYMENTS - 4 * EACH] {
        let payment = stage.app.payment(&format!("order-{n}")).expect("is there");
        assert_ne!(payment.status, "pending", "order-{n}");
    }

    // Nothing more to repair, and the rest is found again.
    let again = result(&stage, reconcile(&stage, true).await).await;
    assert_eq!(counts(&again), [0, 0, EACH, EACH, EACH]);
    assert_eq!(again["repaired"], 0);
    assert_eq!(
        stage.app.applied().len() as u64,
        2 * EACH,
        "one effect each"
    );
}
