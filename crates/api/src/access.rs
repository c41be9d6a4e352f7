//! Who calls, how often, and what came of it: around every route.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use crate::door::Door;
use crate::error::ApiError;
use crate::openapi;
use crate::tokens::Caller;

/// Lets a request in, or not; counts it, and logs a line. A line has the route and the token's name, and nothing of what was
/// sent.
pub(crate) async fn around(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let route = route(&request);
    let caller = admitted(&door, &request);
    let name = match &caller {
        Ok(Some(caller)) | Err((Some(caller), _)) => caller.token.name.clone(),
        Ok(None) | Err((None, _)) => String::new(),
    };
    let answer = match caller {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err((_, error)) => error.into_response(),
    };
    let answered = Answered {
        door,
        route,
        name,
        begun,
        until_head: begun.elapsed(),
        ending: answer.extensions().get::<Ending>().cloned(),
        status: answer.status().as_u16(),
    };
    match answered.ending {
        None => answer,
        // It is counted when its end has been taken, or nobody takes it any more.
        Some(_) => answer.map(|body| {
            let frames = body.into_data_stream();
            Body::from_stream(frames.inspect(move |_| {
                let _kept = &answered;
            }))
        }),
    }
}

/// The status that an answer is counted with whose caller went away before its end.
const NOT_TAKEN: u16 = 499;

/// What became of an answer whose status was sent before that was known.
#[derive(Clone)]
pub(crate) struct Ending(Arc<AtomicU16>);

impl Default for Ending {
    fn default() -> Self {
        Self(Arc::new(NOT_TAKEN.into()))
    }
}

impl Ending {
    /// Its caller has all of it.
    pub(crate) fn is_complete(&self) {
        let status = StatusCode::OK.as_u16();
        // One that was cut stays so.
        let _ = self
            .0
            .compare_exchange(NOT_TAKEN, status, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// It ends with an error.
    pub(crate) fn is_cut(&self, status: StatusCode) {
        self.0.store(status.as_u16(), Ordering::Relaxed);
    }
}

/// An answer: counted and logged when this is dropped.
struct Answered {
    door: Arc<Door>,
    route: String,
    name: String,
    begun: Instant,
    until_head: Duration,
    status: u16,
    ending: Option<Ending>,
}

impl Drop for Answered {
    fn drop(&mut self) {
        let Self {
            door, route, name, ..
        } = self;
        let ended = self.ending.as_ref();
        let status = ended.map_or(self.status, |ending| ending.0.load(Ordering::Relaxed));
        door.metrics.answered(route, status, name, self.until_head);
        let duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !name.is_empty() {
            tracing::info!(route, status, token = name, duration_ms, "request");
        } else if let Some(unlogged) = door.strangers.pass() {
            tracing::info!(
                route,
                status,
                duration_ms,
                unlogged,
                "request without a token"
            );
        }
    }
}

type Admitted = Result<Option<Arc<Caller>>, (Option<Arc<Caller>>, ApiError)>;

/// Who calls. Nobody need be known for what is not there, and for the document.
fn admitted(door: &Door, request: &Request) -> Admitted {
    match request.extensions().get::<MatchedPath>() {
        None => return Ok(None),
        Some(path) if path.as_str() == openapi::PATH => return Ok(None),
        Some(_) => {}
    }
    let caller = door.tokens.caller(request.headers());
    let caller = caller.map_err(|error| (None, error))?;
    match caller.admit() {
        Ok(()) => Ok(Some(Arc::clone(caller))),
        Err(error) => Err((Some(Arc::clone(caller)), error)),
    }
}

/// The method and the pattern of the path: never the path itself.
fn route(request: &Request) -> String {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return "other".to_owned();
    };
    let path = path.as_str();
    let waits = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("wait="));
    match *request.method() {
        Method::GET if waits => format!("GET {path}?wait"),
        Method::GET => format!("GET {path}"),
        Method::HEAD => format!("HEAD {path}"),
        Method::POST => format!("POST {path}"),
        _ => "other".to_owned(),
    }
}
