//! Payments: the user waits for the answer, so the job goes straight into the queue, and the shop waits for its end.

use std::time::Duration;

use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use longshore_client::kinds::CreatePaymentIntent;
use longshore_client::{ClientError, JobId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::AppState;
use crate::error::Problem;

#[derive(Debug, Deserialize)]
pub(crate) struct NewPayment {
    order_id: String,
    user_id: String,
    amount: u64,
    currency: String,
}

/// A browser that tries again gets the same payment: the key says so.
pub(crate) async fn begin(
    State(app): State<AppState>,
    Json(new): Json<NewPayment>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = format!("pay-{}", new.order_id);
    let payment = CreatePaymentIntent::new(new.order_id, new.user_id, new.amount, new.currency);
    let job = app.jobs.enqueue(payment).key(key).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "payment": job.to_string() })),
    ))
}

/// How long the browser may wait for one answer. It asks again.
const WAIT: Duration = Duration::from_secs(20);

/// What became of a payment: at once if it has ended, else as soon as it ends.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(job): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id: JobId = job.parse().map_err(|_| Problem::NotFound)?;
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
