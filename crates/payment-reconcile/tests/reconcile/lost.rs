//! What the app has lost, what went back, and what is no order.

use longshore_job::{Handler, JobId};
use longshore_payment_reconcile::ApplyStripeEvent;
use longshore_payment_reconcile::sandbox::PlantedPaymentIntent;
use serde_json::{Value, json};

use crate::{DAY, Scene, some};

impl Scene {
    /// Applies every event that there is, oldest first.
    pub(crate) async fn apply_all(&self) {
        for event in self.stripe.events().iter().rev() {
            self.apply(event["id"].as_str().expect("an id")).await;
        }
    }

    pub(crate) async fn apply(&self, event: &str) {
        let run = self.script.for_new_job().run();
        let applied = self.events.run(ApplyStripeEvent::new(event), run).await;
        applied.unwrap_or_else(|error| panic!("{event}: {error:?}"));
    }

    /// All that the app was told was told two hours ago.
    pub(crate) fn hours_pass(&self) {
        let memory = &self.script.memory;
        for kept in memory.kept() {
            let told = serde_json::from_slice::<Value>(&kept.value);
            let Some(at) = told.ok().and_then(|told| told["at"].as_i64()) else {
                continue;
            };
            let told = json!({ "event": "evt_1", "at": at - 7200 }).to_string();
            memory.set_kept(&kept.key, told.as_bytes(), kept.time);
        }
    }
}

#[tokio::test]
async fn an_app_that_was_restored_from_a_backup_is_told_again() {
    let scene = Scene::set().await;
    scene.both(100, "requires_payment_method", "pending", |_| {});
    scene.both(200, "requires_payment_method", "pending", |_| {});
    let backup = scene.app.back_up();
    let id = |order: &str| scene.app.payment(order).and_then(|it| it.payment_intent);
    let (paid, failed) = (id("o100").expect("an id"), id("o200").expect("an id"));
    assert!(scene.stripe.customer_pays(&paid, true));
    assert!(scene.stripe.customer_pays(&failed, false));
    scene.apply_all().await;
    let told = scene.app.applied();
    assert_eq!(told.len(), 2);
    let mails = scene.script.memory.outbox().jobs().len();

    scene.app.restore(backup);
    scene.hours_pass();
    let looked = scene
        .reconcile(JobId::generate(), false)
        .await
        .expect("done");
    let found = json!({ "paid_at_stripe_pending_in_app": 1, "failed_at_stripe_pending_in_app": 1 });
    assert_eq!(some(&looked["counts"]), found);
    let repaired = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    assert_eq!(repaired["repaired"], 2);
    let status = |order: &str| scene.app.payment(order).expect("there").status;
    assert_eq!((&*status("o100"), &*status("o200")), ("paid", "failed"));
    // The very same effects, under the same names, and nobody is written to a second time.
    let mut again: Vec<_> = scene
        .app
        .applied()
        .into_iter()
        .map(|it| it.effect)
        .collect();
    let mut before: Vec<_> = told.into_iter().map(|it| it.effect).collect();
    again.sort_by_key(|effect| effect.event_id.clone());
    before.sort_by_key(|effect| effect.event_id.clone());
    assert_eq!(again, before);
    assert_eq!(scene.script.memory.outbox().jobs().len(), mails);
    let clean = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    assert_eq!(
        (&clean["differences"], &clean["repaired"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn what_went_back_is_reported_and_never_repaired() {
    let scene = Scene::set().await;
    let plant =
        |n: u64, app: &str, change: &dyn Fn(PlantedPaymentIntent) -> PlantedPaymentIntent| {
            let intent = PlantedPaymentIntent::new(1000 + n, "nok", "succeeded")
                .with("orderId", format!("o{n}"))
                .at(scene.from + n);
            let id = scene.stripe.plant([change(intent)]).remove(0);
            let payment = longshore_payment_reconcile::sandbox::AppPayment::pending(
                format!("o{n}"),
                id,
                1000 + n,
                "nok",
            );
            scene.app.plant([payment.status(app).at(scene.from + n)]);
        };
    for (at, app) in [
        (100, "pending"),
        (200, "paid"),
        (300, "failed"),
        (400, "refunded"),
    ] {
        plant(at, app, &|intent| {
            let all = intent.amount;
            intent.refunded(all)
        });
        plant(at + 1, app, &|intent| intent.refunded(10));
        plant(at + 2, app, &PlantedPaymentIntent::disputed);
        plant(at + 3, app, &|intent| intent);
    }
    let found = json!({
        "refunded_at_stripe": 3, "partly_refunded_at_stripe": 2, "disputed_at_stripe": 3,
        "paid_at_stripe_pending_in_app": 1, "paid_at_stripe_failed_in_app": 1,
        "refunded_in_app_not_at_stripe": 1,
    });
    let result = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    assert_eq!(some(&result["counts"]), found);
    // The one whose money is there.
    assert_eq!(result["repaired"], 1);
    let told = scene.app.applied();
    let orders: Vec<_> = told
        .iter()
        .map(|it| it.effect.order_id.as_deref())
        .collect();
    assert_eq!(orders, [Some("o103")]);
}

#[tokio::test]
async fn renewals_are_counted_and_no_differences() {
    let scene = Scene::set().await;
    for n in 0..5 {
        let renewal =
            PlantedPaymentIntent::new(900, "nok", "succeeded").of_invoice(format!("in_{n}"));
        scene.stripe.plant([renewal.at(scene.from + n * 60)]);
    }
    // Outside of the window, and an order of the app's that was paid by an invoice.
    let early = PlantedPaymentIntent::new(900, "nok", "succeeded").of_invoice("in_9");
    scene.stripe.plant([early.at(scene.from - 2 * DAY)]);
    let order = PlantedPaymentIntent::new(900, "nok", "succeeded").of_invoice("in_8");
    scene
        .stripe
        .plant([order.with("orderId", "o1").at(scene.from + 900)]);
    let result = scene
        .reconcile(JobId::generate(), true)
        .await
        .expect("done");
    assert_eq!(result["payments_of_invoices"], 5);
    assert_eq!(some(&result["counts"]), json!({ "unknown_to_app": 1 }));
    assert_eq!(scene.told().len(), 0);
}
