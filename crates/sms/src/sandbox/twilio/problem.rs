//! Twilio's way of saying no.

use longshore_sandbox::axum::http::StatusCode;
use longshore_sandbox::axum::http::header::CONTENT_TYPE;
use longshore_sandbox::axum::response::{IntoResponse, Response};
use serde_json::json;

/// One refusal: `{"code","message","more_info","status"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400, with this code.
    pub(super) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn not_found(path: &str) -> Self {
        let message = format!("The requested resource {path} was not found");
        Self::new(404, 20404, message)
    }

    /// What is said with a status alone.
    pub(super) fn of_status(status: u16) -> Self {
        let (code, message) = match status {
            400 => (20001, "Bad request"),
            401 => (20003, "Authenticate"),
            403 => (20403, "Forbidden"),
            404 => (20404, "The requested resource was not found"),
            405 => (20004, "Method not allowed"),
            429 => (20429, "Too Many Requests"),
            503 => (20503, "Service unavailable"),
            _ => (20500, "An internal server error has occurred"),
        };
        Self::new(status, code, message)
    }

    pub(super) fn to_json(&self) -> String {
        let Self {
            status,
            code,
            message,
        } = self;
        json!({
            "code": code,
            "message": message,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status,
        })
        .to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let json = [(CONTENT_TYPE, "application/json")];
        (status, json, self.to_json()).into_response()
    }
}
