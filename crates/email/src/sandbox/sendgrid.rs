//! SendGrid, as far as mail is sent there.

mod attached;
mod control;
mod courier;
mod event;
mod key;
mod mail;
mod options;
mod problem;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_sandbox::axum::Router;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{
    Draft, FaultCheck, Ids, Ledger, Refused, Server, StandInService, stand_in,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use attached::Attached;
use key::SigningKey;
use mail::Mail;
use problem::Problem;
pub use webhook::{EventWebhook, EventsPosted};

/// A stand-in for SendGrid's `POST /v3/mail/send`.
///
/// Checks requests like the real one: any key is good unless it was refused, a mail of the wrong shape gets a 400
/// that names the field, an accepted one a 202 with its `X-Message-Id`. With `sandbox_mode` a good mail gets a 200
/// and is not sent, so it is no effect in the ledger.
///
/// What becomes of a mail is told where [`EventWebhook`] says, signed with a key of this stand-in's own.
#[derive(Debug)]
pub struct SendGridSandbox {
    server: Server,
    refused_keys: Refused,
    state: Arc<State>,
    /// The courier. Ends with this.
    _courier: JoinSet<()>,
}

/// What requests, controls and courier share.
#[derive(Debug)]
struct State {
    webhook: watch::Sender<EventWebhook>,
    posted: watch::Sender<Vec<EventsPosted>>,
    key: RwLock<Arc<SigningKey>>,
    ids: Ids,
    attached: Mutex<Vec<Attached>>,
    /// The body of the last request that was accepted.
    last: Mutex<Option<Bytes>>,
}

impl State {
    fn key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<Attached>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_key(&self, key: SigningKey) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

stand_in!(SendGridSandbox);

impl SendGridSandbox {
    /// The public half of [`use_development_key`](Self::use_development_key).
    pub const DEVELOPMENT_PUBLIC_KEY: &'static str = key::DEVELOPMENT_PUBLIC_KEY;

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
        let refused_keys = Refused::default();
        let state = Arc::new(State {
            webhook: watch::Sender::default(),
            posted: watch::Sender::default(),
            key: RwLock::new(Arc::new(SigningKey::generate())),
            ids: Ids::new(),
            attached: Mutex::default(),
            last: Mutex::default(),
        });
        let (accepted, to_see_to) = mpsc::unbounded_channel();
        let provider = SendGrid {
            refused_keys: refused_keys.clone(),
            ids: MessageIds::new(),
            state: Arc::clone(&state),
            accepted,
        };
        let server = Server::start(addr, provider, ledger).await?;
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&state), to_see_to));
        Ok(Self {
            server,
            refused_keys,
            state,
            _courier: courier,
        })
    }

    /// Refuses this API key from now on.
    pub fn refuse_key(&self, key: impl Into<String>) {
        self.refused_keys.refuse(key);
    }

    /// Refuses every API key but these from now on.
    pub fn take_only<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) {
        self.refused_keys
            .only(keys.into_iter().map(Into::into).collect());
    }

    /// Takes this API key again.
    pub fn accept_key(&self, key: &str) {
        self.refused_keys.accept(key);
    }

    /// The files that went along with mails, oldest first.
    #[must_use]
    pub fn attached(&self) -> Vec<Attached> {
        self.state.attached().clone()
    }

    /// The last mail that was accepted, as it was asked for.
    #[must_use]
    pub fn last_mail(&self) -> Option<serde_json::Value> {
        let last = self.state.last.lock();
        let last = last.unwrap_or_else(PoisonError::into_inner).clone()?;
        serde_json::from_slice(&last).ok()
    }

    /// What events are verified with, as SendGrid shows it: a SubjectPublicKeyInfo in base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.state.key().public()
    }

    /// Signs with another key from now on, and returns its public half.
    pub fn roll_key(&self) -> String {
        self.state.set_key(SigningKey::generate());
        self.public_key()
    }

    /// Signs with the key that everybody has, so that a configuration can name its public half beforehand.
    pub fn use_development_key(&self) {
        self.state.set_key(SigningKey::development());
    }

    /// How it tells what becomes of mails.
    #[must_use]
    pub fn webhook(&self) -> EventWebhook {
        self.state.webhook.borrow().clone()
    }

    /// Changes that. What was held goes on once nothing is held any more.
    pub fn change_webhook(&self, change: impl FnOnce(&mut EventWebhook)) {
        self.state.webhook.send_modify(change);
    }

    /// Every list of events that was posted, oldest first.
    #[must_use]
    pub fn posted(&self) -> Vec<EventsPosted> {
        self.state.posted.borrow().clone()
    }

    /// Waits until at least this many lists of events were posted, or the deadline has passed, and returns those there are.
    pub async fn wait_posted(&self, deadline: Duration, count: usize) -> Vec<EventsPosted> {
        let mut posted = self.state.posted.subscribe();
        // Both ways to end are told by what is returned.
        let _ = tokio::time::timeout(deadline, posted.wait_for(|all| all.len() >= count)).await;
        self.posted()
    }
}

#[derive(Debug)]
struct SendGrid {
    refused_keys: Refused,
    ids: MessageIds,
    state: Arc<State>,
    /// The mails of accepted requests, to the courier.
    accepted: UnboundedSender<Vec<Draft>>,
}

impl SendGrid {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION);
        let key = header
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .unwrap_or_default();
        !key.is_empty() && !self.refused_keys.has(key)
    }

    fn accept(&self, mail: &Mail, check: &mut FaultCheck<'_>) -> Response {
        if mail.sandbox_mode {
            return StatusCode::OK.into_response();
        }
        let id = self.ids.next();
        let mails = mail.drafts(&id);
        if check.carries_out(mails.clone()) {
            self.state.attached().extend(mail.attached());
            // The courier is gone only when the sandbox is.
            let _ = self.accepted.send(mails);
        }
        (StatusCode::ACCEPTED, [("x-message-id", id)]).into_response()
    }
}

impl StandInService for SendGrid {
    fn name(&self) -> &'static str {
        "sendgrid"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        if request.uri.path() != "/v3/mail/send" {
            return refuse(StatusCode::NOT_FOUND, &Problem::of_status(404));
        }
        if request.method != Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, &Problem::of_status(405));
        }
        if !self.knows(&request.headers) {
            return refuse(StatusCode::UNAUTHORIZED, &Problem::of_status(401));
        }
        match Mail::read(body) {
            Ok(mail) => {
                let last = self.state.last.lock();
                *last.unwrap_or_else(PoisonError::into_inner) = Some(body.clone());
                self.accept(&mail, check)
            }
            Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
        }
    }

    fn explain(&self, status: u16) -> String {
        Problem::of_status(status).to_json()
    }

    fn control(&self) -> Router {
        control::router(Arc::clone(&self.state))
    }
}

fn refuse(status: StatusCode, problem: &Problem) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, problem.to_json()).into_response()
}

/// Message ids that differ between runs, without a dot: events carry them up to the first one.
#[derive(Debug)]
struct MessageIds {
    started_ms: u128,
    count: AtomicU64,
}

impl MessageIds {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started_ms: since.map_or(0, |since| since.as_millis()),
            count: AtomicU64::new(0),
        }
    }

    fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("sandbox-{:x}-{count}", self.started_ms)
    }
}
