//! Who is where, before the switch, after it, and after it is taken back.

use longshore_payment_reconcile::{CancelSubscription, ConfirmPaymentIntent, CreateSubscription};
use longshore_payment_reconcile::{
    CancelSubscriptionHandler, ConfirmPaymentIntentHandler, CreateSubscriptionHandler, Providers,
};
use serde_json::{Value, json};

use longshore_testing::Way;

use super::{Scene, an_order, text};

/// A payment by this user, collected; returns the result of the creation.
async fn pays(scene: &Scene, providers: &Providers, user: &str, status: &str) -> Value {
    let made = scene.intent(providers.clone(), an_order(user)).await;
    let id = text(&made["payment_intent"]);
    let job = ConfirmPaymentIntent::new(id)
        .payment_method("pm_card_visa")
        .off_session(true);
    let handler = ConfirmPaymentIntentHandler::new(providers.clone());
    let confirmed = scene.does(handler, job).await;
    assert_eq!(confirmed, json!({ "payment_intent": id, "status": status }));
    made
}

async fn subscribes(scene: &Scene, providers: &Providers, user: &str) -> Value {
    let handler = CreateSubscriptionHandler::new(providers.clone());
    let job = CreateSubscription::new(user, "price_1").quantity(2);
    scene.does(handler, job).await
}

#[tokio::test]
async fn everybody_stays_where_they_became_a_customer() {
    let scene = Scene::set().await;
    let old = scene.customer(scene.before(), "user-old").await;
    let old_subscription = subscribes(&scene, &scene.before(), "user-old").await;
    assert_eq!(old["provider"], "stripe");
    assert_eq!(scene.effects(), (0, 2));

    let providers = scene.after();
    assert_eq!(format!("{providers:?}"), r#"["testpay", "stripe"]"#);
    let new = scene.customer(providers.clone(), "user-new").await;
    assert_eq!(new["provider"], "testpay");
    assert!(text(&new["customer"]).starts_with("tp_cus_"));
    assert_eq!(scene.customer(providers.clone(), "user-old").await, old);
    assert_eq!(scene.effects(), (1, 2), "the old one was not asked about");

    let intent = pays(&scene, &providers, "user-old", "succeeded").await;
    assert_eq!(intent["provider"], "stripe");
    assert_eq!(scene.effects(), (1, 4));
    let payment = pays(&scene, &providers, "user-new", "collected").await;
    assert_eq!(payment["provider"], "testpay");
    assert_eq!(scene.effects(), (3, 4));
    let there = &scene.testpay_sandbox.payments()[0];
    assert_eq!(there["customer"], new["customer"], "by the mapping");
    assert_eq!(there["amount"], json!({ "value": 1000, "currency": "NOK" }));
    // Somebody who is nobody's customer yet, and one who is named.
    let guest = scene.intent(providers.clone(), an_order("user-9")).await;
    assert_eq!(guest["provider"], "testpay");
    let named = an_order("user-9").customer(text(&old["customer"]));
    let named = scene.intent(providers.clone(), named).await;
    assert_eq!(named["provider"], "stripe");

    let still = subscribes(&scene, &providers, "user-old").await;
    assert_eq!(still["provider"], "stripe");
    let subscription = subscribes(&scene, &providers, "user-new").await;
    assert_eq!(subscription["provider"], "testpay");
    assert_eq!(subscription["status"], "running");
    let there = &scene.testpay_sandbox.subscriptions()[0];
    assert_eq!(there["plan"], "price_1");
    assert_eq!(there["quantity"], 2);
    for (made, status) in [
        (&old_subscription, "canceled"),
        (&still, "canceled"),
        (&subscription, "ended"),
        (&subscription, "ended"),
    ] {
        let id = text(&made["subscription"]);
        let handler = CancelSubscriptionHandler::new(providers.clone());
        let job = CancelSubscription::new(id).prorate(true);
        let ended = scene.does(handler, job).await;
        assert_eq!(ended, json!({ "subscription": id, "status": status }));
    }
    assert_eq!(
        scene.testpay_sandbox.subscriptions()[0]["credit_unused"],
        true
    );
}

#[tokio::test]
async fn what_is_switched_can_be_switched_back() {
    let scene = Scene::set().await;
    let old = scene.customer(scene.before(), "user-old").await;
    let new = scene.customer(scene.after(), "user-new").await;
    let subscription = subscribes(&scene, &scene.after(), "user-new").await;
    let back = scene.before();
    let newest = scene.customer(back.clone(), "user-newest").await;
    assert_eq!(newest["provider"], "stripe");
    assert_eq!(scene.customer(back.clone(), "user-new").await, new);
    pays(&scene, &back, "user-new", "collected").await;
    pays(&scene, &back, "user-newest", "succeeded").await;
    let other = subscribes(&scene, &back, "user-newest").await;
    let id = text(&subscription["subscription"]);
    let handler = CancelSubscriptionHandler::new(back);
    let ended = scene.does(handler, CancelSubscription::new(id)).await;
    assert_eq!(ended["status"], "ended");

    // What is exported has both.
    let customers = scene.script.memory.map("customers").into_iter();
    let customers: Vec<(String, Value)> = customers
        .map(|(user, json)| (user, serde_json::from_str(&json).expect("JSON")))
        .collect();
    let expected = [
        ("user-new", new),
        ("user-newest", newest),
        ("user-old", old),
    ];
    assert_eq!(customers, expected.map(|(user, at)| (user.to_owned(), at)));
    let mut expected = [(&other, "stripe"), (&subscription, "testpay")]
        .map(|(made, at)| (text(&made["subscription"]).to_owned(), at.to_owned()));
    expected.sort();
    assert_eq!(scene.script.memory.map("subscriptions"), expected);
}

#[tokio::test]
async fn only_stripes_requests_are_held_back_by_stripes_limits() {
    let scene = Scene::set().await;
    let gate = &scene.script.gate;
    let count = || {
        let elsewhere = gate.count(Way::SendElsewhere) + gate.count(Way::ReadElsewhere);
        (gate.sends() + gate.reads(), elsewhere)
    };
    scene.customer(scene.after(), "user-new").await;
    pays(&scene, &scene.after(), "user-new", "collected").await;
    assert_eq!(count(), (0, 3));
    scene.customer(scene.before(), "user-old").await;
    assert_eq!(count(), (1, 3));
}
