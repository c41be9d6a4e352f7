//! Events over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::get;
use longshore_sandbox::axum::{Json, Router, extract};

use super::{PostmarkPosted, PostmarkWebhook, State};

type Shared = extract::State<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/webhooks", get(read).put(set))
        .route("/sandbox/webhooks/told", get(posted_events))
        .with_state(state)
}

async fn read(state: Shared) -> Json<PostmarkWebhook> {
    Json(state.webhook.borrow().clone())
}

async fn set(state: Shared, Json(new): Json<PostmarkWebhook>) -> StatusCode {
    state.webhook.send_replace(new);
    StatusCode::NO_CONTENT
}

async fn posted_events(state: Shared) -> Json<Vec<PostmarkPosted>> {
    Json(state.posted.borrow().clone())
}
