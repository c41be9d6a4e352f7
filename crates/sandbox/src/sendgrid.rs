//! SendGrid, as far as mail is sent there.

mod mail;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::Ledger;
use crate::provider::{Fate, Provider};
use crate::refused::Refused;
use crate::server::{Server, stand_in};
use mail::{Mail, Problem};

/// A stand-in for SendGrid's `POST /v3/mail/send`.
///
/// Checks requests like the real one: any key is good unless it was refused, a mail of the wrong shape gets a 400
/// that names the field, an accepted one a 202 with its `X-Message-Id`. With `sandbox_mode` a good mail gets a 200
/// and is not sent, so it is no effect in the ledger.
#[derive(Debug)]
pub struct SendGridSandbox {
    server: Server,
    refused_keys: Refused,
}

stand_in!(SendGridSandbox);

impl SendGridSandbox {
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
        let provider = SendGrid {
            refused_keys: refused_keys.clone(),
            ids: MessageIds::new(),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self {
            server,
            refused_keys,
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
}

#[derive(Debug)]
struct SendGrid {
    refused_keys: Refused,
    ids: MessageIds,
}

impl SendGrid {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION);
        let key = header
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .unwrap_or_default();
        !key.is_empty() && !self.refused_keys.has(key)
    }

    fn accept(&self, mail: &Mail, fate: &mut Fate<'_>) -> Response {
        if mail.sandbox_mode {
            return StatusCode::OK.into_response();
        }
        let id = self.ids.next();
        fate.carries_out(mail.drafts(&id));
        (StatusCode::ACCEPTED, [("x-message-id", id)]).into_response()
    }
}

impl Provider for SendGrid {
    fn name(&self) -> &'static str {
        "sendgrid"
    }

    fn answer(&self, request: &Parts, body: &Bytes, fate: &mut Fate<'_>) -> Response {
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
            Ok(mail) => self.accept(&mail, fate),
            Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
        }
    }

    fn explain(&self, status: u16) -> String {
        Problem::of_status(status).to_json()
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
