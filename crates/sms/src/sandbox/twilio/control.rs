//! Status callbacks over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::get;
use longshore_sandbox::axum::{Json, Router, extract};

use super::{Callbacks, CalledBack, State};

type Shared = extract::State<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/callbacks", get(read).put(set))
        .route("/sandbox/callbacks/made", get(made))
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
