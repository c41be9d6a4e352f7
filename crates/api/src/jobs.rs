//! `/v1/jobs`: enqueue one, and find the one that holds a key.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use longshore_client::Enqueued;
use serde::Serialize;
use serde_json::Value;

use crate::body;
use crate::door::Door;
use crate::error::{ApiError, Finding};
use crate::order;
use crate::query::Query;
use crate::tokens::Caller;
use crate::wait;

/// The header with the key.
const KEY: &str = "idempotency-key";

/// `POST /v1/jobs`
pub(crate) async fn enqueue(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let wait = wait::asked(head.uri.query())?;
    let read = body::json(&head, body).await?;
    let key = header_key(&head.headers)?;
    let order = order::read(&door, &caller, body::text(&read.bytes)?, key.as_deref())?;
    // Its memory is for others while Redis is waited for.
    drop(read);
    let client = door.client_of(&caller, &head.headers);
    let warning = (door.foresee)(&order.0);
    if wait.is_zero() {
        let enqueued = client.enqueue_prepared([order]).await;
        let enqueued = enqueued.map_err(|error| door.failed(error))?;
        let Some(enqueued) = enqueued.first() else {
            return Err(ApiError::unavailable("busy", "nothing was enqueued"));
        };
        door.count(std::slice::from_ref(enqueued));
        return Ok(accepted(enqueued, Accepted::new(enqueued).warned(warning)));
    }
    let place = door.place_to_wait(&caller)?;
    let (job, options) = order;
    let enqueued = client.enqueue_prepared_and_listen(job, &options, wait);
    let (enqueued, ended) = enqueued.await.map_err(|error| door.failed(error))?;
    door.count(std::slice::from_ref(&enqueued));
    let mut answer = Accepted::new(&enqueued).warned(warning);
    // The job is accepted: whatever cannot be said of it now is asked for by its id.
    if let Ok(private) = place.until(ended).await
        && let Ok(seen) = door.job(&caller, enqueued.id).await
    {
        answer.job = Some(seen.with_private(private).json);
    }
    Ok(accepted(&enqueued, answer))
}

fn accepted(enqueued: &Enqueued, answer: Accepted) -> Response {
    let status = match enqueued.duplicate {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let place = [(LOCATION, format!("/v1/jobs/{}", enqueued.id))];
    (status, place, axum::Json(answer)).into_response()
}

/// An accepted job, as answers have it.
#[derive(Serialize)]
pub(crate) struct Accepted {
    /// Which line of a bulk, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    pub(crate) id: String,
    pub(crate) duplicate: bool,
    /// Why the job cannot succeed, as far as this process knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    /// The job, where the request waited for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<Value>,
}

impl Accepted {
    pub(crate) fn new(enqueued: &Enqueued) -> Self {
        Self {
            line: None,
            id: enqueued.id.to_string(),
            duplicate: enqueued.duplicate,
            warnings: Vec::new(),
            job: None,
        }
    }

    /// Of a duplicate nothing was enqueued that could be warned of.
    pub(crate) fn warned(self, warning: Option<String>) -> Self {
        let warnings = match self.duplicate {
            true => Vec::new(),
            false => warning.into_iter().collect(),
        };
        Self { warnings, ..self }
    }
}

impl Door {
    /// Counts what was enqueued.
    pub(crate) fn count(&self, enqueued: &[Enqueued]) {
        let new = enqueued.iter().filter(|job| !job.duplicate).count();
        self.metrics.jobs.inc_by(new as u64);
    }
}

/// The key that a request has in its header.
pub(crate) fn header_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let wrong = |problem: &str| {
        let finding = Finding::new("Idempotency-Key", problem);
        Err(ApiError::wrong("invalid_option", vec![finding]))
    };
    let mut keys = headers.get_all(KEY).iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    if keys.next().is_some() {
        return wrong("stands there twice");
    }
    match std::str::from_utf8(key.as_bytes()) {
        Ok(key) => Ok(Some(key.to_owned())),
        Err(_) => wrong("is not UTF-8"),
    }
}

/// `GET /v1/jobs?kind=K&key=KEY`
pub(crate) async fn find(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let mut query = Query::read(query.as_deref(), &["kind", "key"]);
    let (kind, key) = (query.needed("kind"), query.needed("key"));
    if key
        .as_ref()
        .is_some_and(|key| !(1..=256).contains(&key.len()))
    {
        query.wrong("key", "must be 1 to 256 bytes long");
    }
    let (Some(kind), Some(key)) = query.done((kind, key))? else {
        return Err(ApiError::wrong("invalid_option", Vec::new()));
    };
    if door.kinds.find(&kind).is_none() {
        let finding = Finding::new("kind", "is not a kind: GET /v1/kinds lists them");
        return Err(ApiError::wrong("unknown_kind", vec![finding]));
    }
    caller.allow(Some(&kind))?;
    let found = door.client.find_by_name(&kind, &key).await;
    let id = found.map_err(|error| door.failed(error))?;
    let id = id.ok_or_else(|| ApiError::not_found("no job holds this key"))?;
    Ok(axum::Json(door.job(&caller, id).await?.json).into_response())
}
