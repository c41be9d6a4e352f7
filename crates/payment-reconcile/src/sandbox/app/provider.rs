//! What the app would answer.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::axum::{Json, Router};
use longshore_sandbox::{Draft, FaultCheck, StandInService, signed};
use serde_json::{Value, json};

use super::effect::AppEffect;
use super::{Applied, State, control, payments};

/// How old a signature may be, in seconds.
const TOLERANCE: u64 = 300;

#[derive(Debug)]
pub(super) struct App {
    pub(super) state: Arc<State>,
}

/// A status, and why.
type Refusal = (StatusCode, &'static str);

impl StandInService for App {
    fn name(&self) -> &'static str {
        "app"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let answer = match (&request.method, request.uri.path()) {
            (&Method::POST, "/payments/effects") => self.apply(&request.headers, body, check),
            (&Method::GET, "/payments") => self.list(request),
            (_, "/payments/effects" | "/payments") => {
                Err((StatusCode::METHOD_NOT_ALLOWED, "another method"))
            }
            _ => Err((StatusCode::NOT_FOUND, "there is no such path")),
        };
        answer.unwrap_or_else(|(status, why)| {
            let body = json!({ "error": why }).to_string();
            (status, [(CONTENT_TYPE, "application/json")], body).into_response()
        })
    }

    fn explain(&self, status: u16) -> String {
        json!({ "error": format!("answered {status} on demand") }).to_string()
    }

    fn control(&self) -> Router {
        control::router(Arc::clone(&self.state))
    }
}

impl App {
    /// `POST /payments/effects`
    fn apply(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        check: &mut FaultCheck<'_>,
    ) -> Result<Response, Refusal> {
        let bad = |why| (StatusCode::BAD_REQUEST, why);
        self.check(header(headers, "longshore-signature"), body)?;
        let key = header(headers, "idempotency-key").filter(|key| !key.is_empty());
        let key = key.ok_or(bad("no Idempotency-Key"))?;
        let effect: AppEffect =
            serde_json::from_slice(body).map_err(|_| bad("the body is no effect"))?;
        if effect.event_id != key {
            return Err(bad("Idempotency-Key is not the event's id"));
        }
        // Held to the end: of two requests with one key, one comes later.
        let mut book = self.state.book();
        if let Some(&place) = book.by_event.get(key) {
            if book.applied[place].effect != effect {
                let why = "another effect under the same Idempotency-Key";
                return Err((StatusCode::UNPROCESSABLE_ENTITY, why));
            }
            if check.carries_out(Vec::new()) {
                book.applied[place].times += 1;
            }
            return Ok(Json(book.applied[place].answer.clone()).into_response());
        }
        let answer = effect.answer(&book.contact);
        let draft = Draft {
            job: None,
            template: None,
            recipient: effect.effect.as_str().to_owned(),
            id: effect.event_id.clone(),
        };
        if check.carries_out(vec![draft]) {
            effect.apply(&mut book.payments);
            let place = book.applied.len();
            book.by_event.insert(key.to_owned(), place);
            book.applied.push(Applied {
                effect,
                answer: answer.clone(),
                times: 1,
            });
        }
        Ok(Json(answer).into_response())
    }

    /// `GET /payments?from=…&to=…&cursor=…`
    fn list(&self, request: &Parts) -> Result<Response, Refusal> {
        if let Some(signature) = header(&request.headers, "longshore-signature") {
            self.check(Some(signature), b"")?;
        }
        let query = request.uri.query().unwrap_or_default();
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let bad = |why| (StatusCode::BAD_REQUEST, why);
        let time = |name: &str, why| {
            let time = query
                .get(name)
                .and_then(|text| text.parse::<Timestamp>().ok());
            time.ok_or(bad(why))
        };
        let from = time("from", "from is no RFC 3339 time")?;
        let to = time("to", "to is no RFC 3339 time")?;
        let cursor = match query.get("cursor") {
            Some(cursor) => payments::cursor(cursor).ok_or(bad("no such cursor"))?,
            None => (0, 0),
        };
        let book = self.state.book();
        let page = book.payments.page(from, to, cursor, book.page_size);
        Ok(Json(page).into_response())
    }

    fn check(&self, signature: Option<&str>, body: &[u8]) -> Result<(), Refusal> {
        let wrong = |why| (StatusCode::UNAUTHORIZED, why);
        let signature = signature.ok_or(wrong("no Longshore-Signature"))?;
        let secret = self.state.book().secret.clone();
        let time = signed::time_of(signature, &secret, body);
        let time = time.ok_or(wrong("the signature is not of this body"))?;
        match time.abs_diff(signed::now()) <= TOLERANCE {
            true => Ok(()),
            false => Err(wrong("the signature is not of this time")),
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whom to write to about a payment that failed, unless it is set.
pub(super) fn contact() -> Value {
    json!({
        "email": { "email": "customer@example.com", "name": "Kari Nordmann" },
        "data": { "retry_url": "https://shop.example.com/retry" },
    })
}
