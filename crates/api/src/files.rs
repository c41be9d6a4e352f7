//! `/v1/uploads` and `/v1/downloads`: URLs that take or give one file, straight from the store.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use longshore_integration::{Files, NewUpload, SignedUrl, UploadError};
use serde_json::{Map, Value, json};

use crate::body;
use crate::door::Door;
use crate::error::{ApiError, Finding};
use crate::fields::Fields;
use crate::job::{invalid_json, invalid_option};
use crate::query;
use crate::tokens::Caller;

/// `POST /v1/uploads`
pub(crate) async fn upload(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    query::none(head.uri.query())?;
    caller.allow_files()?;
    let read = body::json(&head, body).await?;
    let text = body::text(&read.bytes)?;
    let known = ["user", "content_type", "length", "extension"];
    let mut fields = Fields::read(text, &known).map_err(invalid_json)?;
    if fields.raw("length").is_none() {
        fields.wrong("length", "is missing");
    }
    let upload = NewUpload {
        user: fields.needed("user").unwrap_or_default(),
        content_type: fields.needed("content_type").unwrap_or_default(),
        length: fields
            .value("length", "a whole number of bytes")
            .unwrap_or_default(),
        extension: fields.needed("extension").unwrap_or_default(),
    };
    fields.done().map_err(invalid_option)?;
    let away = (door.is_away)().await;
    let signed = door.store()?.sign_upload(&upload, away).await;
    answer(signed.map_err(|error| door.failed(error))?)
}

/// `POST /v1/downloads`
pub(crate) async fn download(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    query::none(head.uri.query())?;
    caller.allow_files()?;
    let read = body::json(&head, body).await?;
    let text = body::text(&read.bytes)?;
    let mut fields = Fields::read(text, &["key"]).map_err(invalid_json)?;
    let key = fields.needed("key").unwrap_or_default();
    fields.done().map_err(invalid_option)?;
    let away = (door.is_away)().await;
    let signed = door.store()?.sign_download(&key, away).await;
    answer(signed.map_err(|error| door.failed(error))?)
}

impl Door {
    fn store(&self) -> Result<&dyn Files, ApiError> {
        self.files.as_deref().ok_or_else(|| {
            let message = "there is no place for files: none is configured where this API runs";
            ApiError::new(StatusCode::NOT_FOUND, "no_storage", message)
        })
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Field { field, problem } => {
                let finding = Finding::new(field.replace('-', "_"), problem);
                Self::wrong("invalid_option", vec![finding])
            }
            UploadError::Wrong(what) => Self::new(StatusCode::NOT_FOUND, "no_storage", what),
            UploadError::Failed(_) => {
                let message = "the URL cannot be signed at the moment: send it again";
                Self::unavailable("storage_unavailable", message)
            }
        }
    }
}

fn answer(signed: SignedUrl) -> Result<Response, ApiError> {
    let time = |error: jiff::Error| ApiError::unavailable("storage_unavailable", error.to_string());
    let expires_at = Timestamp::try_from(signed.expires_at).map_err(time)?;
    let expires_at = Timestamp::from_second(expires_at.as_second()).map_err(time)?;
    let headers: Map<String, Value> = signed
        .headers
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let shown = json!({
        "url": signed.url,
        "method": signed.method,
        "headers": headers,
        "key": signed.key,
        "bucket": signed.bucket,
        "store": signed.store,
        "expires_at": expires_at.to_string(),
    });
    Ok(axum::Json(shown).into_response())
}
