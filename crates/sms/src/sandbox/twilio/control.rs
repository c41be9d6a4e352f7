//! Callbacks over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::{get, post};
use longshore_sandbox::axum::{Json, Router, extract};

use super::{Callbacks, CalledBack, InboundText, State, courier};

type Shared = extract::State<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/callbacks", get(read).put(set))
        .route("/sandbox/callbacks/made", get(made))
        .route("/sandbox/inbound", post(inbound))
        .with_state(state)
}

async fn read(state: Shared) -> Json<Callbacks> {
    Json(state.callbacks.borrow().clone())
}

async fn set(state: Shared, Json(new): Json<Callbacks>) -> StatusCode {
    state.callbacks.send_replace(new);
    StatusCode::NO_CONTENT
}

async fn made(state: Shared) -> Json<Vec<CalledBack>> {
    Json(state.called_back.borrow().clone())
}

/// What it was answered with; 502 where there was no answer.
async fn inbound(state: Shared, Json(text): Json<InboundText>) -> (StatusCode, String) {
    match courier::post_inbound(&state, &text).await {
        Ok(Some(answer)) => (StatusCode::OK, format!("answered {answer}\n")),
        Ok(None) => (StatusCode::BAD_GATEWAY, "no answer\n".to_owned()),
        Err(error) => (StatusCode::CONFLICT, format!("{error}\n")),
    }
}
