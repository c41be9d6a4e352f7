//! Results that are saved under the key of the request.

use std::time::{Duration, Instant};

use super::params::Params;
use super::problem::Problem;

/// The longest key.
const MAX_KEY_CHARS: usize = 255;

/// The result of a request that was carried out.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    path: String,
    params: Params,
    /// Its `Request-Id`.
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) body: String,
    /// Until then the request is still being answered.
    busy_until: Option<Instant>,
}

impl Saved {
    /// `answered_after`: how long the answer takes.
    pub(super) fn new(
        asked: (String, Params),
        request: String,
        (status, body): (u16, String),
        answered_after: Duration,
    ) -> Self {
        let (path, params) = asked;
        Self {
            path,
            params,
            request,
            status,
            body,
            busy_until: Instant::now()
                .checked_add(answered_after)
                .filter(|_| !answered_after.is_zero()),
        }
    }

    /// Whether another request under the same key gets this result.
    pub(super) fn check(&self, key: &str, path: &str, params: &Params) -> Result<(), Problem> {
        let wrong = |what| {
            let message = format!(
                "Keys for idempotent requests can only be used {what} they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
            );
            Problem::new(400, "idempotency_error", None, message)
        };
        if self.path != path {
            return Err(wrong("for the same endpoint"));
        }
        if self.params != *params {
            return Err(wrong("with the same parameters"));
        }
        match self.busy_until {
            Some(until) if until > Instant::now() => Err(Problem::of_status(409)),
            _ => Ok(()),
        }
    }
}

/// A key is 1 to 255 characters long.
pub(super) fn check_key(key: &str) -> Result<(), Problem> {
    if (1..=MAX_KEY_CHARS).contains(&key.chars().count()) {
        return Ok(());
    }
    let message = format!("Idempotency keys must be 1 to {MAX_KEY_CHARS} characters long.");
    Err(Problem::new(400, "invalid_request_error", None, message))
}
