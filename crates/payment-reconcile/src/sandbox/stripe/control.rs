//! Webhooks, keys and planting over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::extract::DefaultBodyLimit;
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::{delete, get, post, put};
use longshore_sandbox::axum::{Json, Router, extract};
use serde::Deserialize;

use super::{EventTold, PlantedPaymentIntent, State, WebhookSettings};

type Shared = extract::State<Arc<State>>;

/// Errors that are saved under the key of the request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedErrors {
    count: usize,
    #[serde(default)]
    effect: bool,
}

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/webhooks", get(webhooks).put(set_webhooks))
        .route("/sandbox/webhooks/told", get(events_told))
        .route("/sandbox/payment_intents", post(plant))
        .route("/sandbox/idempotency_keys", delete(expire))
        .route("/sandbox/saved_errors", put(save_errors))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn webhooks(state: Shared) -> Json<WebhookSettings> {
    Json(state.webhooks.borrow().clone())
}

async fn set_webhooks(state: Shared, Json(new): Json<WebhookSettings>) -> StatusCode {
    state.webhooks.send_replace(new);
    StatusCode::NO_CONTENT
}

async fn events_told(state: Shared) -> Json<Vec<EventTold>> {
    Json(state.told.borrow().clone())
}

async fn plant(state: Shared, Json(new): Json<Vec<PlantedPaymentIntent>>) -> Json<Vec<String>> {
    Json(state.plant(new))
}

async fn expire(state: Shared) -> StatusCode {
    state.book().saved.clear();
    StatusCode::NO_CONTENT
}

async fn save_errors(state: Shared, Json(new): Json<SavedErrors>) -> StatusCode {
    state.save_errors(new.count, new.effect);
    StatusCode::NO_CONTENT
}
