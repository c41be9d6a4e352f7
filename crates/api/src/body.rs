//! The bodies of requests: what they have to be, and how long they may be.

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use longshore_listener::Whole;

use crate::error::{ApiError, Finding, unread};

/// The longest body with one job, in bytes.
pub(crate) const MOST_OF_A_JOB: usize = 300 << 10;

/// The longest bulk, in bytes.
pub(crate) const MOST_OF_A_BULK: usize = 64 << 20;

const JSON: &[&str] = &["application/json"];
const LINES: &[&str] = &[
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
];

/// Reads a body with one JSON text.
///
/// # Errors
/// When it is of another type, or cannot be read.
pub(crate) async fn json(head: &Parts, body: Body) -> Result<Whole, ApiError> {
    check_type(&head.headers, JSON)?;
    let read = Whole::read_at_most(head, body, MOST_OF_A_JOB).await;
    read.map_err(|why| unread(why, "300 KiB"))
}

/// The same, where there need not be any.
///
/// # Errors
/// When it is of another type, or cannot be read.
pub(crate) async fn json_if_any(head: &Parts, body: Body) -> Result<Option<Whole>, ApiError> {
    let none = head.headers.get(CONTENT_TYPE).is_none();
    let read = match none {
        true => {
            check_encoding(&head.headers)?;
            let read = Whole::read_at_most(head, body, MOST_OF_A_JOB).await;
            read.map_err(|why| unread(why, "300 KiB"))?
        }
        false => json(head, body).await?,
    };
    if read.bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    check_type(&head.headers, JSON)?;
    Ok(Some(read))
}

/// Reads a body with a JSON text on each line.
///
/// # Errors
/// When it is of another type, or cannot be read.
pub(crate) async fn lines(head: &Parts, body: Body) -> Result<Whole, ApiError> {
    check_type(&head.headers, LINES)?;
    let read = Whole::read_at_most(head, body, MOST_OF_A_BULK).await;
    read.map_err(|why| unread(why, "64 MiB"))
}

/// The text of a body.
///
/// # Errors
/// When it is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let problem = format!("is not UTF-8: invalid at byte {}", error.valid_up_to());
        ApiError::wrong("invalid_json", vec![Finding::new("", problem)])
    })
}

fn check_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "send the body as it is, without Content-Encoding",
        ));
    }
    Ok(())
}

fn check_type(headers: &HeaderMap, types: &[&str]) -> Result<(), ApiError> {
    check_encoding(headers)?;
    let sent = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let mut parts = sent.unwrap_or_default().split(|b| *b == b';');
    let essence = parts.next().unwrap_or_default().trim_ascii();
    let is_utf8 = parts.all(|parameter| {
        let parameter = parameter.trim_ascii().to_ascii_lowercase();
        // Names of parameters are the same in any case, and some senders write blanks around the sign.
        let at = parameter.iter().position(|b| *b == b'=');
        let (name, value) = parameter.split_at(at.unwrap_or(parameter.len()));
        let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii();
        name.trim_ascii() != b"charset" || matches!(value, b"utf-8" | b"\"utf-8\"" | b"utf8")
    });
    let is_one = types
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known.as_bytes()));
    match is_one && is_utf8 {
        true => Ok(()),
        false => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("send UTF-8 with Content-Type: {}", types[0]),
        )),
    }
}
