//! A switch of payment providers: new customers go to the other one, those there are stay, by their mapping.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_client::kinds::{
    CancelSubscription, CreateCustomer, CreatePaymentIntent, CreateSubscription, ReconcilePayments,
};
use longshore_client::{Client, Job, JobState};
use longshore_sandbox::{AppPayment, TestPaySandbox};
use longshore_tests::{Act, Stage, Worker};
use serde_json::Value;

async fn done<J: Job>(client: &Client, job: J) -> Value {
    let status = client.enqueue_and_wait(job, Duration::from_secs(20)).await;
    let status = status.expect("is accepted");
    assert_eq!(status.state, JobState::Completed, "{:?}", status.reason);
    status.result.expect("a result")
}

async fn worker(stage: &Stage, testpay: &TestPaySandbox, new_customers: &str) -> Worker {
    stage
        .worker()
        .set("PROVIDERS__TESTPAY__BASE_URL", testpay.origin())
        .set("PROVIDERS__TESTPAY__API_KEY", "flow")
        .set("PAYMENTS__PROVIDER_FOR_NEW_CUSTOMERS", new_customers)
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_customers_go_to_the_other_provider_and_old_ones_stay() {
    let stage = Stage::set_for(Act::Payments).await;
    let testpay = TestPaySandbox::start(SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let testpay = testpay.expect("a free port");
    let client = &stage.client;

    let mut before = worker(&stage, &testpay, "stripe").await;
    let ada = done(client, CreateCustomer::new("ada")).await;
    assert_eq!(ada["provider"], "stripe");
    let old = done(client, CreateSubscription::new("ada", "price_1")).await;
    before.stop();
    assert_eq!(before.left_within(Duration::from_secs(30)).await, 0);

    let _after = worker(&stage, &testpay, "testpay").await;
    let bob = done(client, CreateCustomer::new("bob")).await;
    assert_eq!(bob["provider"], "testpay");
    for (user, provider) in [("ada", "stripe"), ("bob", "testpay"), ("nobody", "testpay")] {
        let order = CreatePaymentIntent::new(format!("order-{user}"), user, 1000, "nok");
        assert_eq!(done(client, order).await["provider"], provider, "{user}");
        let customer = done(client, CreateCustomer::new(user)).await;
        assert_eq!(customer["provider"], provider, "{user}");
    }
    let new = done(client, CreateSubscription::new("bob", "price_1")).await;
    assert_eq!(new["provider"], "testpay");
    // What was begun with a provider ends with it.
    for (subscription, status) in [(&old, "canceled"), (&new, "ended")] {
        let id = subscription["subscription"].as_str().expect("an id");
        assert_eq!(
            done(client, CancelSubscription::new(id)).await["status"],
            status
        );
    }
    let exported = stage.longshore(&["mappings", "export"]).await.stdout;
    for (key, provider) in [("ada", "stripe"), ("bob", "testpay")] {
        let line = exported
            .lines()
            .find(|line| line.contains(&format!(r#""key":"{key}""#)));
        assert!(
            line.is_some_and(|line| line.contains(provider)),
            "{exported}"
        );
    }
    assert_eq!(exported.lines().count(), 5, "{exported}");
    assert_eq!(stage.stripe.payment_intents().len(), 1);

    // What the other provider has is no difference between Stripe and the app.
    let at_stripe = stage.stripe.payment_intents()[0]["id"].clone();
    let at_stripe = at_stripe.as_str().expect("an id").to_owned();
    for (order, id) in [
        ("order-ada", at_stripe.as_str()),
        ("order-bob", "tp_pay_1"),
        ("order-x", "pi_nobody"),
    ] {
        let payment = AppPayment::pending(order, id, 1000, "nok");
        stage.app.plant([payment]);
    }
    let now = Timestamp::now();
    let (from, to) = (
        now - SignedDuration::from_hours(1),
        now + SignedDuration::from_mins(1),
    );
    let window = ReconcilePayments::new(from.to_string(), to.to_string());
    let found = done(client, window).await;
    assert_eq!(found["differences"], 1, "{found}");
    assert_eq!(found["counts"]["unknown_to_stripe"], 1);
}
