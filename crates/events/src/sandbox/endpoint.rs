//! The application, as far as it is told what became of its jobs.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::extract::State as Shared;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::axum::routing::get;
use longshore_sandbox::axum::{Json, Router};
use longshore_sandbox::{Draft, FaultCheck, Ledger, Server, StandInService, signed, stand_in};
use serde::{Deserialize, Serialize};

use crate::DeliverEvent;
use crate::signature::{key, signature};

/// How old, or how new, a signature may be, in seconds.
const TOLERANCE: u64 = 300;

/// A stand-in for what is behind `events.url`.
///
/// Takes a POST to any path that is signed as Standard Webhooks has it, within the last 300 s, and that is an event; else it
/// answers 401 or 400. The same `webhook-id` again is answered the same, and counted. The ledger has one effect for each event:
/// its recipient is the type, its id the `webhook-id`, its job the one that something happened to.
#[derive(Debug)]
pub struct EventsSandbox {
    server: Server,
    state: Arc<State>,
}

/// One event that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its `webhook-id`.
    pub webhook_id: String,
    /// What was told.
    pub event: DeliverEvent,
    /// How often: more than once is a repetition.
    pub times: u64,
}

/// What requests and controls share.
#[derive(Debug)]
struct State {
    // A std Mutex: it is held for one request, never across an await.
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    secret: String,
    told: Vec<Told>,
    /// Where each `webhook-id` is in `told`.
    by_id: HashMap<String, usize>,
}

stand_in!(EventsSandbox);

impl EventsSandbox {
    /// The secret that requests have to be signed with, unless another one is set.
    pub const SECRET: &'static str = "whsec_bG9uZ3Nob3JlLXNhbmRib3gtZXZlbnRzLXNlY3JldA==";

    /// Listens on this address; port 0 picks a free one. Stops when it is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        Self::start_with(addr, Ledger::default()).await
    }

    /// The same, writing into a ledger that there is already: one for several providers, or one that outlives
    /// this server.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(addr: SocketAddr, ledger: Ledger) -> io::Result<Self> {
        let state = Arc::new(State {
            book: Mutex::new(Book {
                secret: Self::SECRET.to_owned(),
                ..Book::default()
            }),
        });
        let endpoint = Endpoint(Arc::clone(&state));
        let server = Server::start(addr, endpoint, ledger).await?;
        Ok(Self { server, state })
    }

    /// The secret that requests have to be signed with from now on.
    pub fn set_secret(&self, secret: impl Into<String>) {
        self.state.book().secret = secret.into();
    }

    /// Every event that was taken, oldest first.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.state.book().told.clone()
    }
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while holding it leaves one request half done, which the test that sees it fails by.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Endpoint(Arc<State>);

/// A status, and why.
type Refusal = (StatusCode, &'static str);

impl StandInService for Endpoint {
    fn name(&self) -> &'static str {
        "events"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        match self.take(request, body, check) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err((status, why)) => {
                let body = serde_json::json!({ "error": why }).to_string();
                (status, [(CONTENT_TYPE, "application/json")], body).into_response()
            }
        }
    }

    fn explain(&self, status: u16) -> String {
        serde_json::json!({ "error": format!("answered {status} on demand") }).to_string()
    }

    fn control(&self) -> Router {
        Router::new()
            .route("/sandbox/events", get(events))
            .with_state(Arc::clone(&self.0))
    }
}

async fn events(state: Shared<Arc<State>>) -> Json<Vec<Told>> {
    Json(state.book().told.clone())
}

impl Endpoint {
    fn take(&self, head: &Parts, body: &[u8], check: &mut FaultCheck<'_>) -> Result<(), Refusal> {
        if head.method != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "another method"));
        }
        let mut book = self.0.book();
        let id = verified(head, body, &book.secret)
            .ok_or((StatusCode::UNAUTHORIZED, "the signature is not right"))?;
        let event: DeliverEvent = serde_json::from_slice(body)
            .map_err(|_| (StatusCode::BAD_REQUEST, "the body is no event"))?;
        if let Some(&place) = book.by_id.get(id) {
            if book.told[place].event != event {
                let why = "another event under the same webhook-id";
                return Err((StatusCode::UNPROCESSABLE_ENTITY, why));
            }
            if check.carries_out(Vec::new()) {
                book.told[place].times += 1;
            }
            return Ok(());
        }
        let draft = Draft {
            job: Some(event.data.id.clone()),
            ..Draft::new(event.event_type.clone(), id)
        };
        if check.carries_out(vec![draft]) {
            let place = book.told.len();
            book.by_id.insert(id.to_owned(), place);
            book.told.push(Told {
                webhook_id: id.to_owned(),
                event,
                times: 1,
            });
        }
        Ok(())
    }
}

/// The `webhook-id` of a request whose signature is right, and not from another time.
fn verified<'a>(head: &'a Parts, body: &[u8], secret: &str) -> Option<&'a str> {
    let header = |name: &str| head.headers.get(name)?.to_str().ok();
    let (id, at) = (header("webhook-id")?, header("webhook-timestamp")?);
    let at: u64 = at.parse().ok()?;
    if at.abs_diff(signed::now()) > TOLERANCE {
        return None;
    }
    let right = signature(&key(secret)?, id, i64::try_from(at).ok()?, body);
    let mut signatures = header("webhook-signature")?.split(' ');
    let is_right = signatures.any(|one| one.strip_prefix("v1,") == Some(&right));
    (is_right && !id.is_empty()).then_some(id)
}
