//! Postmark, as far as mail is sent there by template.

mod control;
mod courier;
mod event;
mod mail;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_sandbox::axum::Router;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::http::{HeaderMap, Method, StatusCode};
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{
    Draft, FaultCheck, Ids, Ledger, Refused, Server, StandInService, stand_in,
};
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use mail::{Mail, Problem};
pub use webhook::{PostmarkPosted, PostmarkWebhook};

/// A stand-in for Postmark's `POST /email/withTemplate`.
///
/// Answers like the real one: any token is good unless it was refused, a mail of the wrong shape gets a 422 with its
/// `ErrorCode`, one to an address that was made inactive a 406 in a 422, and an accepted one a 200 with its `MessageID`.
/// The template in the ledger is its number or its alias.
///
/// What becomes of a mail is told where [`PostmarkWebhook`] says.
#[derive(Debug)]
pub struct PostmarkSandbox {
    server: Server,
    refused_tokens: Refused,
    inactive: Refused,
    state: Arc<State>,
    /// The courier. Ends with this.
    _courier: JoinSet<()>,
}

/// What requests, controls and courier share.
#[derive(Debug, Default)]
struct State {
    webhook: watch::Sender<PostmarkWebhook>,
    posted: watch::Sender<Vec<PostmarkPosted>>,
    /// The body of the last request that was accepted.
    last: Mutex<Option<Bytes>>,
}

stand_in!(PostmarkSandbox);

impl PostmarkSandbox {
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
        let (refused_tokens, inactive) = (Refused::default(), Refused::default());
        let state = Arc::new(State::default());
        let (accepted, to_see_to) = mpsc::unbounded_channel();
        let provider = Postmark {
            state: Arc::clone(&state),
            refused_tokens: refused_tokens.clone(),
            inactive: inactive.clone(),
            ids: Ids::new(),
            accepted,
        };
        let server = Server::start(addr, provider, ledger).await?;
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&state), to_see_to));
        Ok(Self {
            server,
            refused_tokens,
            inactive,
            state,
            _courier: courier,
        })
    }

    /// How it tells what becomes of mails.
    #[must_use]
    pub fn webhook(&self) -> PostmarkWebhook {
        self.state.webhook.borrow().clone()
    }

    /// Changes that.
    pub fn change_webhook(&self, change: impl FnOnce(&mut PostmarkWebhook)) {
        self.state.webhook.send_modify(change);
    }

    /// Waits until at least this many events were posted, or the deadline has passed, and returns those there are.
    pub async fn wait_posted(&self, deadline: Duration, count: usize) -> Vec<PostmarkPosted> {
        let mut posted = self.state.posted.subscribe();
        // Both ways to end are told by what is returned.
        let _ = tokio::time::timeout(deadline, posted.wait_for(|all| all.len() >= count)).await;
        self.state.posted.borrow().clone()
    }

    /// The last mail that was accepted, as it was asked for.
    #[must_use]
    pub fn last_mail(&self) -> Option<serde_json::Value> {
        let last = self
            .state
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(last.as_ref()?).ok()
    }

    /// Refuses this server token from now on.
    pub fn refuse_token(&self, token: impl Into<String>) {
        self.refused_tokens.refuse(token);
    }

    /// Takes this server token again.
    pub fn accept_token(&self, token: &str) {
        self.refused_tokens.accept(token);
    }

    /// Takes no more mail to this address, as after a bounce.
    pub fn make_inactive(&self, address: impl Into<String>) {
        self.inactive.refuse(address);
    }
}

#[derive(Debug)]
struct Postmark {
    refused_tokens: Refused,
    inactive: Refused,
    ids: Ids,
    state: Arc<State>,
    /// The mails that were accepted, to the courier.
    accepted: UnboundedSender<Draft>,
}

impl Postmark {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let header = headers.get("x-postmark-server-token");
        let token = header.and_then(|value| value.to_str().ok());
        token.is_some_and(|token| !token.is_empty() && !self.refused_tokens.has(token))
    }

    fn accept(&self, mail: &Mail, check: &mut FaultCheck<'_>) -> Response {
        if self.inactive.has(&mail.recipient) {
            return refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                &Problem::inactive(&mail.recipient),
            );
        }
        let id = self.ids.next("");
        let draft = mail.draft(&id);
        if check.carries_out(vec![draft.clone()]) {
            // The courier is gone only when the sandbox is.
            let _ = self.accepted.send(draft);
        }
        let accepted = json!({
            "To": mail.recipient,
            "SubmittedAt": jiff::Timestamp::now().to_string(),
            "MessageID": id,
            "ErrorCode": 0,
            "Message": "OK",
        });
        answer(StatusCode::OK, accepted.to_string())
    }
}

impl StandInService for Postmark {
    fn name(&self) -> &'static str {
        "postmark"
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        if request.uri.path() != "/email/withTemplate" {
            return answer(StatusCode::NOT_FOUND, String::new());
        }
        if request.method != Method::POST {
            return answer(StatusCode::METHOD_NOT_ALLOWED, String::new());
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
            Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &problem),
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
    answer(status, problem.to_json())
}

fn answer(status: StatusCode, body: String) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body).into_response()
}
