//! What testpay answers that is not what was asked for.

use serde_json::{Value, json};

/// A status, and what is wrong in a word: `{"error":{"code":"reference_used"}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: &'static str,
}

impl Problem {
    /// What cannot be.
    pub(super) fn impossible(code: &'static str) -> Self {
        Self { status: 422, code }
    }

    /// What cannot be any more.
    pub(super) fn contradiction(code: &'static str) -> Self {
        Self { status: 409, code }
    }

    pub(super) fn of_status(status: u16) -> Self {
        let code = match status {
            401 => "key_refused",
            402 => "declined",
            404 => "not_found",
            405 => "method_not_allowed",
            409 => "contradiction",
            422 => "impossible",
            429 => "too_many_requests",
            500.. => "trouble",
            _ => "bad_request",
        };
        Self { status, code }
    }

    pub(super) fn to_json(self) -> Value {
        json!({ "error": { "code": self.code } })
    }
}
