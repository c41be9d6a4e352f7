use std::time::SystemTime;

use longshore_job::{JobError, Scope};
use longshore_provider::{
    CallError, HeaderMap, HeaderName, HeaderValue, ProviderError, Purpose, StatusCode,
};
use serde_json::json;

use super::*;
use crate::key::ApiKey;

/// Nothing like Google's, so that only looking for this very key finds it.
const KEY: &str = "mellon/1 2";

fn job_error(error: &CallError, key: &str) -> JobError {
    let key = ApiKey::of(&key.into());
    let answers = Answers(Redactions {
        key: &key,
        sought: &["Øvre gate 1".to_owned()],
    });
    answers.job_error(Purpose::Repeatable, error)
}

fn response(status: u16, body: impl AsRef<[u8]>) -> Response {
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.as_ref().to_vec(),
        complete: true,
    }
}

/// As the client sorts it.
fn sorted(response: Response) -> CallError {
    match ProviderError::check(response, SystemTime::UNIX_EPOCH) {
        Err(error) => error.into(),
        Ok(response) => crate::google_maps::answered(response).expect_err("no place"),
    }
}

/// Google's word, as it came, without a message.
fn refused(word: &str) -> CallError {
    let body = json!({ "results": [], "status": word });
    sorted(response(200, body.to_string()))
}

/// The variant, the code and the reason.
fn parts_of(error: &CallError) -> (&'static str, String, String) {
    let error = job_error(error, KEY);
    let kind = match error {
        JobError::Permanent { .. } => "permanent",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    };
    assert_eq!(error.answer().provider.as_deref(), Some("google_maps"));
    let code = error.answer().code.clone().unwrap_or_default();
    (kind, code, error.reason().to_owned())
}

#[test]
fn words_become_outcomes() {
    for (word, kind) in [
        ("INVALID_REQUEST", "permanent"),
        ("OVER_QUERY_LIMIT", "throttled"),
        ("OVER_DAILY_LIMIT", "unauthorized"),
        ("REQUEST_DENIED", "unauthorized"),
        ("UNKNOWN_ERROR", "transient"),
        ("NOT_FOUND", "transient"),
        ("MAX_WAYPOINTS_EXCEEDED", "transient"),
    ] {
        let reason = format!("Google Maps answered 200, {word}");
        let expected = (kind, word.to_owned(), reason);
        assert_eq!(parts_of(&refused(word)), expected);
    }
    let odd = refused("Karl Johans gate 1 is busy");
    let reason = "Google Maps answered 200".to_owned();
    assert_eq!(parts_of(&odd), ("transient", "200".to_owned(), reason));
}

#[test]
fn http_statuses_become_outcomes() {
    let denied = r#"{"status":"REQUEST_DENIED","error_message":"Not from here.","results":[]}"#;
    for (status, body, kind, code, reason) in [
        (400, "", "permanent", "400", "Google Maps answered 400"),
        (
            403,
            denied,
            "unauthorized",
            "REQUEST_DENIED",
            "Google Maps answered 403, REQUEST_DENIED: Not from here.",
        ),
        (
            403,
            "<h1>Forbidden",
            "unauthorized",
            "403",
            "Google Maps answered 403: <h1>Forbidden",
        ),
        (404, "", "transient", "404", "Google Maps answered 404"),
        (414, "", "permanent", "414", "Google Maps answered 414"),
        (401, "", "unauthorized", "401", "Google Maps answered 401"),
        (
            429,
            "slow down",
            "throttled",
            "429",
            "Google Maps answered 429: slow down",
        ),
        (
            503,
            "for ada@example.com",
            "transient",
            "503",
            "Google Maps answered 503: for [email]",
        ),
        (302, "", "transient", "302", "Google Maps answered 302"),
        (
            200,
            "<html>Sign in",
            "transient",
            "200 not understood",
            "Google Maps answered 200: <html>Sign in, and that is not as Google documents",
        ),
        (
            200,
            r#"{"status":"OK","results":[]}"#,
            "transient",
            "OK not understood",
            "Google Maps answered 200, OK, and there is no place in it",
        ),
        (
            200,
            r#"{"status":"OK","results":[{"place_id":"x","geometry":{"location":{"lat":"Øvre gate 1"}}}]}"#,
            "transient",
            "OK not understood",
            "Google Maps answered 200, OK, and it does not read: results[0].geometry.location.lat: expected f64",
        ),
    ] {
        let expected = (kind, code.to_owned(), reason.to_owned());
        assert_eq!(parts_of(&sorted(response(status, body))), expected);
    }
}

#[test]
fn throttles_are_about_the_whole_provider_and_last_a_minute_unless_google_says() {
    let wait = |error: &CallError| match job_error(error, KEY) {
        JobError::Throttled {
            retry_after, scope, ..
        } => (retry_after.as_secs(), scope),
        error => panic!("{error:?}"),
    };
    assert_eq!(wait(&refused("OVER_QUERY_LIMIT")), (60, Scope::Provider));
    for (status, body) in [(200, r#"{"status":"OVER_QUERY_LIMIT"}"#), (429, "")] {
        let mut told = response(status, body);
        let seconds = HeaderValue::from_static("9");
        told.headers
            .insert(HeaderName::from_static("retry-after"), seconds);
        assert_eq!(wait(&sorted(told)), (9, Scope::Provider));
    }
}

#[test]
fn no_reason_and_no_code_holds_a_key() {
    // A word like a key, a key like a word: whatever is quoted, and wherever.
    for quoted in [KEY, "mellon%2F1+2", "AIzaSyD-abc_1234567"] {
        let message = format!("The key {quoted}, from ?key={quoted}&address=x, is ill");
        let body = json!({ "status": "REQUEST_DENIED", "error_message": message, "results": [] });
        let escaped = body.to_string().replace('/', "\\/").replace('1', "\\u0031");
        let far = format!("{}{quoted}", "x ".repeat(247));
        for error in [
            sorted(response(403, &escaped)),
            sorted(response(403, &message)),
            sorted(response(403, &far)),
            sorted(response(200, &message)),
            sorted(response(200, &escaped)),
            sorted(response(200, json!({ "status": quoted }).to_string())),
            CallError::from(ProviderError::NeverSent {
                cause: message.replace(quoted, KEY),
            }),
            CallError::from(ProviderError::NoAnswer {
                cause: message.replace(quoted, KEY),
            }),
        ] {
            let shown = format!("{:?}", job_error(&error, KEY));
            for part in ["mellon", "mell\"", "abc_123", "AIzaS"] {
                assert!(!shown.contains(part), "{part} in {shown}");
            }
        }
    }
    let shown = format!("{:?}", job_error(&refused("SECRET_WORD"), "SECRET_WORD"));
    assert!(!shown.contains("SECRET_WORD"), "{shown}");
}
