//! `/v1/jobs/{id}`: look at one, wait for its end, take it back, give it another time.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use longshore_client::{Cancelled, Rescheduled, RunAt};
use longshore_job::JobId;

use crate::body;
use crate::door::{Door, Seen};
use crate::error::{ApiError, Finding};
use crate::fields::Fields;
use crate::query;
use crate::tokens::Caller;
use crate::wait;

/// The longest reason for a change, in characters.
const MOST_REASON: usize = 1_000;

/// `GET /v1/jobs/{id}?wait=20s`
pub(crate) async fn show(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let wait = wait::asked(query.as_deref())?;
    let id = parse(id)?;
    let mut seen = door.job(&caller, id).await?;
    if !seen.has_ended && !wait.is_zero() {
        let place = door.place_to_wait(&caller)?;
        let private = place.until(door.client.wait(id, wait)).await?;
        seen = door.job(&caller, id).await?.with_private(private);
    }
    Ok(axum::Json(seen.json).into_response())
}

/// `POST /v1/jobs/{id}/cancel`
pub(crate) async fn cancel(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    query::none(head.uri.query())?;
    let id = parse(id)?;
    let read = body::json_if_any(&head, body).await?;
    let reason = match &read {
        None => None,
        Some(read) => {
            let text = body::text(&read.bytes)?;
            let mut fields = Fields::read(text, &["reason"]).map_err(invalid_json)?;
            let reason = reason(&mut fields);
            fields.done().map_err(invalid_option)?;
            reason
        }
    };
    door.job(&caller, id).await?;
    let client = door.client_of(&caller, &head.headers);
    let reason = reason.unwrap_or_default();
    let came = client.cancel(id, &reason).await;
    let came = came.map_err(|error| door.failed(error))?;
    let status = match came {
        Cancelled::Yes | Cancelled::Already => StatusCode::OK,
        Cancelled::Asked => StatusCode::ACCEPTED,
        Cancelled::MayHaveBeenSent => {
            return Err(ApiError::conflict(
                "may_have_been_sent",
                "a request of the job may have been carried out, so it goes on: an operator can cancel it all the same",
            ));
        }
        Cancelled::Completed | Cancelled::Dead => {
            return Err(ApiError::conflict(
                "job_ended",
                "the job has ended already: nothing was changed",
            ));
        }
        Cancelled::Unknown => return Err(ApiError::no_job()),
    };
    answer(&door, &caller, id, status).await
}

/// `POST /v1/jobs/{id}/reschedule`
pub(crate) async fn reschedule(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    query::none(head.uri.query())?;
    let id = parse(id)?;
    let read = body::json(&head, body).await?;
    let text = body::text(&read.bytes)?;
    let mut fields = Fields::read(text, &["in", "at", "reason"]).map_err(invalid_json)?;
    let (delay, at) = (fields.duration("in"), fields.time("at"));
    match (fields.raw("in"), fields.raw("at")) {
        (None, None) => fields.wrong("at", "is missing: send `at` or `in`"),
        (Some(_), Some(_)) => fields.wrong("at", "stands beside `in`: send one of the two"),
        _ => {}
    }
    let reason = reason(&mut fields).unwrap_or_default();
    fields.done().map_err(invalid_option)?;
    let when = match (delay, at) {
        (Some(delay), _) => RunAt::In(delay),
        (None, Some(at)) => RunAt::At(at),
        (None, None) => RunAt::Now,
    };
    door.job(&caller, id).await?;
    let client = door.client_of(&caller, &head.headers);
    let came = client.reschedule(id, when, &reason).await;
    match came.map_err(|error| door.failed(error))? {
        Rescheduled::Yes | Rescheduled::Same => answer(&door, &caller, id, StatusCode::OK).await,
        Rescheduled::Elsewhere(state) => Err(ApiError::conflict(
            "not_waiting",
            format!("the job is {state}: only one that waits can be given another time"),
        )),
        Rescheduled::Unknown => Err(ApiError::no_job()),
    }
}

async fn answer(
    door: &Door,
    caller: &Caller,
    id: JobId,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let Seen { json, .. } = door.job(caller, id).await?;
    Ok((status, axum::Json(json)).into_response())
}

/// Why it is changed, for whoever looks at the job or reads the audit.
fn reason(fields: &mut Fields<'_>) -> Option<String> {
    let reason = fields.text("reason")?;
    if reason.chars().count() > MOST_REASON {
        fields.wrong(
            "reason",
            format!("must be at most {MOST_REASON} characters long"),
        );
    }
    Some(reason)
}

fn parse(id: Result<Path<String>, PathRejection>) -> Result<JobId, ApiError> {
    let read = id.ok().and_then(|Path(id)| id.parse().ok());
    read.ok_or_else(|| {
        let problem =
            "is not a job id: that is 26 upper-case characters, such as 01JD2Z5V9GQ8X0T6M3K7W4R1YB";
        ApiError::wrong("invalid_id", vec![Finding::new("id", problem)])
    })
}

pub(crate) fn invalid_json(finding: Finding) -> ApiError {
    ApiError::wrong("invalid_json", vec![finding])
}

pub(crate) fn invalid_option(findings: Vec<Finding>) -> ApiError {
    ApiError::wrong("invalid_option", findings)
}
