//! Objects over HTTP, for programs in other processes.

use std::time::Duration;

use longshore_sandbox::axum::extract::{Path, State};
use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::routing::{get, put};
use longshore_sandbox::axum::{Json, Router};

use super::shelf::{Planted, Shelf};

pub(super) fn router(shelf: Shelf) -> Router {
    Router::new()
        .route("/sandbox/objects", put(plant))
        .route("/sandbox/objects/{bucket}", get(keys))
        .with_state(shelf)
}

async fn plant(State(shelf): State<Shelf>, Json(new): Json<Planted>) -> StatusCode {
    let age = Duration::from_secs(new.age_seconds);
    shelf.plant(&new.bucket, &new.key, new.body.into_bytes(), age);
    StatusCode::NO_CONTENT
}

async fn keys(State(shelf): State<Shelf>, Path(bucket): Path<String>) -> Json<Vec<String>> {
    Json(shelf.keys(&bucket))
}
