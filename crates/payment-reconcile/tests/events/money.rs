//! Money that goes back, and money that comes again and again.

use serde_json::json;

use crate::Scene;

impl Scene {
    /// A payment of 1000 for order `o1` that has succeeded, with its event.
    fn paid(&self) -> (String, String) {
        let intent = self.payment();
        let event = self.pays(&intent, true);
        (intent, event)
    }

    /// What the app was told last: the effect, its amount, what was refunded of it, and how its dispute stands.
    fn last(&self) -> (String, Option<u64>, Option<u64>, Option<String>) {
        let applied = self.app.applied().pop().expect("something was told");
        let effect = applied.effect;
        (
            effect.effect.as_str().to_owned(),
            effect.amount,
            effect.amount_refunded,
            effect.dispute_status,
        )
    }

    /// A subscription of user `u1`, with its customer.
    async fn subscription(&self) -> (String, String) {
        let customer = self.at_stripe("POST", "/v1/customers", "").await;
        let form = format!("customer={customer}&items[0][price]=price_1&metadata[userId]=u1");
        let subscription = self.at_stripe("POST", "/v1/subscriptions", &form).await;
        (subscription, customer)
    }

    /// The newest event of this type.
    fn event(&self, kind: &str) -> String {
        let events = self.stripe.events();
        let event = events.iter().find(|event| event["type"] == kind);
        let event = event.unwrap_or_else(|| panic!("no {kind}: {events:?}"));
        event["id"].as_str().expect("an id").to_owned()
    }
}

fn refunded(amount_refunded: u64) -> (String, Option<u64>, Option<u64>, Option<String>) {
    let word = "payment_refunded".to_owned();
    (word, Some(1000), Some(amount_refunded), None)
}

#[tokio::test]
async fn a_refunded_payment_is_never_told_as_paid() {
    let scene = Scene::set().await;
    let (intent, paid) = scene.paid();
    scene.stripe.refund(&intent, None).expect("refunded");
    let back = scene.last_event();
    let reason = scene.skipped(&paid).await;
    let expected = format!("{intent} was refunded since: that has an event of its own");
    assert_eq!(reason, expected);
    let result = scene.done(&back).await;
    let expected =
        json!({ "effect": "payment_refunded", "order_id": "o1", "payment_intent": intent });
    assert_eq!(result, expected);
    assert_eq!(scene.last(), refunded(1000));
    assert_eq!(scene.order().as_deref(), Some("refunded"));
    scene.skipped(&back).await;
    scene.skipped(&paid).await;
    assert_eq!(scene.effects().len(), 1);
}

#[tokio::test]
async fn refunds_in_part_are_told_as_their_sum_in_any_order() {
    for turned in [false, true] {
        let scene = Scene::set().await;
        let (intent, paid) = scene.paid();
        let refund = |amount| {
            scene.stripe.refund(&intent, Some(amount)).expect("left");
            scene.last_event()
        };
        let first = refund(300);
        if turned {
            let second = refund(200);
            scene.done(&second).await;
            scene.skipped(&first).await;
            scene.done(&paid).await;
            assert_eq!(scene.order().as_deref(), Some("paid"));
        } else {
            scene.done(&paid).await;
            scene.done(&first).await;
            assert_eq!(scene.last(), refunded(300));
            let second = refund(200);
            scene.done(&second).await;
            assert_eq!(scene.last(), refunded(500));
        }
        let third = refund(500);
        scene.done(&third).await;
        assert_eq!(scene.last(), refunded(1000));
        assert_eq!(scene.app.repetitions(), 0);
    }
}

#[tokio::test]
async fn a_smaller_sum_is_not_told_after_a_larger_one() {
    let scene = Scene::set().await;
    let (intent, paid) = scene.paid();
    scene.done(&paid).await;
    scene.stripe.refund(&intent, Some(300)).expect("left");
    let first = scene.last_event();
    // As it is when the job of the first refund looked before the second one, and goes on after that was told.
    let place = format!("refunds:{intent}");
    let told = br#"{"failed":0,"refunded":500,"all":false}"#;
    scene
        .script
        .memory
        .set_kept(&place, told, std::time::Duration::from_secs(3600));
    let reason = scene.skipped(&first).await;
    let expected = format!("payment_refunded of {intent}: the app was told what came after it");
    assert_eq!(reason, expected);
}

#[tokio::test]
async fn a_refund_that_came_to_nothing_is_told() {
    let scene = Scene::set().await;
    let (intent, paid) = scene.paid();
    scene.done(&paid).await;
    let refund = scene.stripe.refund(&intent, None).expect("refunded");
    let back = scene.last_event();
    scene.done(&back).await;
    assert_eq!(scene.order().as_deref(), Some("refunded"));
    assert!(scene.stripe.refund_fails(&refund));
    let failed = scene.last_event();
    scene.done(&failed).await;
    assert_eq!(scene.last(), refunded(0));
    assert_eq!(scene.order().as_deref(), Some("paid"));
    // The same sum as before, and another effect all the same.
    scene.stripe.refund(&intent, None).expect("refunded again");
    let again = scene.last_event();
    scene.done(&again).await;
    assert_eq!(scene.order().as_deref(), Some("refunded"));
    for event in [&back, &failed, &again] {
        scene.skipped(event).await;
    }
    assert_eq!(scene.app.repetitions(), 0);
}

#[tokio::test]
async fn an_event_that_was_about_to_tell_something_else_gives_it_another_name() {
    let scene = Scene::set().await;
    let (intent, paid) = scene.paid();
    scene.done(&paid).await;
    scene.stripe.refund(&intent, Some(300)).expect("left");
    let first = scene.last_event();
    // The app has taken it, and nobody heard.
    scene.app_fault(longshore_sandbox::FaultRule::first(
        1,
        longshore_sandbox::Fault::HangUp { effect: true },
    ));
    scene.fails(&first).await;
    scene.stripe.refund(&intent, Some(200)).expect("left");
    scene.done(&first).await;
    assert_eq!(scene.last(), refunded(500));
    let names = scene.effects();
    assert_eq!(names[1].1, first);
    assert_eq!(names[2].1, format!("{first}_500"));
}

#[tokio::test]
async fn a_disputed_payment_is_never_told_as_paid() {
    for (won, order) in [(true, "paid"), (false, "refunded")] {
        let scene = Scene::set().await;
        let (intent, paid) = scene.paid();
        let dispute = scene.stripe.dispute(&intent).expect("disputed");
        let began = scene.last_event();
        let reason = scene.skipped(&paid).await;
        assert!(reason.contains("is disputed since"), "{reason}");
        scene.done(&began).await;
        let told = |status: &str| {
            let word = "payment_disputed".to_owned();
            (word, Some(1000), None, Some(status.to_owned()))
        };
        assert_eq!(scene.last(), told("needs_response"));
        assert!(scene.stripe.close_dispute(&dispute, won));
        let closed = scene.last_event();
        scene.done(&closed).await;
        assert_eq!(scene.last(), told(if won { "won" } else { "lost" }));
        assert_eq!(scene.order().as_deref(), Some(order));
        for event in [&began, &closed, &paid] {
            scene.skipped(event).await;
        }
        assert_eq!(scene.effects().len(), 2);
    }
}

#[tokio::test]
async fn a_payment_that_was_given_up_has_failed() {
    let scene = Scene::set().await;
    let intent = scene.payment();
    assert!(scene.stripe.cancel(&intent));
    let event = scene.last_event();
    let result = scene.done(&event).await;
    assert_eq!(result["effect"], "payment_failed");
    assert_eq!(scene.order().as_deref(), Some("failed"));
}

#[tokio::test]
async fn a_renewal_is_no_order_and_names_its_user() {
    let scene = Scene::set().await;
    let (subscription, customer) = scene.subscription().await;
    let invoice = scene.stripe.renew(&subscription, 900, true);
    let invoice = invoice.expect("renewed");
    let reason = scene
        .skipped(&scene.event("payment_intent.succeeded"))
        .await;
    assert!(
        reason.contains("is of an invoice"),
        "it was an order_paid without an order: {reason}"
    );
    let result = scene.done(&scene.event("invoice.paid")).await;
    assert_eq!(result["effect"], "subscription_renewed");
    assert_eq!(
        (&result["invoice"], &result["subscription"]),
        (&json!(invoice), &json!(subscription))
    );
    let told = scene.app.applied().remove(0).effect;
    assert_eq!(told.user_id.as_deref(), Some("u1"));
    assert_eq!((told.customer, told.amount), (Some(customer), Some(900)));
    assert_eq!(told.subscription.as_deref(), Some(&*subscription));

    // Its money goes back.
    let intent = told.payment_intent.expect("a payment");
    scene.stripe.refund(&intent, None).expect("refunded");
    scene.done(&scene.last_event()).await;
    let told = scene.app.applied().pop().expect("told").effect;
    assert_eq!(told.effect.as_str(), "payment_refunded");
    assert_eq!(told.user_id.as_deref(), Some("u1"));
    assert_eq!(told.subscription.as_deref(), Some(&*subscription));
    assert_eq!(told.invoice.as_deref(), Some(&*invoice));
}

#[tokio::test]
async fn a_renewal_whose_money_went_back_is_not_told_as_paid() {
    let scene = Scene::set().await;
    let (subscription, _) = scene.subscription().await;
    scene
        .stripe
        .renew(&subscription, 900, true)
        .expect("renewed");
    let intent = scene.stripe.payment_intents().remove(0);
    let intent = intent["id"].as_str().expect("an id");
    scene.stripe.refund(intent, None).expect("refunded");
    let reason = scene.skipped(&scene.event("invoice.paid")).await;
    assert!(reason.contains("was refunded since"), "{reason}");
}

#[tokio::test]
async fn a_renewal_that_could_not_be_collected_is_written_about() {
    let scene = Scene::set().await;
    let (subscription, _) = scene.subscription().await;
    scene
        .stripe
        .renew(&subscription, 900, false)
        .expect("renewed");
    scene
        .skipped(&scene.event("payment_intent.payment_failed"))
        .await;
    let result = scene.done(&scene.event("invoice.payment_failed")).await;
    assert_eq!(result["effect"], "payment_failed");
    let told = scene.app.applied().remove(0).effect;
    assert_eq!(
        (told.amount, told.user_id.as_deref()),
        (Some(900), Some("u1"))
    );
    assert_eq!(told.subscription.as_deref(), Some(&*subscription));
    assert_eq!(scene.mails().len(), 1);
}
