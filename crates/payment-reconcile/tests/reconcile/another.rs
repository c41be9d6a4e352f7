//! Another payment provider's payments and events, beside Stripe's.

use std::sync::{Arc, Mutex};

use longshore_job::{Handler, JobError, JobId, Outcome, Run};
use longshore_payment_reconcile::sandbox::{AppEffectKind, AppPayment};
use longshore_payment_reconcile::{
    ApplyPaymentEvent, ApplyPaymentEventHandler, EventRecord, PaymentPage, PaymentRecord,
    PaymentRecordState, PaymentRecords, RecordFuture, SubscriptionRecord,
};
use serde_json::Value;

use super::Scene;

const NAME: &str = "other";

/// What it knows. An event's id is that of what it is about.
#[derive(Default)]
struct Other {
    payments: Mutex<Vec<PaymentRecord>>,
    subscriptions: Mutex<Vec<EventRecord>>,
}

impl Other {
    fn put(&self, payment: PaymentRecord) {
        let mut payments = self.payments.lock().expect("no panic");
        payments.retain(|there| there.id != payment.id);
        payments.push(payment);
    }

    fn find(&self, id: &str) -> Option<PaymentRecord> {
        let payments = self.payments.lock().expect("no panic");
        payments.iter().find(|payment| payment.id == id).cloned()
    }
}

impl PaymentRecords for Other {
    fn event<'a>(&'a self, _: &'a Run, id: &'a str) -> RecordFuture<'a, EventRecord> {
        Box::pin(async move {
            let about = id.split('-').next().unwrap_or_default();
            Ok(match self.find(about) {
                Some(payment) => EventRecord::Payment(payment),
                None => self.subscriptions.lock().expect("no panic").remove(0),
            })
        })
    }

    fn payments<'a>(
        &'a self,
        _: &'a Run,
        from: i64,
        to: i64,
        after: Option<&'a str>,
    ) -> RecordFuture<'a, PaymentPage> {
        assert_eq!(after, None, "it has one page");
        let mut payments = self.payments.lock().expect("no panic").clone();
        payments.retain(|payment| (from..to).contains(&payment.created));
        payments.sort_by_key(|payment| std::cmp::Reverse(payment.created));
        let page = PaymentPage {
            payments,
            has_more: false,
        };
        Box::pin(async { Ok(page) })
    }

    fn payment<'a>(&'a self, _: &'a Run, id: &'a str) -> RecordFuture<'a, Option<PaymentRecord>> {
        Box::pin(async move { Ok(self.find(id)) })
    }

    fn running_subscriptions<'a>(&'a self, _: &'a Run) -> RecordFuture<'a, u64> {
        Box::pin(async { Ok(3) })
    }
}

impl Scene {
    fn record(&self, id: &str, order: &str, state: PaymentRecordState) -> PaymentRecord {
        PaymentRecord {
            id: id.to_owned(),
            order_id: Some(order.to_owned()),
            user_id: Some("user-7".to_owned()),
            customer: None,
            status: "some-word".to_owned(),
            state,
            amount: 1000,
            currency: "NOK".to_owned(),
            created: (self.from + 60).cast_signed(),
        }
    }

    /// An order that is pending in the app.
    fn order(&self, order: &str, payment: Option<&str>) -> AppPayment {
        let pending = AppPayment::pending(order, payment.unwrap_or_default(), 1000, "nok");
        pending.at(self.from + 60)
    }

    async fn compared(&self, other: &Arc<Other>, provider: Option<&str>) -> Value {
        let records = Arc::clone(other) as Arc<dyn PaymentRecords>;
        let handler = self.handler.clone().with_records(NAME, records);
        let mut job = self.job(true);
        job.provider = provider.map(str::to_owned);
        let run = self.script.for_job(JobId::generate()).run();
        match handler.run(job, run).await.expect("done") {
            Outcome::Done {
                result: Some(result),
                ..
            } => result,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Applies an event; says why there was nothing to do, if so.
    async fn hears(&self, other: &Arc<Other>, event: &str) -> Result<Option<String>, JobError> {
        let records = Arc::clone(other) as Arc<dyn PaymentRecords>;
        let handler = ApplyPaymentEventHandler::new(NAME, records, self.to_app.clone());
        let run = self.script.for_job(JobId::generate()).run();
        match handler
            .run(ApplyPaymentEvent::new(NAME, event), run)
            .await?
        {
            Outcome::Done { .. } => Ok(None),
            Outcome::Skipped { reason } => Ok(Some(reason)),
        }
    }

    fn status_of(&self, order: &str) -> String {
        self.app.payment(order).expect("an order").status
    }
}

/// The app has not noted of two orders where they are paid, and of one it says it where the id does not.
#[tokio::test]
async fn an_order_without_a_payment_is_found_where_it_is_and_reported_once() {
    let scene = Scene::set().await;
    let other = Arc::new(Other::default());
    other.put(scene.record("p1", "o1", PaymentRecordState::Paid));
    other.put(scene.record("p2", "o2", PaymentRecordState::Paid));
    scene.app.plant([
        scene.order("o1", None),
        scene.order("o2", Some("p2")).provider(NAME),
        // Nobody has a payment of it.
        scene.order("o3", None).status("paid"),
        scene.order("o4", Some("pi_gone")),
    ]);
    let found = scene.compared(&other, Some(NAME)).await;
    assert_eq!(found["repaired"], 2, "{found}");
    assert_eq!(found["counts"]["paid_at_provider_pending_in_app"], 2);
    assert_eq!(found["differences"], 2);
    assert_eq!(
        (scene.status_of("o1"), scene.status_of("o2")),
        ("paid".to_owned(), "paid".to_owned())
    );
    assert_eq!(found["running_subscriptions"], 3);
    let at_stripe = scene.compared(&other, None).await;
    assert_eq!(
        at_stripe["counts"]["paid_in_app_not_at_stripe"], 1,
        "{at_stripe}"
    );
    assert_eq!(at_stripe["counts"]["unknown_to_stripe"], 2);
    // By the event, too, under whatever id: each is told once.
    let before = scene.hears(&other, "p1-9").await.expect("done");
    assert!(before.is_some_and(|why| why.contains("told before")));
}

#[tokio::test]
async fn its_events_tell_the_app_what_stripes_would() {
    let scene = Scene::set().await;
    let other = Arc::new(Other::default());
    let mut n = 0;
    let mut hears = async |state: PaymentRecordState| {
        n += 1;
        other.put(scene.record("p1", "o1", state));
        scene.hears(&other, &format!("p1-{n}")).await.expect("done")
    };
    let failed = |attempt: &str| PaymentRecordState::Failed {
        since: 0,
        attempt: Some(attempt.to_owned()),
    };
    assert!(hears(PaymentRecordState::Open).await.is_some());
    for state in [
        failed("t1"),
        failed("t2"),
        PaymentRecordState::Paid,
        PaymentRecordState::PartlyRefunded(300),
        PaymentRecordState::Refunded,
    ] {
        assert_eq!(hears(state).await, None);
    }
    for late in [
        failed("t3"),
        PaymentRecordState::Paid,
        PaymentRecordState::PartlyRefunded(400),
        PaymentRecordState::Refunded,
    ] {
        assert!(hears(late).await.is_some(), "the app knows better");
    }
    let ended = SubscriptionRecord {
        id: "s1".to_owned(),
        user_id: None,
        customer: None,
        invoice: Some("i1".to_owned()),
        amount: Some(1000),
        currency: Some("NOK".to_owned()),
    };
    let heard = [
        EventRecord::Renewed(ended.clone()),
        EventRecord::Ended(ended),
    ];
    other.subscriptions.lock().expect("no panic").extend(heard);
    for event in ["e1", "e2"] {
        assert_eq!(scene.hears(&other, event).await.expect("done"), None);
    }
    let applied = scene.app.applied();
    let told: Vec<_> = applied
        .iter()
        .map(|told| (told.effect.effect, told.effect.amount_refunded))
        .collect();
    assert_eq!(
        told,
        [
            (AppEffectKind::PaymentFailed, None),
            (AppEffectKind::PaymentFailed, None),
            (AppEffectKind::OrderPaid, None),
            (AppEffectKind::PaymentRefunded, Some(300)),
            (AppEffectKind::PaymentRefunded, Some(1000)),
            (AppEffectKind::SubscriptionRenewed, None),
            (AppEffectKind::SubscriptionCancelled, None),
        ]
    );
    assert!(
        applied
            .iter()
            .all(|told| told.effect.event_id.starts_with("other_"))
    );
    // The payments of two providers may have the same id.
    let wrong = ApplyPaymentEvent::new("stripe", "p1");
    let records = Arc::clone(&other) as Arc<dyn PaymentRecords>;
    let handler = ApplyPaymentEventHandler::new(NAME, records, scene.to_app.clone());
    let refused = handler.run(wrong, scene.script.for_new_job().run()).await;
    assert!(matches!(refused, Err(JobError::Permanent { .. })));
}
