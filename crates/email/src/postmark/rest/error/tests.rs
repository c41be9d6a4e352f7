use std::time::{Duration, SystemTime};

use longshore_job::Scope;
use longshore_provider::{HeaderMap, ProviderError, StatusCode};

use super::*;

fn response(status: u16, body: &str) -> Response {
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.into(),
        complete: true,
    }
}

fn coded(status: u16, error_code: u32) -> Response {
    let body = format!(r#"{{"ErrorCode":{error_code},"Message":"Because."}}"#);
    response(status, &body)
}

/// What an answer means, as the client sorts it.
fn meant(response: Response) -> JobError {
    let error = ProviderError::check(response, SystemTime::UNIX_EPOCH).expect_err("no success");
    of_sending(&CallError::Provider(error))
}

/// The variant and the code.
fn parts_of(error: &JobError) -> (&'static str, String) {
    let kind = match error {
        JobError::Permanent {
            blame: Blame::Ours, ..
        } => "ours",
        JobError::Permanent {
            blame: Blame::Theirs,
            ..
        } => "theirs",
        JobError::Throttled {
            scope: Scope::Job, ..
        } => "waits",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    };
    (kind, error.answer().code.clone().unwrap_or_default())
}

#[test]
fn answers_become_outcomes() {
    let to = r#"{"ErrorCode":300,"Message":"Error parsing 'To': Illegal email address."}"#;
    for (answer, kind, code) in [
        (coded(401, 10), "unauthorized", "10 bad token"),
        (coded(422, 10), "unauthorized", "10 bad token"),
        (coded(422, 300), "ours", "300 invalid email request"),
        (response(422, to), "theirs", "300 invalid email request"),
        (coded(422, 400), "unauthorized", "400 sender not found"),
        (coded(422, 401), "unauthorized", "401 sender not confirmed"),
        (coded(422, 402), "ours", "402 invalid JSON"),
        (coded(422, 403), "ours", "403 incompatible JSON"),
        (coded(422, 405), "unauthorized", "405 not allowed to send"),
        (coded(422, 406), "theirs", "406 inactive recipient"),
        (coded(422, 409), "ours", "409 JSON required"),
        (coded(422, 411), "ours", "411 forbidden attachment type"),
        (coded(422, 412), "unauthorized", "412 account pending"),
        (coded(422, 413), "unauthorized", "413 account may not send"),
        // The status of the same number says that the mail is too large.
        (response(413, ""), "ours", "HTTP 413"),
        (coded(422, 1101), "waits", ""),
        (coded(422, 9999), "ours", "9999"),
        (coded(422, 100), "transient", "100 maintenance"),
        (coded(422, 429), "throttled", "429 rate limit"),
        (response(404, "<h1>Not found</h1>"), "ours", "HTTP 404"),
        (response(403, ""), "unauthorized", "HTTP 403"),
        (coded(429, 429), "throttled", "429 rate limit"),
        (coded(500, 100), "transient", "100 maintenance"),
        (response(503, ""), "transient", "HTTP 503"),
        (response(408, ""), "unknown", "HTTP 408"),
        (response(500, ""), "unknown", "HTTP 500"),
        (response(502, ""), "unknown", "HTTP 502"),
        (response(504, ""), "unknown", "HTTP 504"),
        (response(302, ""), "unknown", "HTTP 302"),
    ] {
        let status = answer.status;
        let error = meant(answer);
        assert_eq!(parts_of(&error), (kind, code.to_owned()), "{status}");
        let provider = error.answer().provider.as_deref();
        // A mail that waits says nothing of Postmark's health.
        assert_eq!(provider, (kind != "waits").then_some("postmark"));
    }
}

#[test]
fn a_200_is_an_acceptance_only_with_error_code_0() {
    let of = super::super::accepted;
    let good = r#"{"To":"a@example.com","SubmittedAt":"2026-11-23T12:00:00Z","MessageID":"m-1","ErrorCode":0,"Message":"OK"}"#;
    let accepted = of(response(200, good)).expect("accepted");
    assert_eq!(accepted.message_id.as_deref(), Some("m-1"));
    for (answer, kind, code) in [
        (coded(200, 406), "theirs", "406 inactive recipient"),
        (coded(200, 10), "unauthorized", "10 bad token"),
        (coded(200, 9999), "ours", "9999"),
        (
            response(200, "<html>Sign in"),
            "unknown",
            "HTTP 200 not understood",
        ),
        (response(200, "{}"), "unknown", "HTTP 200 not understood"),
        (response(202, good), "unknown", "HTTP 202 not understood"),
    ] {
        let error = of_sending(&of(answer).expect_err("not accepted"));
        assert_eq!(parts_of(&error), (kind, code.to_owned()));
    }
}

#[test]
fn reasons_name_no_person() {
    let quoting =
        r#"{"ErrorCode":406,"Message":"You tried to send to ada@example.com, which is inactive."}"#;
    assert_eq!(
        meant(response(422, quoting)).reason(),
        "Postmark answered 422: You tried to send to [email], which is inactive. (406)"
    );
}

#[test]
fn a_template_that_postmark_lacks_waits_for_sendgrid() {
    let error = meant(coded(422, 1101));
    let JobError::Throttled { retry_after, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*retry_after, Duration::from_secs(60));
    assert_eq!(
        error.reason(),
        "the mail waits for SendGrid: template not found: Postmark answered 422: Because. (1101)"
    );
}

/// Nothing of a 5xx says that the mail did not go out, whatever code stands in it.
#[test]
fn a_server_that_failed_refuses_nothing() {
    for (status, error_code, kind) in [
        (422, 406, "theirs"),
        (500, 406, "unknown"),
        (502, 300, "unknown"),
        (503, 406, "transient"),
    ] {
        assert_eq!(
            parts_of(&meant(coded(status, error_code))).0,
            kind,
            "{status}"
        );
    }
}
