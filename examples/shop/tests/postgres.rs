//! What only a real Postgres can show: an order and its job commit together, or neither is there.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use longshore_sandbox::PostgresServer;
use longshore_testing::Recorder;
use serde_json::{Value, json};
use shop::{AppState, Signatures};
use sqlx::PgPool;
use tower::ServiceExt;

fn signatures() -> Signatures {
    Signatures::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("it is of that form")
}

/// The shop on this database.
async fn shop(postgres: &PostgresServer) -> Router {
    let db = PgPool::connect(&postgres.url()).await.expect("connects");
    shop::migrate(&db).await.expect("migrates");
    shop::router(AppState {
        db,
        jobs: Recorder::new().client(),
        signatures: signatures(),
    })
}

async fn ask(shop: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let answer = shop.clone().oneshot(request).await.expect("never fails");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body");
    let body = serde_json::from_slice(&body.to_bytes());
    (status, body.unwrap_or_default())
}

async fn order(shop: &Router, id: &str, pieces: i32) -> StatusCode {
    let body = json!({ "id": id, "email": "ada@example.com", "pieces": pieces });
    let request = Request::post("/orders").header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string()));
    ask(shop, request.expect("a request")).await.0
}

/// What the shop was told of an order's mail.
async fn mail_of(shop: &Router, id: &str) -> Value {
    let request = Request::get(format!("/orders/{id}")).body(Body::empty());
    let (_, order) = ask(shop, request.expect("a request")).await;
    order["mail"].clone()
}

/// Tells the shop of a job, as Longshore does.
async fn tell(shop: &Router, job: &str, what: &str, sequence: u32) -> StatusCode {
    let body = json!({ "type": what, "data": { "id": job, "sequence": sequence } }).to_string();
    let id = format!("{job}-{sequence}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs().to_string();
    let signature = signatures().sign(&id, &now, body.as_bytes());
    let request = Request::post("/events")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature);
    ask(shop, request.body(Body::from(body)).expect("a request"))
        .await
        .0
}

const BOTH: &str = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM longshore_outbox)";

#[tokio::test]
async fn an_order_and_its_mail_commit_together_and_once() {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    let shop = shop(&postgres).await;
    assert_eq!(order(&shop, "A-1", 2).await, StatusCode::CREATED);
    assert_eq!(order(&shop, "A-1", 2).await, StatusCode::OK, "once more");
    assert_eq!(postgres.sql(BOTH), "1|1");
    // The mail is in the transaction before the database refuses the order: both are rolled back.
    assert_eq!(
        order(&shop, "A-2", 0).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(postgres.sql(BOTH), "1|1");
    let same = "SELECT mail_job = longshore_outbox.id FROM orders, longshore_outbox";
    assert_eq!(postgres.sql(same), "t");
}

#[tokio::test]
async fn what_became_of_the_mail_is_noted_and_the_newest_holds() {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    let shop = shop(&postgres).await;
    assert_eq!(order(&shop, "A-1", 2).await, StatusCode::CREATED);
    assert_eq!(mail_of(&shop, "A-1").await, "on its way");
    let job = postgres.sql("SELECT mail_job FROM orders");
    for (what, sequence, noted) in [
        ("job.completed", 1, "sent"),
        ("job.completed", 1, "sent"),
        ("delivery.bounced", 3, "failed"),
        ("delivery.delivered", 2, "failed"),
        ("delivery.opened", 4, "failed"),
    ] {
        assert_eq!(
            tell(&shop, &job, what, sequence).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(mail_of(&shop, "A-1").await, noted, "{what} {sequence}");
    }
    let other = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";
    assert_eq!(
        tell(&shop, other, "job.dead", 1).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(mail_of(&shop, "A-1").await, "failed");
}
