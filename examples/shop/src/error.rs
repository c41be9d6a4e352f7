//! What users are told when something goes wrong.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use longshore_client::ClientError;
use serde_json::json;

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Problem {
    NoSuchPayment,
    Jobs(ClientError),
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound { .. } => Self::NoSuchPayment,
            error => Self::Jobs(error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = match self {
            Self::NoSuchPayment => return StatusCode::NOT_FOUND.into_response(),
            Self::Jobs(error) => error,
        };
        let status = match error.code() {
            "invalid_args" => StatusCode::UNPROCESSABLE_ENTITY,
            "key_taken" => StatusCode::CONFLICT,
            // The browser tries again; the keys make one job of both tries.
            _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        eprintln!("{error}; {}", error.cure());
        let told = Json(json!({ "error": error.code() }));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                (status, [(header::RETRY_AFTER, "1")], told).into_response()
            }
            status => (status, told).into_response(),
        }
    }
}
