use longshore_provider::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::*;
use crate::key::ApiKey;

/// Nothing like Google's, so that only looking for this very key finds it.
const KEY: &str = "mellon/1 2";

fn job_error(error: LookUpError, key: &str) -> JobError {
    error.into_job_error(&Unsaid {
        key: &ApiKey::of(&key.into()),
        address: "Øvre gate 1",
    })
}

fn response(status: u16, body: impl AsRef<[u8]>) -> Box<Response> {
    Box::new(Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.as_ref().to_vec(),
        complete: true,
    })
}

/// Google's word, as it came, without a message.
fn refused(word: &str) -> LookUpError {
    LookUpError::Refused {
        status: Status::from(word.to_owned()),
        response: response(200, json!({ "results": [], "status": word }).to_string()),
    }
}

fn rejected(status: u16, body: &str) -> LookUpError {
    LookUpError::Provider(ProviderError::Rejected {
        response: response(status, body),
    })
}

/// The variant, the code and the reason.
fn said(error: LookUpError) -> (&'static str, String, String) {
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
        let reason = format!("Google Maps answered {word}");
        let expected = (kind, word.to_owned(), reason);
        assert_eq!(said(refused(word)), expected);
    }
    let odd = refused("Karl Johans gate 1 is busy");
    let reason = "Google Maps answered 200".to_owned();
    assert_eq!(said(odd), ("transient", "200".to_owned(), reason));
}

#[test]
fn http_statuses_become_outcomes() {
    let provider = LookUpError::Provider;
    let denied = r#"{"status":"REQUEST_DENIED","error_message":"Not from here.","results":[]}"#;
    for (error, kind, code, reason) in [
        (
            rejected(400, ""),
            "permanent",
            "400",
            "Google Maps answered 400",
        ),
        (
            rejected(403, denied),
            "unauthorized",
            "REQUEST_DENIED",
            "Google Maps answered REQUEST_DENIED: Not from here.",
        ),
        (
            rejected(403, "<h1>Forbidden"),
            "unauthorized",
            "403",
            "Google Maps answered 403: <h1>Forbidden",
        ),
        (
            rejected(404, ""),
            "transient",
            "404",
            "Google Maps answered 404",
        ),
        (
            rejected(414, ""),
            "permanent",
            "414",
            "Google Maps answered 414",
        ),
        (
            provider(ProviderError::Unauthorized {
                response: response(401, ""),
            }),
            "unauthorized",
            "401",
            "Google Maps answered 401",
        ),
        (
            provider(ProviderError::Throttled {
                retry_after: Duration::from_secs(7),
                response: response(429, "slow down"),
            }),
            "throttled",
            "429",
            "Google Maps answered 429: slow down",
        ),
        (
            provider(ProviderError::Unavailable {
                response: response(503, "for ada@example.com"),
            }),
            "transient",
            "503",
            "Google Maps answered 503: for [email]",
        ),
        (
            provider(ProviderError::Unexpected {
                response: response(302, ""),
            }),
            "transient",
            "302",
            "Google Maps answered 302",
        ),
        (
            provider(ProviderError::NeverSent {
                cause: "cannot connect: refused".into(),
            }),
            "not_reached",
            "not reached",
            "Google Maps was not reached: cannot connect: refused",
        ),
        (
            provider(ProviderError::NoAnswer {
                cause: "timed out".into(),
            }),
            "transient",
            "no answer",
            "no answer came from Google Maps: timed out",
        ),
        (
            LookUpError::NotUnderstood(response(200, "<html>Sign in")),
            "transient",
            "200",
            "Google Maps answered 200: <html>Sign in",
        ),
        (
            LookUpError::NotUnderstood(response(200, r#"{"status":"OK","results":[]}"#)),
            "transient",
            "OK",
            "Google Maps answered OK",
        ),
    ] {
        let expected = (kind, code.to_owned(), reason.to_owned());
        assert_eq!(said(error), expected);
    }
}

#[test]
fn throttles_are_about_the_whole_provider_and_last_a_minute_unless_google_says() {
    let wait = |error: LookUpError| match job_error(error, KEY) {
        JobError::Throttled {
            retry_after, scope, ..
        } => (retry_after.as_secs(), scope),
        error => panic!("{error:?}"),
    };
    assert_eq!(wait(refused("OVER_QUERY_LIMIT")), (60, Scope::Provider));
    let mut told = response(200, r#"{"status":"OVER_QUERY_LIMIT"}"#);
    let seconds = HeaderValue::from_static("9");
    told.headers
        .insert(HeaderName::from_static("retry-after"), seconds);
    let told = LookUpError::Refused {
        status: Status::OverQueryLimit,
        response: told,
    };
    assert_eq!(wait(told), (9, Scope::Provider));
    let http = LookUpError::Provider(ProviderError::Throttled {
        retry_after: Duration::from_secs(7),
        response: response(429, ""),
    });
    assert_eq!(wait(http), (7, Scope::Provider));
}

#[test]
fn no_reason_and_no_code_holds_a_key() {
    let provider = LookUpError::Provider;
    // A word like a key, a key like a word: whatever is quoted, and wherever.
    for quoted in [KEY, "mellon%2F1+2", "AIzaSyD-abc_1234567"] {
        let message = format!("The key {quoted}, from ?key={quoted}&address=x, is ill");
        let body = json!({ "status": "REQUEST_DENIED", "error_message": message, "results": [] });
        let escaped = body.to_string().replace('/', "\\/").replace('1', "\\u0031");
        let far = format!("{}{quoted}", "x ".repeat(247));
        for error in [
            rejected(403, &escaped),
            rejected(403, &message),
            rejected(403, &far),
            LookUpError::NotUnderstood(response(200, &message)),
            LookUpError::Refused {
                status: Status::RequestDenied,
                response: response(200, &escaped),
            },
            LookUpError::Refused {
                status: Status::Other(quoted.to_owned()),
                response: response(200, json!({ "status": quoted }).to_string()),
            },
            provider(ProviderError::NeverSent {
                cause: message.replace(quoted, KEY),
            }),
            provider(ProviderError::NoAnswer {
                cause: message.replace(quoted, KEY),
            }),
        ] {
            let shown = format!("{:?}", job_error(error, KEY));
            for part in ["mellon", "mell\"", "abc_123", "AIzaS"] {
                assert!(!shown.contains(part), "{part} in {shown}");
            }
        }
    }
    let shown = format!("{:?}", job_error(refused("SECRET_WORD"), "SECRET_WORD"));
    assert!(!shown.contains("SECRET_WORD"), "{shown}");
}
