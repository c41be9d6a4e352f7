//! Stripe's events come several times, in any order, to any listener: one effect reaches the app.

use std::time::Duration;

use longshore_client::JobState;
use longshore_payment_reconcile::sandbox::WebhookEndpoint;
use longshore_tests::{Act, Stage, WEBHOOK_SECRET, eventually, payment};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_three_times_in_two_orders_to_two_listeners_has_one_effect() {
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    let first = stage.webhooks().start().await;
    let anywhere = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let other = anywhere.expect("a free port").to_string();
    let second = stage
        .webhooks()
        .set("WEBHOOKS__HTTP_ADDR", &other)
        .set("WEBHOOKS__PUBLIC_URL", format!("http://{other}"))
        .start()
        .await;
    let _workers = [stage.worker().start().await, stage.worker().start().await];
    stage.stripe.change_webhooks(|webhooks| {
        webhooks.held = true;
        webhooks.twice = true;
        webhooks.reversed = true;
        webhooks.endpoints = vec![
            WebhookEndpoint::new(stage.webhooks_url("stripe"), WEBHOOK_SECRET),
            WebhookEndpoint::new(format!("http://{other}/webhooks/stripe"), WEBHOOK_SECRET),
        ];
    });
    // Declined first, then paid: two events about one payment.
    let id = stage.client.enqueue(payment(1)).await.expect("accepted");
    stage.is(id, JobState::Completed).await;
    let intent = stage.job(id).await.result.expect("a result")["payment_intent"].clone();
    let intent = intent.as_str().expect("an id");
    assert!(stage.stripe.customer_pays(intent, false));
    assert!(stage.stripe.customer_pays(intent, true));
    stage
        .stripe
        .change_webhooks(|webhooks| webhooks.held = false);
    let told = stage
        .stripe
        .wait_called_back(Duration::from_secs(30), 8)
        .await;
    assert!(told.len() >= 8, "{told:?}");
    assert!(told.iter().all(|told| told.answer == Some(204)), "{told:?}");
    // And once more, in the order that it happened.
    stage
        .stripe
        .change_webhooks(|webhooks| webhooks.reversed = false);
    for event in stage.stripe.events() {
        stage
            .stripe
            .send_event_again(event["id"].as_str().expect("an id"));
    }
    eventually("the order is paid", || async {
        !stage.app.applied().is_empty()
    })
    .await;
    eventually("nothing is left to do", || async {
        let stats = stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    let applied = stage.app.applied();
    let effects: Vec<_> = applied
        .iter()
        .map(|applied| json!(applied.effect))
        .collect();
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(effects[0]["effect"], "order_paid");
    assert_eq!(effects[0]["order_id"], "order-1");
    assert_eq!(stage.stats().await.dead, 0);
    for listener in [first, second] {
        assert!(!listener.says("order-1") && !listener.says(WEBHOOK_SECRET));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_payment_sends_the_mail_that_the_app_asks_for() {
    let stage = Stage::set_for(Act::Payments).await.as_shipped();
    let _listener = stage.webhooks().start().await;
    stage.hears_events();
    stage.app.set_contact(json!({
        "email": { "email": "ada@example.com", "name": "Ada" },
        "data": { "orderNumber": "order-1" },
    }));
    let _worker = stage.worker().start().await;
    let id = stage.client.enqueue(payment(1)).await.expect("accepted");
    stage.is(id, JobState::Completed).await;
    let intent = stage.job(id).await.result.expect("a result")["payment_intent"].clone();
    assert!(
        stage
            .stripe
            .customer_pays(intent.as_str().expect("an id"), false)
    );
    let mails = stage.queue.sibling("email").expect("a good name");
    eventually("a mail waits to be sent", || async {
        mails.stats().await.is_ok_and(|stats| stats.pending == 1)
    })
    .await;
    let mut first = redis::cmd("HKEYS");
    first.arg(&mails.keys().data);
    let ids: Vec<Vec<u8>> = stage.queue.link().command(&first).await.expect("reads");
    let mail = mails.job(&ids[0].clone().into()).await.expect("looks");
    let payload = mail.and_then(|mail| mail.payload).expect("has one");
    let payload = String::from_utf8(payload).expect("JSON");
    assert!(
        payload.contains(r#""template":"payment_failed""#),
        "{payload}"
    );
    assert!(payload.contains("ada@example.com") && payload.contains("order-1"));
}
