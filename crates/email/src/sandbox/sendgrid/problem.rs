//! What is wrong with a mail, in SendGrid's words.

use serde_json::json;

/// One entry of SendGrid's `errors`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    message: String,
    pub(super) field: Option<String>,
}

impl Problem {
    pub(super) fn at(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            field: Some(field.into()),
        }
    }

    /// What is said with a status alone.
    pub(super) fn of_status(status: u16) -> Self {
        let message = match status {
            400 => "Bad Request",
            401 => "The provided authorization grant is invalid, expired, or revoked",
            403 => "access forbidden",
            404 => "not found",
            405 => "method not allowed",
            413 => "The JSON payload you have attempted to send is larger than 30MB.",
            429 => "too many requests",
            _ => "An unexpected error occurred",
        };
        Self {
            message: message.into(),
            field: None,
        }
    }

    pub(super) fn to_json(&self) -> String {
        let error = json!({ "message": self.message, "field": self.field, "help": null });
        json!({ "errors": [error] }).to_string()
    }
}
