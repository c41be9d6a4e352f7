//! A job as a request, and a good answer as a result.

use longshore_job::InvalidArgs;
use longshore_provider::header::{ACCEPT, CONTENT_TYPE};
use longshore_provider::{CallError, HeaderValue, ProviderError, Request, Response};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::{AnswerClass, CallService, ServiceOperation};

/// The largest body of an answer that is kept, in bytes; of a larger one only how large it was, and its digest.
const MOST_KEPT: usize = 16 * 1024;

/// The request of a job. `key` is the job's idempotency key.
///
/// # Errors
/// When the job's args do not fit the operation.
pub(crate) fn request(
    operation: &ServiceOperation,
    job: &CallService,
    key: &str,
) -> Result<Request, InvalidArgs> {
    let path = operation.path_of(job)?;
    let mut request = Request::new(operation.method.clone(), path)
        .header(ACCEPT, HeaderValue::from_static("application/json"));
    if !job.query.is_empty() {
        let pairs = job.query.iter();
        request = request.query(pairs.map(|(name, value)| (name.as_str(), value.as_str())));
    }
    if let Some(body) = &job.body {
        request = request.raw_json(body.get());
    }
    for (name, value) in &operation.headers {
        request = request.header(name.clone(), value.clone());
    }
    if let Some(name) = &operation.idempotency_header {
        let key = HeaderValue::try_from(key)
            .map_err(|_| InvalidArgs("the job's key cannot stand in a header".to_owned()))?;
        request = request.header(name.clone(), key);
    }
    Ok(request)
}

/// Sorts an answer as the operation's configuration has it.
///
/// # Errors
/// Every answer that does not surely say that the request was carried out.
pub(crate) fn answered(
    operation: &ServiceOperation,
    result: Result<Response, ProviderError>,
) -> Result<Response, CallError> {
    let response = match &result {
        Ok(response) => Some(response),
        Err(error) => error.response(),
    };
    let class = response.and_then(|response| operation.classes.get(&response.status.as_u16()));
    match (class, result) {
        (None | Some(AnswerClass::Success), Ok(response)) => understood(response),
        (Some(AnswerClass::Success), Err(error)) => match error.response() {
            Some(response) => understood(response.clone()),
            None => Err(error.into()),
        },
        (Some(_), Ok(response)) => {
            let response = Box::new(response);
            Err(ProviderError::Unexpected { response }.into())
        }
        (_, Err(error)) => Err(error.into()),
    }
}

/// What a service's answer holds nobody here knows. But one that broke off, a web page, and JSON that is none, may come from something
/// in between that has passed the request on or not.
fn understood(response: Response) -> Result<Response, CallError> {
    let kind = response.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).is_ok();
    let why = if !response.complete {
        "its body broke off"
    } else if kind.starts_with("text/html") || is_page(&response.body) {
        "it is a web page"
    } else if kind.contains("json") && !response.body.is_empty() && !is_json() {
        "it is not JSON"
    } else {
        return Ok(response);
    };
    Err(CallError::NotUnderstood {
        why: why.to_owned(),
        response: Box::new(response),
    })
}

fn is_page(body: &[u8]) -> bool {
    let head = &body[..body.len().min(100)];
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let head = head.trim_start();
    head.starts_with("<html") || head.starts_with("<!doctype html")
}

/// What is kept of a good answer: its status, and its body where that is JSON and not large.
pub(crate) fn result(response: &Response) -> Value {
    let status = response.status.as_u16();
    let body = &response.body;
    if body.is_empty() {
        return json!({ "status": status });
    }
    let kept = Some(body).filter(|body| body.len() <= MOST_KEPT);
    match kept.and_then(|body| serde_json::from_slice::<Value>(body).ok()) {
        Some(mut body) => {
            hide_secrets(&mut body);
            json!({ "status": status, "body": body })
        }
        None => json!({
            "status": status,
            "body_bytes": body.len(),
            "body_sha256": hex::encode(digest(&SHA256, body)),
        }),
    }
}

/// Services answer with secrets, too, such as the token of a new account: they are not kept.
fn hide_secrets(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(hide_secrets),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_ascii_lowercase().replace(['-', '_'], "");
                let is_secret = ["secret", "password", "apikey", "privatekey"]
                    .iter()
                    .any(|word| name.contains(word))
                    || name.ends_with("token");
                match value {
                    Value::String(text) if is_secret => "[secret]".clone_into(text),
                    value => hide_secrets(value),
                }
            }
        }
        _ => {}
    }
}
