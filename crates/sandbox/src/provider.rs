//! What makes a provider, as the server around it sees it.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::Response;

use crate::{Fault, Faults};

/// Answers what the real service would answer.
pub trait StandInService: Send + Sync + 'static {
    /// Its name, as configuration has it.
    fn name(&self) -> &'static str;

    /// What the service answers to this request. Before anything is carried out, `check` is asked whether it is.
    fn answer(&self, request: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response;

    /// A body like those the service explains this status with, in JSON.
    fn explain(&self, status: u16) -> String;

    /// The header that tells requests apart. A fault that answers something else leaves it as it is.
    fn request_id(&self) -> Option<HeaderName> {
        None
    }

    /// Controls of its own under `/sandbox/`, beside ledger and faults.
    fn control(&self) -> Router {
        Router::new()
    }
}

/// What becomes of one request. The provider asks once it knows what it would do, and not again.
#[derive(Debug)]
pub struct FaultCheck<'a> {
    faults: &'a Faults,
    decided: Option<Decided>,
}

/// What was decided.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// What goes wrong.
    pub(crate) fault: Option<Fault>,
    /// What was carried out, for the ledger.
    pub(crate) effects: Vec<Draft>,
}

impl<'a> FaultCheck<'a> {
    pub(crate) fn new(faults: &'a Faults) -> Self {
        Self {
            faults,
            decided: None,
        }
    }

    /// Whether a request that would have these effects is carried out.
    pub fn carries_out(&mut self, effects: Vec<Draft>) -> bool {
        debug_assert!(self.decided.is_none(), "a request is carried out once");
        let fault = self.faults.decide(&effects);
        let carried_out = fault.as_ref().is_none_or(Fault::carries_out);
        let effects = if carried_out { effects } else { Vec::new() };
        self.decided = Some(Decided { fault, effects });
        carried_out
    }

    /// How much later than it was decided the answer goes out, for what a provider says of requests that are still being
    /// answered.
    #[must_use]
    pub fn delay(&self) -> Duration {
        match &self.decided {
            Some(Decided {
                fault: Some(Fault::Delay { ms }),
                ..
            }) => Duration::from_millis(*ms),
            _ => Duration::ZERO,
        }
    }

    /// What was decided; a request that nobody asked about would have had no effect.
    pub(crate) fn end(mut self) -> Decided {
        if self.decided.is_none() {
            self.carries_out(Vec::new());
        }
        self.decided.unwrap_or_default()
    }
}

/// One effect that has not happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The job that asked for it, where the request says so.
    pub job: Option<String>,
    /// The template, where there are templates.
    pub template: Option<String>,
    /// Who or what it is for.
    pub recipient: String,
    /// The id that the service gives it.
    pub id: String,
}

impl Draft {
    /// For this recipient, with the id that the service gives it.
    pub fn new(recipient: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            job: None,
            template: None,
            recipient: recipient.into(),
            id: id.into(),
        }
    }
}
