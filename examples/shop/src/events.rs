//! What Longshore tells the shop of its jobs, as Standard Webhooks has it.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::AppState;
use crate::error::Problem;

#[derive(Debug, Deserialize)]
struct Event {
    /// `job.completed`, `job.dead`, `delivery.bounced`, …
    #[serde(rename = "type")]
    what: String,
    data: EndedJob,
}

#[derive(Debug, Deserialize)]
struct EndedJob {
    id: String,
    sequence: i64,
}

/// The same event may come twice, and an older one after a newer one: `sequence` tells. An event that is about no order is taken,
/// too: anything but a 2xx would have it sent again.
pub(crate) async fn take(
    State(app): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    if !app.signatures.verify(&headers, &body, SystemTime::now()) {
        return Err(Problem::NotSigned);
    }
    let event: Event = serde_json::from_slice(&body).map_err(|_| Problem::NotUnderstood)?;
    let mail = match event.what.as_str() {
        "job.completed" => "sent",
        "delivery.delivered" => "delivered",
        "job.dead" | "delivery.bounced" => "failed",
        _ => return Ok(StatusCode::NO_CONTENT),
    };
    let update = "UPDATE orders SET mail = $2, mail_sequence = $3 WHERE mail_job = $1 AND mail_sequence < $3";
    sqlx::query(update)
        .bind(event.data.id)
        .bind(mail)
        .bind(event.data.sequence)
        .execute(&app.db)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
