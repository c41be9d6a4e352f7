//! `GET /v1/kinds`: what may be enqueued.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::door::Door;
use crate::error::ApiError;
use crate::query;
use crate::tokens::Caller;

/// The kinds of the caller's token.
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    query::none(query.as_deref())?;
    let theirs = door.kind_rows.iter().filter(|(kind, _)| caller.may(kind));
    let rows: Vec<&Value> = theirs.map(|(_, row)| row).collect();
    Ok(axum::Json(rows).into_response())
}
