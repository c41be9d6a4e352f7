//! A stand-in for Slack, for development and tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_integration::{RunningStandIn, Sandbox};
use longshore_sandbox::axum::Json;
use longshore_sandbox::axum::body::Bytes;
use longshore_sandbox::axum::http::request::Parts;
use longshore_sandbox::axum::response::{IntoResponse, Response};
use longshore_sandbox::{Draft, FaultCheck, Ledger, Server, StandInService};
use serde_json::{Value, json};

use crate::client::NAME;

pub(crate) const SANDBOX: Sandbox = Sandbox {
    name: NAME,
    addr: "127.0.0.1:9490",
    posts_to: None,
    start: &|at| {
        Box::pin(async move {
            let slack = SlackSandbox::start(at.addr).await?;
            Ok(RunningStandIn::new(slack.origin(), || slack.stop()))
        })
    },
};

/// Answers as Slack does, and remembers what was posted.
#[derive(Debug)]
pub struct SlackSandbox {
    server: Server,
    slack: Slack,
}

#[derive(Debug, Default, Clone)]
struct Slack {
    posted: Arc<Mutex<Vec<Value>>>,
    refuses: Arc<Mutex<Option<&'static str>>>,
}

impl SlackSandbox {
    /// Listens on this address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr) -> std::io::Result<Self> {
        let slack = Slack::default();
        let server = Server::start(addr, slack.clone(), Ledger::default()).await?;
        Ok(Self { server, slack })
    }

    /// For `providers.slack.base_url`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.server.origin()
    }

    /// What was posted, in order.
    #[must_use]
    pub fn posted(&self) -> Vec<Value> {
        lock(&self.slack.posted).clone()
    }

    /// Refuses every message with this code from now on, or takes them again.
    pub fn refuse(&self, code: Option<&'static str>) {
        *lock(&self.slack.refuses) = code;
    }

    /// Stops it.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl StandInService for Slack {
    fn name(&self) -> &'static str {
        NAME
    }

    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
        let bearer = request.headers.get("authorization");
        if !bearer.is_some_and(|value| value.as_bytes().starts_with(b"Bearer xoxb-")) {
            return refusal("not_authed");
        }
        if let Some(code) = *lock(&self.refuses) {
            return refusal(code);
        }
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            return refusal("invalid_arguments");
        };
        let ts = "1503435956.000247";
        let channel = message["channel"].as_str().unwrap_or_default();
        if check.carries_out(vec![Draft::new(channel, ts)]) {
            lock(&self.posted).push(message);
        }
        Json(json!({ "ok": true, "ts": ts })).into_response()
    }

    fn explain(&self, status: u16) -> String {
        json!({ "ok": false, "error": format!("http_{status}") }).to_string()
    }
}

fn refusal(code: &str) -> Response {
    Json(json!({ "ok": false, "error": code })).into_response()
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
