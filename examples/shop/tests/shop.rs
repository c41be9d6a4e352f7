//! The shop's own tests: no Redis, no workers, no providers.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use longshore_client::kinds::{CreatePaymentIntent, SendEmail};
use longshore_testing::Recorder;
use serde_json::{Value, json};
use tower::ServiceExt;

/// One request to a shop whose jobs are recorded.
async fn ask(recorder: &Recorder, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string()));
    let shop = shop::router(recorder.client());
    let answer = shop.oneshot(request.expect("a request")).await;
    let answer = answer.expect("never fails");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body");
    let body = serde_json::from_slice(&body.to_bytes());
    (status, body.unwrap_or_default())
}

async fn sign_up(recorder: &Recorder) -> StatusCode {
    let ada = json!({ "id": "user-7", "email": "ada@example.com" });
    ask(recorder, "POST", "/users", ada).await.0
}

fn an_order(amount: i64) -> Value {
    json!({
        "id": "A-1", "user_id": "user-7", "email": "ada@example.com", "amount": amount, "currency": "nok",
    })
}

#[tokio::test]
async fn one_welcome_mail_is_enqueued_to_this_address() {
    let recorder = Recorder::new();
    for _ in 0..2 {
        assert_eq!(sign_up(&recorder).await, StatusCode::CREATED);
    }
    recorder.assert_only(&SendEmail::new("welcome", "ada@example.com"));
}

#[tokio::test]
async fn an_order_is_confirmed_and_paid() {
    let recorder = Recorder::new();
    let (status, told) = ask(&recorder, "POST", "/orders", an_order(19_900)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let payment = CreatePaymentIntent::new("A-1", "user-7", 19_900, "nok");
    let payment = recorder.assert_enqueued(&payment);
    assert_eq!(told["payment"], payment.id.to_string());
    assert_eq!(payment.key.as_deref(), Some("pay-A-1"));
    let mail = recorder.assert_one::<SendEmail>(|mail| mail.to.email == "ada@example.com");
    assert_eq!(mail.args["template"], "order_confirmation");
}

#[tokio::test]
async fn an_order_that_cannot_be_paid_sends_no_mail() {
    let recorder = Recorder::new();
    let (status, told) = ask(&recorder, "POST", "/orders", an_order(0)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(told, json!({ "error": "invalid_args" }));
    recorder.assert_nothing();
}

#[tokio::test]
async fn who_waits_for_a_payment_is_told_how_it_went() {
    let recorder = Recorder::new();
    recorder.complete::<CreatePaymentIntent>(json!({ "payment_intent": "pi_1" }));
    let (_, told) = ask(&recorder, "POST", "/orders", an_order(19_900)).await;
    let path = format!("/payments/{}", told["payment"].as_str().expect("an id"));
    let (status, told) = ask(&recorder, "GET", &path, Value::Null).await;
    assert_eq!(
        (status, &told["state"]),
        (StatusCode::OK, &json!("completed"))
    );
    assert_eq!(told["result"], json!({ "payment_intent": "pi_1" }));

    recorder.bury_as::<CreatePaymentIntent>("the card was declined", "insufficient_funds");
    let (_, told) = ask(&recorder, "GET", &path, Value::Null).await;
    assert_eq!(
        (&told["state"], &told["code"]),
        (&json!("dead"), &json!("insufficient_funds"))
    );

    let (status, _) = ask(&recorder, "GET", "/payments/7", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn while_redis_is_away_users_are_told_to_try_again() {
    let recorder = Recorder::new();
    recorder.fail();
    assert_eq!(sign_up(&recorder).await, StatusCode::SERVICE_UNAVAILABLE);
    recorder.recover();
    assert_eq!(sign_up(&recorder).await, StatusCode::CREATED);
    recorder.assert_count::<SendEmail>(1);
}
