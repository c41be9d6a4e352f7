//! Users: a job that belongs to no data of the shop goes straight into the queue.

use axum::extract::{Json, State};
use axum::http::StatusCode;
use longshore_client::kinds::SendEmail;
use serde::Deserialize;

use crate::AppState;
use crate::error::Problem;

#[derive(Debug, Deserialize)]
pub(crate) struct NewUser {
    id: String,
    email: String,
}

/// However often the request is repeated, one mail is sent: the key says so.
pub(crate) async fn sign_up(
    State(app): State<AppState>,
    Json(user): Json<NewUser>,
) -> Result<StatusCode, Problem> {
    let mail = SendEmail::new("welcome", user.email);
    let key = format!("welcome-{}", user.id);
    app.jobs.enqueue(mail).key(key).await?;
    Ok(StatusCode::CREATED)
}
