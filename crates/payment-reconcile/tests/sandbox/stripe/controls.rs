//! Faults in Stripe's words, and what programs in other processes can do.

use longshore_payment_reconcile::sandbox::{PlantedPaymentIntent, StripeSandbox, WebhookSettings};
use longshore_sandbox::{Fault, FaultRule, Only};
use reqwest::Method;
use serde_json::{Value, json};

use super::{client, get, intent, post_as, read, request, start, words};

#[tokio::test]
async fn faults_speak_as_stripe_does() {
    let at = start().await;
    for (fault, status, code, header) in [
        (
            StripeSandbox::key_in_use(),
            409,
            "idempotency_key_in_use",
            None,
        ),
        (
            StripeSandbox::rate_limited(),
            429,
            "rate_limit",
            Some(("stripe-rate-limited-reason", "global-rate")),
        ),
        (StripeSandbox::lock_timeout(), 429, "lock_timeout", None),
        (
            StripeSandbox::should_retry(500, false),
            500,
            "",
            Some(("stripe-should-retry", "false")),
        ),
        (
            StripeSandbox::should_retry(400, true),
            400,
            "",
            Some(("stripe-should-retry", "true")),
        ),
    ] {
        let rule = FaultRule::always(fault);
        at.faults().set(vec![rule]).expect("a valid rule");
        let answer = request(&at, Method::GET, "/v1/events").send().await;
        let answer = answer.expect("answered");
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("request-id"), "{status}");
        if let Some((name, value)) = header {
            assert_eq!(answer.headers()[name], value);
        }
        let (_, body) = read(answer).await;
        assert_eq!(body["error"]["code"].as_str().unwrap_or_default(), code);
    }
    let rule = FaultRule::always(Fault::Throttle {
        retry_after_seconds: Some(7),
        reset_in_seconds: None,
    });
    at.faults().set(vec![rule]).expect("a valid rule");
    let (status, body) = get(&at, "/v1/events").await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (429, &json!("rate_limit"))
    );
}

#[tokio::test]
async fn faults_can_be_about_one_operation() {
    let at = start().await;
    let only = Only {
        recipient: Some("payment_intent".to_owned()),
        ..Only::default()
    };
    let rule = FaultRule::always(Fault::HangUp { effect: false }).only(only);
    at.faults().set(vec![rule]).expect("a valid rule");
    let hung_up = post_as(&at, "k", "/v1/customers", &[]).await;
    assert_eq!(hung_up.status(), 200);
    let fields = [("amount", "1"), ("currency", "nok")];
    let asked = request(&at, Method::POST, "/v1/payment_intents");
    asked
        .body(super::form(&fields))
        .send()
        .await
        .expect_err("hung up on");
    assert_eq!(words(&at), ["customer"]);
    assert!(at.payment_intents().is_empty());
    assert_eq!(at.events().len(), 1);
}

#[tokio::test]
async fn other_processes_control_it_too() {
    let at = start().await;
    let url = |path: &str| format!("{}/sandbox/{path}", at.origin());
    let planted = [
        json!({ "amount": 100, "currency": "nok", "status": "canceled", "created": 1_700_000_000 }),
        json!(PlantedPaymentIntent::new(5, "sek", "succeeded").with("orderId", "o-1")),
    ];
    let ids = client().post(url("payment_intents")).json(&planted).send();
    let ids: Vec<String> = ids.await.expect("answered").json().await.expect("JSON");
    let first = at.payment_intent(&ids[0]).expect("there");
    assert_eq!(
        (&first["status"], &first["created"]),
        (&json!("canceled"), &json!(1_700_000_000))
    );

    let errors = json!({ "count": 1, "effect": true });
    let errors = client().put(url("saved_errors")).json(&errors).send();
    assert_eq!(errors.await.expect("answered").status(), 204);
    assert_eq!(intent(&at, &[]).await.0, 500);
    assert_eq!(words(&at), ["payment_intent"]);

    let customer = || post_as(&at, "k", "/v1/customers", &[]);
    let first = read(customer().await).await;
    assert_eq!(read(customer().await).await, first);
    let forgotten = client().delete(url("idempotency_keys")).send().await;
    assert_eq!(forgotten.expect("answered").status(), 204);
    assert_ne!(read(customer().await).await, first);

    let webhooks =
        json!({ "endpoints": [{ "url": "http://127.0.0.1:9/", "secrets": [] }], "held": true });
    let set = client().put(url("webhooks")).json(&webhooks).send().await;
    assert_eq!(set.expect("answered").status(), 204);
    let read_back = client()
        .get(url("webhooks"))
        .send()
        .await
        .expect("answered");
    let read_back: WebhookSettings = read_back.json().await.expect("JSON");
    assert_eq!(read_back, at.webhooks());
    assert_eq!(read_back.endpoints[0].api_version, "2023-10-16");
    let told = client()
        .get(url("webhooks/told"))
        .send()
        .await
        .expect("answered");
    assert_eq!(told.json::<Value>().await.expect("JSON"), json!([]));
    let wrong = client()
        .put(url("webhooks"))
        .json(&json!({ "thrice": true }));
    assert_eq!(wrong.send().await.expect("answered").status(), 422);
}
