//! Events over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::get;
use longshore_sandbox::axum::{Json, Router, extract};

use super::{EventWebhook, EventsPosted, State};

type Shared = extract::State<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/webhooks", get(read).put(set))
        .route("/sandbox/webhooks/told", get(posted_events))
        .route("/sandbox/webhooks/public_key", get(public_key))
        .with_state(state)
}

async fn read(state: Shared) -> Json<EventWebhook> {
    Json(state.webhook.borrow().clone())
}

async fn set(state: Shared, Json(new): Json<EventWebhook>) -> StatusCode {
    state.webhook.send_replace(new);
    StatusCode::NO_CONTENT
}

async fn posted_events(state: Shared) -> Json<Vec<EventsPosted>> {
    Json(state.posted.borrow().clone())
}

async fn public_key(state: Shared) -> String {
    state.key().public()
}
