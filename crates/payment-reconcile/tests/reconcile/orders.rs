//! Events and reconciles, in any order: the app comes to know what is true, each thing once, and is never told that it has
//! money which went back.

use std::collections::BTreeSet;

use longshore_job::JobId;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::Scene;

/// What happens, or is heard.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pay(bool),
    Cancel,
    Refund(Option<u64>),
    RefundFails,
    Dispute,
    Close(bool),
    /// One of the events that there are, once or more than once.
    Hear(usize),
    Reconcile,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::bool::weighted(0.8).prop_map(Step::Pay),
        1 => Just(Step::Cancel),
        2 => prop::option::of(100_u64..700).prop_map(Step::Refund),
        1 => Just(Step::RefundFails),
        1 => Just(Step::Dispute),
        1 => any::<bool>().prop_map(Step::Close),
        6 => any::<prop::sample::Index>().prop_map(|index| Step::Hear(index.index(1000))),
        2 => Just(Step::Reconcile),
    ]
}

/// One order, its payment, and what is true of it.
struct Play {
    scene: Scene,
    intent: String,
    refunds: Vec<String>,
    dispute: Option<(String, Option<bool>)>,
}

impl Play {
    async fn set() -> Self {
        let scene = Scene::set().await;
        scene.both(1, "requires_payment_method", "pending", |_| {});
        let intent = scene.app.payment("o1").and_then(|it| it.payment_intent);
        Self {
            scene,
            intent: intent.expect("an id"),
            refunds: Vec::new(),
            dispute: None,
        }
    }

    fn status(&self) -> String {
        let intent = self.scene.stripe.payment_intent(&self.intent);
        let intent = intent.expect("it is there");
        intent["status"].as_str().expect("a status").to_owned()
    }

    /// What was refunded of it, and not sent back.
    fn refunded(&self) -> u64 {
        let events = self.scene.stripe.events();
        let charge = events.iter().find_map(|event| {
            let object = &event["data"]["object"];
            let of_charge = object["object"] == "charge" && event["type"] == "charge.refunded";
            of_charge.then(|| object["amount_refunded"].as_u64().expect("a sum"))
        });
        let failed = events
            .iter()
            .take_while(|event| event["type"] != "charge.refunded");
        let failed = failed.filter(|event| event["type"] == "charge.refund.updated");
        let failed: u64 = failed
            .map(|event| event["data"]["object"]["amount"].as_u64().expect("a sum"))
            .sum();
        charge.unwrap_or_default() - failed
    }

    fn is_lost(&self) -> bool {
        self.dispute.is_some() || self.refunded() == 1001
    }

    async fn play(&mut self, step: Step) {
        let stripe = &self.scene.stripe;
        match step {
            Step::Pay(succeeds) => {
                if !matches!(&*self.status(), "succeeded" | "canceled") {
                    assert!(stripe.customer_pays(&self.intent, succeeds));
                }
            }
            Step::Cancel => drop(stripe.cancel(&self.intent)),
            Step::Refund(amount) => self.refunds.extend(stripe.refund(&self.intent, amount)),
            Step::RefundFails => {
                if self.dispute.is_none()
                    && let Some(refund) = self.refunds.pop()
                {
                    assert!(stripe.refund_fails(&refund));
                }
            }
            Step::Dispute => {
                if self.refunded() == 0
                    && let Some(dispute) = stripe.dispute(&self.intent)
                {
                    self.dispute = Some((dispute, None));
                }
            }
            Step::Close(won) => {
                if let Some((dispute, decided @ None)) = &mut self.dispute {
                    assert!(stripe.close_dispute(dispute, won));
                    *decided = Some(won);
                }
            }
            Step::Hear(n) => {
                let events = stripe.events();
                if !events.is_empty() {
                    self.hear(&events[n % events.len()]).await;
                }
            }
            Step::Reconcile => self.reconcile().await,
        }
    }

    async fn hear(&self, event: &Value) {
        self.scene.apply(event["id"].as_str().expect("an id")).await;
    }

    async fn reconcile(&self) {
        let done = self.scene.reconcile(JobId::generate(), true).await;
        done.expect("no failure");
    }

    fn times(&self, effect: &str) -> usize {
        self.scene.told().get(effect).copied().unwrap_or_default()
    }

    /// What the app has to say in the end.
    fn truth(&self) -> &'static [&'static str] {
        match (&*self.status(), &self.dispute) {
            ("succeeded", Some((_, Some(true)))) => &["paid"],
            ("succeeded", Some((_, Some(false)))) => &["refunded"],
            // It may have been told before that it is paid.
            ("succeeded", Some((_, None))) => &["pending", "failed", "paid"],
            ("succeeded", None) if self.refunded() == 1001 => &["refunded"],
            ("succeeded", None) => &["paid"],
            ("canceled", _) => &["failed"],
            _ if self.scene.stripe.events().is_empty() => &["pending"],
            _ => &["failed"],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_app_comes_to_know_what_is_true(
        steps in vec(step(), 0..24),
        last in any::<prop::sample::Index>(),
        reconciled_last in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut play = Play::set().await;
            for step in steps {
                let paid = play.times("order_paid");
                let lost = play.is_lost();
                play.play(step).await;
                prop_assert!(!lost || play.times("order_paid") == paid, "told as paid: {:?}", step);
            }
            // In the end all is heard, in some order, and compared before or after.
            if !reconciled_last {
                play.reconcile().await;
            }
            let mut events = play.scene.stripe.events();
            if !events.is_empty() {
                let turn = last.index(events.len());
                events.rotate_left(turn);
            }
            let lost = play.is_lost();
            let paid = play.times("order_paid");
            for event in &events {
                play.hear(event).await;
            }
            play.reconcile().await;
            prop_assert!(!lost || play.times("order_paid") == paid, "told as paid in the end");
            let status = play.scene.app.payment("o1").expect("there").status;
            prop_assert!(play.truth().contains(&&*status), "{} is not of {:?}", status, play.truth());
            // Each thing is told once.
            prop_assert_eq!(play.scene.app.repetitions(), 0);
            let told = play.scene.app.applied();
            let names: BTreeSet<_> = told.iter().map(|told| &told.effect.event_id).collect();
            prop_assert_eq!(names.len(), told.len());
            prop_assert!(play.times("order_paid") <= 1);
            Ok(())
        })?;
    }
}
