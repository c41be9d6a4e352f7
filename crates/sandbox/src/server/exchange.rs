//! One request and what it gets.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::Shared;
use crate::provider::{Decided, FaultCheck};
use crate::{Fault, control};

/// The largest request body that is read: 30 MiB, about what SendGrid takes.
const MAX_BODY_BYTES: usize = 30 * 1024 * 1024;

/// Nothing that HTTP has an answer for: hyper closes the connection when it gets this.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
pub(super) struct HangUp;

/// Answers one request, or does not. `looked_at` says whether its connection was asked about before it was read.
pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    looked_at: bool,
) -> Result<Response, HangUp> {
    if request.uri().path().starts_with(control::PREFIX) {
        let control = shared.control.clone();
        return match control.oneshot(request.map(Body::new)).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        };
    }
    let provider = &shared.provider;
    if !looked_at && shared.faults.hang_up_unread() {
        // The rule is newer than the connection: as little as possible is read.
        shared.ledger.note(provider.name(), Vec::new());
        return Err(HangUp);
    }
    let (head, body) = request.into_parts();
    let mut check = FaultCheck::new(&shared.faults);
    let answer = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => provider.answer(&head, &body.to_bytes(), &mut check),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            explained(&shared, StatusCode::PAYLOAD_TOO_LARGE)
        }
        // The client went away in the middle of its request.
        Err(_) => return Err(HangUp),
    };
    let Decided { fault, effects } = check.end();
    // Noted before anything is answered, as a provider does.
    shared.ledger.note(provider.name(), effects);
    let id = provider
        .request_id()
        .and_then(|name| Some((name.clone(), answer.headers().get(name)?.clone())));
    let mut answer = spoilt(&shared, answer, fault).await?;
    if let Some((name, value)) = id {
        answer.headers_mut().entry(name).or_insert(value);
    }
    Ok(answer)
}

/// The right answer, or what a fault makes of it.
async fn spoilt(
    shared: &Shared,
    answer: Response,
    fault: Option<Fault>,
) -> Result<Response, HangUp> {
    match fault {
        None => Ok(answer),
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(answer)
        }
        // hyper drops this when the client gives up.
        Some(Fault::NeverAnswer { .. }) => std::future::pending().await,
        Some(Fault::HangUp { .. } | Fault::HangUpUnread) => Err(HangUp),
        Some(Fault::Garbage { status, .. }) => Ok((
            valid(status),
            Body::from(&b"\x1f\x8b\xff\xfe\0not text"[..]),
        )
            .into_response()),
        Some(Fault::Throttle {
            retry_after_seconds,
            reset_in_seconds,
        }) => Ok(throttled(shared, retry_after_seconds, reset_in_seconds)),
        Some(Fault::Answer {
            status,
            headers,
            body,
            ..
        }) => {
            let mut response = match body {
                Some(body) => (valid(status), Body::from(body)).into_response(),
                None => explained(shared, valid(status)),
            };
            for (name, value) in &headers {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                    response.headers_mut().insert(name, value);
                }
            }
            Ok(response)
        }
    }
}

fn throttled(shared: &Shared, retry_after: Option<u64>, reset_in: Option<u64>) -> Response {
    let mut response = explained(shared, StatusCode::TOO_MANY_REQUESTS);
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(seconds) = reset_in {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let reset = now.map_or(0, |now| now.as_secs()).saturating_add(seconds);
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset.into());
    }
    response
}

/// An answer of this status, explained in the provider's way.
fn explained(shared: &Shared, status: StatusCode) -> Response {
    let json = HeaderValue::from_static("application/json");
    let body = shared.provider.explain(status.as_u16());
    (status, [(CONTENT_TYPE, json)], body).into_response()
}

/// Rules were checked when they were set.
fn valid(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
