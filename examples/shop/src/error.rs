//! What users are told when something goes wrong.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use longshore_client::ClientError;
use longshore_outbox::OutboxError;
use serde_json::json;

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Problem {
    NotFound,
    NotSigned,
    NotUnderstood,
    Jobs(ClientError),
    Database(sqlx::Error),
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound { .. } => Self::NotFound,
            error => Self::Jobs(error),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<OutboxError<sqlx::Error>> for Problem {
    fn from(error: OutboxError<sqlx::Error>) -> Self {
        match error {
            OutboxError::Refused(error) => Self::Jobs(error),
            OutboxError::Database(error) => Self::Database(error),
            other => Self::Database(sqlx::Error::Protocol(other.to_string())),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NotFound => return StatusCode::NOT_FOUND.into_response(),
            Self::NotSigned => (StatusCode::UNAUTHORIZED, "not_signed"),
            Self::NotUnderstood => (StatusCode::BAD_REQUEST, "not_understood"),
            Self::Jobs(error) => {
                eprintln!("{error}; {}", error.cure());
                (of_jobs(error), error.code())
            }
            Self::Database(error) => of_database(error),
        };
        let told = Json(json!({ "error": code }));
        match status {
            // The browser tries again; keys and ids make one of both tries.
            StatusCode::SERVICE_UNAVAILABLE => {
                (status, [(header::RETRY_AFTER, "1")], told).into_response()
            }
            status => (status, told).into_response(),
        }
    }
}

fn of_jobs(error: &ClientError) -> StatusCode {
    match error.code() {
        "invalid_args" => StatusCode::UNPROCESSABLE_ENTITY,
        "key_taken" => StatusCode::CONFLICT,
        _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn of_database(error: &sqlx::Error) -> (StatusCode, &'static str) {
    match error.as_database_error() {
        Some(refused) if refused.is_check_violation() => {
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid_order")
        }
        _ => {
            eprintln!("{error}");
            (StatusCode::SERVICE_UNAVAILABLE, "database")
        }
    }
}
