//! What Stripe would answer.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use longshore_sandbox::axum::Router;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{FaultCheck, StandInService, signed};
use serde_json::Value;

use super::book::{Book, Cause};
use super::event::API_VERSION;
use super::idempotency::{Saved, check_key};
use super::operation::Operation;
use super::params::Params;
use super::plan::Maker;
use super::problem::Problem;
use super::read::read;
use super::{State, StripeRequest, control};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL: HeaderName = HeaderName::from_static("original-request");

#[derive(Debug)]
pub(super) struct Stripe {
    pub(super) state: Arc<State>,
}

/// One answer, before it is put on the wire.
struct Answer {
    status: u16,
    body: String,
    /// The id of the request whose result this is, when it is another one's.
    replayed: Option<String>,
}

/// Who asks what.
struct Asked<'a> {
    /// Its id.
    request: &'a str,
    livemode: bool,
    delete: bool,
    path: &'a str,
    key: Option<String>,
}

impl StandInService for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let id = self.state.ids.next("req_");
        let answer = self.answered(request, body, &id, check);
        let answer = answer.unwrap_or_else(|problem| Answer::of(&problem));
        let version = text(&request.headers, &VERSION);
        let key = text(&request.headers, &KEY);
        self.state.note(StripeRequest {
            id: id.clone(),
            method: request.method.to_string(),
            path: request.uri.path().to_owned(),
            version: version.clone(),
            idempotency_key: key.clone(),
            status: answer.status,
            replayed: answer.replayed.is_some(),
        });
        let replayed = answer.replayed.as_ref().map(|_| "true".to_owned());
        let mut response = answer.body.into_response();
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
        for (name, value) in [
            (CONTENT_TYPE, Some("application/json".to_owned())),
            (REQUEST_ID, Some(id)),
            (
                VERSION,
                Some(version.unwrap_or_else(|| API_VERSION.to_owned())),
            ),
            (KEY, key),
            (REPLAYED, replayed),
            (ORIGINAL, answer.replayed),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn explain(&self, status: u16) -> String {
        Problem::of_status(status).to_json().to_string()
    }

    fn request_id(&self) -> Option<HeaderName> {
        Some(REQUEST_ID)
    }

    fn control(&self) -> Router {
        control::router(Arc::clone(&self.state))
    }
}

impl Stripe {
    fn answered(
        &self,
        request: &Parts,
        body: &[u8],
        id: &str,
        check: &mut FaultCheck<'_>,
    ) -> Result<Answer, Problem> {
        let livemode = self.livemode(&request.headers)?;
        let params = Params::read(request.uri.query().unwrap_or_default(), body);
        let path = request.uri.path();
        let unknown = || {
            let (method, message) = (&request.method, "Unrecognized request URL");
            let message = format!("{message} ({method}: {path}).");
            Problem::new(404, "invalid_request_error", None, message)
        };
        let rest = path.strip_prefix("/v1/").ok_or_else(unknown)?;
        let names: Vec<_> = rest.split('/').collect();
        if request.method == Method::GET {
            let told = self.state.told.borrow().clone();
            let book = self.state.book();
            let found = read(&book, &told, &names, path, params, livemode);
            return Ok(Answer::ok(&found.ok_or_else(unknown)??));
        }
        let delete = request.method == Method::DELETE;
        if !delete && request.method != Method::POST {
            return Err(unknown());
        }
        // It means nothing on other methods.
        let key = text(&request.headers, &KEY).filter(|_| !delete);
        let asked = Asked {
            request: id,
            livemode,
            delete,
            path,
            key,
        };
        self.operate(&asked, &names, params, check)
            .ok_or_else(unknown)?
    }

    /// Carries an operation out, once for each key. `None` when there is no such path.
    fn operate(
        &self,
        asked: &Asked<'_>,
        names: &[&str],
        params: Params,
        check: &mut FaultCheck<'_>,
    ) -> Option<Result<Answer, Problem>> {
        let operation = Operation::read(names, asked.delete, params.clone())?;
        // Held to the end: of two requests that want the same, one comes later.
        let mut book = self.state.book();
        if let Some(key) = &asked.key {
            if let Err(problem) = check_key(key) {
                return Some(Err(problem));
            }
            if let Some(saved) = book.saved.get(&(asked.livemode, key.clone())) {
                let fits = saved.check(key, asked.path, &params);
                return Some(fits.map(|()| Answer::replay(saved)));
            }
        }
        let operation = match operation {
            Ok(operation) => operation,
            Err(problem) => return Some(Err(problem)),
        };
        Some(Ok(self.execute(asked, operation, params, &mut book, check)))
    }

    /// From here on the result is saved, whatever it is: unless a fault keeps the request from being carried out.
    fn execute(
        &self,
        asked: &Asked<'_>,
        operation: Operation,
        params: Params,
        book: &mut Book,
        check: &mut FaultCheck<'_>,
    ) -> Answer {
        let maker = Maker {
            ids: &self.state.ids,
            now: signed::now(),
            livemode: asked.livemode,
        };
        let word = operation.word();
        let plan = operation.plan(book, &maker);
        let error = match &plan {
            Ok(_) => book.errors.pop_front(),
            Err(_) => None,
        };
        let answer = match (&plan, error) {
            (_, Some(_)) => Answer::of(&Problem::of_status(500)),
            (Ok(plan), None) => Answer {
                status: plan.status,
                ..Answer::ok(&plan.answer)
            },
            (Err(problem), None) => Answer::of(problem),
        };
        let plan = plan.ok().filter(|_| error != Some(false));
        let effects = plan.iter().map(|plan| plan.draft(word)).collect();
        if !check.carries_out(effects) {
            return answer;
        }
        if let Some(key) = &asked.key {
            let result = (answer.status, answer.body.clone());
            let saved = Saved::new(
                (asked.path.to_owned(), params),
                asked.request.to_owned(),
                result,
                check.delay(),
            );
            book.saved.insert((asked.livemode, key.clone()), saved);
        }
        if let Some(plan) = plan {
            let cause = Cause {
                request: Some(asked.request.to_owned()),
                idempotency_key: asked.key.clone(),
            };
            let events = book.change(plan.change, &plan.events, &cause, &maker);
            self.state.send_events(events);
        }
        answer
    }

    /// Whether it is a key of live mode, by `Authorization`.
    fn livemode(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let refused = |message| Problem::new(401, "invalid_request_error", None, message);
        let key = headers.get(AUTHORIZATION).and_then(key);
        let key = key.ok_or_else(|| refused("You did not provide an API key."))?;
        let livemode = if key.starts_with("sk_live_") {
            true
        } else if key.starts_with("sk_test_") {
            false
        } else {
            return Err(Problem::of_status(401));
        };
        match self.state.refuses(&key) {
            true => Err(Problem::of_status(401)),
            false => Ok(livemode),
        }
    }
}

impl Answer {
    fn ok(body: &Value) -> Self {
        Self {
            status: 200,
            body: body.to_string(),
            replayed: None,
        }
    }

    fn of(problem: &Problem) -> Self {
        Self {
            status: problem.status,
            ..Self::ok(&problem.to_json())
        }
    }

    fn replay(saved: &Saved) -> Self {
        Self {
            status: saved.status,
            body: saved.body.clone(),
            replayed: Some(saved.request.clone()),
        }
    }
}

/// The secret key: `Bearer sk_…`, or the user of `Basic`.
fn key(authorization: &HeaderValue) -> Option<String> {
    let authorization = authorization.to_str().ok()?;
    if let Some(key) = authorization.strip_prefix("Bearer ") {
        return Some(key.to_owned());
    }
    let pair = authorization.strip_prefix("Basic ")?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(pair).ok()?).ok()?;
    let (user, _) = pair.split_once(':')?;
    Some(user.to_owned())
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
