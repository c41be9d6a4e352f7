//! A shop that enqueues jobs: a mail to each new user, and a mail and a payment for each order.

mod error;

use std::time::Duration;

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use longshore_client::kinds::{CreatePaymentIntent, SendEmail};
use longshore_client::{Client, ClientError, JobId};
use serde::Deserialize;
use serde_json::{Value, json};

use error::Problem;

/// What every request may use. A database pool would stand here, too.
#[derive(Debug, Clone)]
pub struct AppState {
    /// Where jobs go.
    pub jobs: Client,
}

/// A client for web requests: it shows an error rather than wait out an outage of Redis.
///
/// # Errors
/// When the URL is not a Redis URL.
pub fn client(redis: &str) -> Result<Client, ClientError> {
    Client::builder(redis)
        .name("shop")
        .give_up_after(Duration::from_millis(500))
        .fail_fast(true)
        .build()
}

/// The shop.
pub fn router(jobs: Client) -> Router {
    Router::new()
        .route("/users", post(sign_up))
        .route("/orders", post(order))
        .route("/payments/{job}", get(payment))
        .with_state(AppState { jobs })
}

#[derive(Debug, Deserialize)]
struct NewUser {
    id: String,
    email: String,
}

/// However often the request is repeated, one mail is sent: the key says so.
async fn sign_up(
    State(app): State<AppState>,
    Json(user): Json<NewUser>,
) -> Result<StatusCode, Problem> {
    let mail = SendEmail::new("welcome", user.email);
    let key = format!("welcome-{}", user.id);
    app.jobs.enqueue(mail).key(key).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Debug, Deserialize)]
struct NewOrder {
    id: String,
    user_id: String,
    email: String,
    amount: u64,
    currency: String,
}

/// Two jobs in one call: if one of them is wrong, neither is enqueued.
async fn order(
    State(app): State<AppState>,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mail =
        SendEmail::new("order_confirmation", order.email).data(json!({ "orderNumber": order.id }));
    let payment = CreatePaymentIntent::new(&order.id, order.user_id, order.amount, order.currency);
    let mut batch = app.jobs.batch();
    batch.add(mail).key(format!("confirm-{}", order.id));
    batch.add(payment).key(format!("pay-{}", order.id));
    let enqueued = batch.send().await?;
    let payment = enqueued.last().map(|job| job.id.to_string());
    Ok((StatusCode::ACCEPTED, Json(json!({ "payment": payment }))))
}

/// How long the user's browser may wait for one answer. It asks again.
const WAIT: Duration = Duration::from_secs(20);

/// What became of a payment: at once if it has ended, else as soon as it ends.
async fn payment(
    State(app): State<AppState>,
    Path(job): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id: JobId = job.parse().map_err(|_| Problem::NoSuchPayment)?;
    let ended = match app.jobs.wait(id, WAIT).await {
        Ok(ended) => ended,
        Err(ClientError::StillRunning { .. }) => {
            return Ok((StatusCode::ACCEPTED, Json(json!({ "state": "running" }))));
        }
        Err(error) => return Err(error.into()),
    };
    let told = json!({ "state": ended.state, "result": ended.result, "code": ended.code });
    Ok((StatusCode::OK, Json(told)))
}
