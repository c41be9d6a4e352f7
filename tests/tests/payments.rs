//! Money: nothing is charged twice, nothing called paid that is not, nothing missed.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::kinds::{
    CancelSubscription, ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent,
    CreateSubscription,
};
use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Dice, Stage, eventually, outcomes, payment};
use serde_json::{Value, json};

/// How many payment intents Stripe has for each job.
fn intents_by_job(stage: &Stage) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for intent in stage.stripe.payment_intents() {
        let job = intent["metadata"]["longshore_job"].as_str();
        *counts
            .entry(job.unwrap_or("nobody's").to_owned())
            .or_default() += 1;
    }
    counts
}

async fn one_intent_each(stage: &Stage, ids: &[JobId]) {
    for id in ids {
        stage.is(*id, JobState::Completed).await;
        let job = stage.job(*id).await;
        let result = job.result.expect("has a result");
        let intent = stage
            .stripe
            .payment_intent(result["payment_intent"].as_str().expect("an id"));
        let intent = intent.expect("is at Stripe");
        assert_eq!(intent["metadata"]["longshore_job"], id.to_string());
    }
    let counts = intents_by_job(stage);
    assert_eq!(counts.len(), ids.len());
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_any_step_of_a_payment_never_makes_two() {
    let stage = Stage::set_for(Act::Payments).await;
    // Before Stripe has read it, while it works, after it is done.
    for fault in [
        Fault::HangUpUnread,
        Fault::NeverAnswer { effect: false },
        Fault::NeverAnswer { effect: true },
        Fault::HangUp { effect: true },
        Fault::Delay { ms: 200 },
    ] {
        stage.faults([FaultRule::first(6, fault)]);
        let ids = stage.enqueue(6).await;
        let before = stage.ledger().requests();
        let worker = stage.worker().short_lease().start().await;
        stage.requests(before + 3).await;
        worker.kill().await;
        stage.faults([]);
        let mut other = stage.worker().short_lease().start().await;
        for id in &ids {
            stage.is(*id, JobState::Completed).await;
        }
        other.stop();
        assert_eq!(other.left_within(Duration::from_secs(30)).await, 0);
    }
    let counts = intents_by_job(&stage);
    assert_eq!(counts.len(), 30);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_at_random_make_one_payment_each() {
    let stage = Stage::set_for(Act::Payments).await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 20 })]);
    let ids = stage.enqueue(150).await;
    let mut dice = Dice::new();
    for _ in 0..4 {
        let worker = stage.worker().short_lease().concurrency(4).start().await;
        let goal = stage.ledger().requests() + 5 + dice.roll(15) as u64;
        stage.requests(goal).await;
        worker.kill().await;
    }
    let _worker = stage.worker().short_lease().start().await;
    one_intent_each(&stage, &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operations_of_a_checkout_one_after_the_other() {
    let stage = Stage::set_for(Act::Payments).await;
    all_is_slow(&stage).await;
    let worker = stage.worker().start().await;
    let wait = Duration::from_secs(20);
    let client = &stage.client;

    let ada = CreateCustomer::new("user-7")
        .email("ada@example.com")
        .name("Ada");
    let customer = client
        .enqueue_and_wait(ada.clone(), wait)
        .await
        .expect("done");
    let customer = customer.result.expect("a result");
    assert_eq!(customer["provider"], "stripe");
    // Once a customer, always that customer.
    let again = client.enqueue_and_wait(ada, wait).await.expect("done");
    assert_eq!(
        again.result.expect("a result")["customer"],
        customer["customer"]
    );
    assert_eq!(stage.stripe.customers().len(), 1);

    let order = CreatePaymentIntent::new("order-1", "user-7", 1000, "nok");
    let waited = client.enqueue_and_wait(order, wait).await.expect("done");
    let intent = waited.result.expect("a result");
    assert_eq!(intent["status"], "requires_payment_method");
    let id = intent["payment_intent"].as_str().expect("an id").to_owned();
    let at_stripe = stage.stripe.payment_intent(&id).expect("is there");
    assert_eq!(at_stripe["customer"], customer["customer"]);
    assert_eq!(at_stripe["metadata"]["orderId"], "order-1");
    let private = waited.private_result.expect("who waits is told");
    let secret = &private.expose()["client_secret"];
    assert_eq!(*secret, at_stripe["client_secret"]);
    a_doubted_payer_is_sent_to_their_bank(&stage).await;

    let confirm = ConfirmPaymentIntent::new(&id)
        .payment_method("pm_card_visa")
        .return_url("https://shop.example.com/paid");
    let paid = client.enqueue_and_wait(confirm, wait).await.expect("done");
    assert_eq!(paid.result.expect("a result")["status"], "succeeded");
    assert_eq!(paid.private_result, None, "nothing is left to do");

    let subscribe = CreateSubscription::new("user-7", "price_1").quantity(2);
    let subscription = client
        .enqueue_and_wait(subscribe, wait)
        .await
        .expect("done");
    let subscription = subscription.result.expect("a result");
    let id = subscription["subscription"]
        .as_str()
        .expect("an id")
        .to_owned();
    for _ in 0..2 {
        let cancel = CancelSubscription::new(&id);
        let cancelled = client.enqueue_and_wait(cancel, wait).await.expect("done");
        assert_eq!(cancelled.result.expect("a result")["status"], "canceled");
    }
    let exported = stage.longshore(&["mappings", "export"]).await.stdout;
    assert!(
        exported.contains(r#""key":"user-7""#) && exported.contains(&id),
        "{exported}"
    );

    // The secret that lets a browser pay is nowhere.
    let secret = at_stripe["client_secret"].as_str().expect("has one");
    assert!(!worker.says(secret) && !worker.says("_secret_"));
    redis_has_nowhere(&stage, "_secret_").await;
}

/// By who waits: the way there is told nobody else.
async fn a_doubted_payer_is_sent_to_their_bank(stage: &Stage) {
    let doubted = CreatePaymentIntent::new("order-2", "user-7", 1000, "nok")
        .payment_method("pm_card_authenticationRequired")
        .confirm(true)
        .return_url("https://shop.example.com/paid");
    let waited = stage.client.enqueue(doubted).key("order-2");
    let waited = waited.and_wait(Duration::from_secs(20)).await;
    let waited = waited.expect("done");
    let result = waited.result.expect("a result");
    assert_eq!(result["status"], "requires_action");
    let private = waited.private_result.expect("who waits is told");
    let url = private.expose()["redirect_url"].as_str().expect("a URL");
    assert!(url.starts_with("https://hooks.stripe.com/"), "{url}");
}

/// Neither in a key nor in what was sent there.
async fn redis_has_nowhere(stage: &Stage, secret: &str) {
    let link = stage.queue.link();
    let mut sent = redis::cmd("SLOWLOG");
    let sent = link.command::<redis::Value>(sent.arg("GET").arg(-1)).await;
    let sent = format!("{:?}", sent.expect("is allowed"));
    assert!(sent.contains("SPUBLISH") && !sent.contains(secret));
    for key in all_keys(stage).await {
        let value = link.command::<Vec<u8>>(redis::cmd("DUMP").arg(&key)).await;
        let value = value.expect("dumps");
        let key = String::from_utf8_lossy(&key);
        assert!(!String::from_utf8_lossy(&value).contains(secret), "{key}");
    }
}

/// Has Redis write every command into its slow log.
async fn all_is_slow(stage: &Stage) {
    for (name, value) in [
        ("slowlog-log-slower-than", "0"),
        ("slowlog-max-len", "100000"),
    ] {
        let mut config = redis::cmd("CONFIG");
        config.arg("SET").arg(name).arg(value);
        let set = stage.queue.link().command::<String>(&config).await;
        assert_eq!(set.expect("is allowed"), "OK");
    }
}

async fn all_keys(stage: &Stage) -> Vec<Vec<u8>> {
    let keys = stage
        .queue
        .link()
        .command(redis::cmd("KEYS").arg("*"))
        .await;
    keys.expect("lists")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_card_is_dead_at_once_in_the_group_of_its_decline_code() {
    let stage = Stage::set_for(Act::Payments).await;
    let _worker = stage.worker().start().await;
    let declined = payment(1)
        .payment_method("pm_card_chargeDeclinedInsufficientFunds")
        .confirm(true)
        .off_session(true);
    let id = stage.client.enqueue(declined).await.expect("accepted");
    stage.is(id, JobState::Dead).await;
    assert_eq!(outcomes(&stage.job(id).await), ["refused"], "never retried");
    let status = stage.client.status(id).await.expect("looks");
    let details = status.expect("is known").details;
    assert_eq!(details["decline_code"], "insufficient_funds");
    let intent = stage.stripe.payment_intents()[0]["id"].clone();
    assert_eq!(details["payment_intent"], intent);
    let id = id.to_string();
    let shown = stage.longshore(&["job", &*id, "--json"]).await.json();
    assert_eq!(shown["history"][0]["details"], json!(details));
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    assert_eq!(groups[0]["reason"], "refused by stripe: insufficient_funds");
    assert_eq!(groups[0]["count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_that_waited_too_long_is_dead_without_a_call() {
    let stage = Stage::set_for(Act::Payments).await;
    let id = stage.client.enqueue(payment(1)).await.expect("accepted");
    stage.back_date_job(id, Duration::from_secs(61)).await;
    let _worker = stage.worker().start().await;
    stage.is(id, JobState::Dead).await;
    assert_eq!(outcomes(&stage.job(id).await), ["expired"]);
    assert_eq!(stage.ledger().requests(), 0);
}

/// What the app was told, by effect.
fn told(stage: &Stage) -> Vec<Value> {
    let applied = stage.app.applied();
    applied
        .iter()
        .map(|applied| json!(applied.effect))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_being_away_neither_loses_an_effect_nor_stops_payments() {
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    let _listener = stage.webhooks().start().await;
    stage.hears_events();
    stage
        .app
        .faults()
        .set(vec![FaultRule::always(Fault::Answer {
            status: 503,
            headers: BTreeMap::new(),
            body: None,
            effect: false,
        })])
        .expect("valid rules");
    let _worker = stage.worker().start().await;
    let pay = |n| {
        payment(n)
            .payment_method("pm_card_visa")
            .confirm(true)
            .off_session(true)
    };
    for n in 0..5 {
        stage.client.enqueue(pay(n)).await.expect("accepted");
    }
    eventually("five effects wait for the app", || async {
        stage.stats().await.retryable == 5
    })
    .await;
    // The app's trouble is not Stripe's: its breaker is closed.
    stage.client.enqueue(pay(5)).await.expect("accepted");
    eventually("payments go on", || async {
        stage.stripe.payment_intents().len() == 6
    })
    .await;
    stage.app.faults().clear();
    stage.back_date().await;
    eventually("every order is paid, once", || async {
        stage.back_date().await;
        told(&stage).len() == 6
    })
    .await;
    assert_eq!(stage.stats().await.dead, 0);
}
