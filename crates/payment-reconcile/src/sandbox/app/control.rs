//! Effects and payments over HTTP, for programs in other processes.

use std::sync::Arc;

use longshore_sandbox::axum::extract::DefaultBodyLimit;
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::{get, post};
use longshore_sandbox::axum::{Json, Router, extract};

use super::{AppPayment, Applied, State};

type Shared = extract::State<Arc<State>>;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/sandbox/effects", get(effects))
        .route("/sandbox/payments", post(plant))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

async fn effects(state: Shared) -> Json<Vec<Applied>> {
    Json(state.book().applied.clone())
}

async fn plant(state: Shared, Json(new): Json<Vec<AppPayment>>) -> StatusCode {
    state.plant(new);
    StatusCode::NO_CONTENT
}
