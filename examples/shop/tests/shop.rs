//! The shop's own tests: no Redis, no Postgres, no workers, no providers.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use longshore_client::kinds::{CreatePaymentIntent, SendEmail};
use longshore_outbox::{OutboxError, OutboxRow, Transaction};
use longshore_testing::Recorder;
use serde_json::{Value, json};
use shop::{AppState, NewOrder, Signatures, confirm};
use sqlx::postgres::PgPoolOptions;
use tower::ServiceExt;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn signatures() -> Signatures {
    Signatures::new(SECRET).expect("it is of that form")
}

/// One request to a shop whose jobs are recorded, and whose database is away.
async fn ask(recorder: &Recorder, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string()));
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(100));
    let db = pool.connect_lazy("postgres://shop@127.0.0.1:1/shop");
    let shop = shop::router(AppState {
        db: db.expect("a URL"),
        jobs: recorder.client(),
        signatures: signatures(),
    });
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

#[tokio::test]
async fn one_welcome_mail_is_enqueued_to_this_address() {
    let recorder = Recorder::new();
    for _ in 0..2 {
        assert_eq!(sign_up(&recorder).await, StatusCode::CREATED);
    }
    recorder.assert_only(&SendEmail::new("welcome", "ada@example.com"));
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

/// A transaction whose jobs are kept in a list.
#[derive(Default)]
struct Rows(Vec<OutboxRow>);

impl Transaction for Rows {
    type Error = Infallible;

    async fn insert(&mut self, _statement: &str, row: OutboxRow) -> Result<(), Infallible> {
        self.0.push(row);
        Ok(())
    }
}

fn order(email: &str) -> NewOrder {
    NewOrder {
        id: "A-1".to_owned(),
        email: email.to_owned(),
        pieces: 2,
    }
}

#[tokio::test]
async fn an_order_has_one_mail_in_its_transaction() {
    let mut rows = Rows::default();
    let id = confirm(&mut rows, &order("ada@example.com")).await;
    let [row] = &rows.0[..] else {
        panic!("one row");
    };
    assert_eq!(row.id, id.expect("an id"));
    assert_eq!(
        (row.kind, &row.tags[..]),
        ("send_email", &["order".to_owned()][..])
    );
    let args: Value = serde_json::from_str(&row.args).expect("JSON");
    assert_eq!(args["template"], "order_confirmation");
    assert_eq!(args["to"]["email"], "ada@example.com");
    assert_eq!(args["data"], json!({ "orderNumber": "A-1", "pieces": 2 }));
}

#[tokio::test]
async fn an_order_of_nobody_has_none() {
    let mut rows = Rows::default();
    let refused = confirm(&mut rows, &order("nobody")).await;
    assert!(
        matches!(refused, Err(OutboxError::Refused(_))),
        "{refused:?}"
    );
    assert!(rows.0.is_empty());
}

#[tokio::test]
async fn while_postgres_is_away_buyers_are_told_to_try_again_and_nothing_is_enqueued() {
    let recorder = Recorder::new();
    let order = json!({ "id": "A-1", "email": "ada@example.com", "pieces": 2 });
    let (status, told) = ask(&recorder, "POST", "/orders", order).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told, json!({ "error": "database" }));
    recorder.assert_nothing();
}

#[tokio::test]
async fn who_waits_for_a_payment_is_told_how_it_went() {
    let recorder = Recorder::new();
    recorder.complete::<CreatePaymentIntent>(json!({ "payment_intent": "pi_1" }));
    let payment = json!({
        "order_id": "A-1", "user_id": "user-7", "amount": 19_900, "currency": "nok",
    });
    let (status, told) = ask(&recorder, "POST", "/payments", payment).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let payment =
        recorder.assert_enqueued(&CreatePaymentIntent::new("A-1", "user-7", 19_900, "nok"));
    assert_eq!(payment.key.as_deref(), Some("pay-A-1"));

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
async fn a_payment_of_nothing_is_refused() {
    let recorder = Recorder::new();
    let payment = json!({
        "order_id": "A-1", "user_id": "user-7", "amount": 0, "currency": "nok",
    });
    let (status, told) = ask(&recorder, "POST", "/payments", payment).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(told, json!({ "error": "invalid_args" }));
    recorder.assert_nothing();
}

fn signed(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.parse().expect("a value"));
    headers.insert("webhook-timestamp", timestamp.parse().expect("a value"));
    headers.insert("webhook-signature", signature.parse().expect("a value"));
    headers
}

#[test]
fn only_what_longshore_has_signed_a_moment_ago_is_believed() {
    // The example of the specification.
    let body = br#"{"test": 2432232314}"#;
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let at = UNIX_EPOCH + Duration::from_secs(1_614_265_330);
    let of = |signature: &str, body: &[u8], now: SystemTime| {
        signatures().verify(&signed(id, "1614265330", signature), body, now)
    };
    assert!(of(right, body, at));
    assert_eq!(signatures().sign(id, "1614265330", body), right);
    let rotated = format!("v1,AAAA v1a,ignored {right}");
    assert!(of(&rotated, body, at), "one of several is enough");

    assert!(!of(right, b"{}", at), "another body");
    assert!(!of("v1,AAAA", body, at));
    assert!(!of("", body, at));
    let (later, before) = (at + Duration::from_secs(301), at - Duration::from_secs(301));
    assert!(
        !of(right, body, later) && !of(right, body, before),
        "not fresh"
    );
    assert!(!signatures().verify(&HeaderMap::new(), body, at));
    let other = Signatures::new("whsec_AAAA").expect("it is of that form");
    assert!(!other.verify(&signed(id, "1614265330", right), body, at));
    assert!(Signatures::new("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
}

#[tokio::test]
async fn what_nobody_signed_is_refused() {
    let recorder = Recorder::new();
    let event = json!({ "type": "job.completed", "data": { "id": "a", "sequence": 1 } });
    let (status, told) = ask(&recorder, "POST", "/events", event).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(told, json!({ "error": "not_signed" }));
}
