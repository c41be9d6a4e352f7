use std::time::Duration;

use longshore_provider::HeaderMap;

use super::*;

fn response(status: u16, body: &str) -> Box<Response> {
    Box::new(Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.into(),
        complete: true,
    })
}

fn coded(status: u16, error_code: u32) -> Box<Response> {
    let body = format!(r#"{{"ErrorCode":{error_code},"Message":"Because."}}"#);
    response(status, &body)
}

/// The variant and the code.
fn said(error: &JobError) -> (&'static str, String) {
    let kind = match error {
        JobError::Permanent { .. } => "permanent",
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

fn rejected(response: Box<Response>) -> ProviderError {
    ProviderError::Rejected { response }
}

fn unavailable(response: Box<Response>) -> ProviderError {
    ProviderError::Unavailable { response }
}

#[test]
fn answers_become_outcomes() {
    for (error, kind, code) in [
        (
            ProviderError::Unauthorized {
                response: coded(401, 10),
            },
            "unauthorized",
            "10 bad token",
        ),
        (rejected(coded(422, 10)), "unauthorized", "10 bad token"),
        (
            rejected(coded(422, 300)),
            "permanent",
            "300 invalid email request",
        ),
        (
            rejected(coded(422, 400)),
            "unauthorized",
            "400 sender not found",
        ),
        (
            rejected(coded(422, 401)),
            "unauthorized",
            "401 sender not confirmed",
        ),
        (rejected(coded(422, 402)), "permanent", "402 invalid JSON"),
        (
            rejected(coded(422, 403)),
            "permanent",
            "403 incompatible JSON",
        ),
        (
            rejected(coded(422, 405)),
            "unauthorized",
            "405 not allowed to send",
        ),
        (
            rejected(coded(422, 406)),
            "permanent",
            "406 inactive recipient",
        ),
        (rejected(coded(422, 409)), "permanent", "409 JSON required"),
        (
            rejected(coded(422, 411)),
            "permanent",
            "411 forbidden attachment type",
        ),
        (
            rejected(coded(422, 412)),
            "unauthorized",
            "412 account pending",
        ),
        (
            rejected(coded(422, 413)),
            "unauthorized",
            "413 account may not send",
        ),
        // The status of the same number says that the mail is too large.
        (rejected(response(413, "")), "permanent", "HTTP 413"),
        (rejected(coded(422, 1101)), "waits", ""),
        (rejected(coded(422, 9999)), "permanent", "9999"),
        (rejected(coded(422, 100)), "transient", "100 maintenance"),
        (rejected(coded(422, 429)), "throttled", "429 rate limit"),
        (
            rejected(response(404, "<h1>Not found</h1>")),
            "permanent",
            "HTTP 404",
        ),
        (rejected(response(403, "")), "unauthorized", "HTTP 403"),
        (
            ProviderError::Throttled {
                retry_after: Duration::from_secs(7),
                response: coded(429, 429),
            },
            "throttled",
            "429 rate limit",
        ),
        (unavailable(coded(500, 100)), "transient", "100 maintenance"),
        (unavailable(response(503, "")), "transient", "HTTP 503"),
        (unavailable(response(408, "")), "transient", "HTTP 408"),
        (unavailable(response(500, "")), "unknown", "HTTP 500"),
        (unavailable(response(502, "")), "unknown", "HTTP 502"),
        (unavailable(response(504, "")), "unknown", "HTTP 504"),
        (
            ProviderError::Unexpected {
                response: response(302, ""),
            },
            "transient",
            "HTTP 302",
        ),
        (
            ProviderError::NeverSent {
                cause: "cannot connect: refused".into(),
            },
            "not_reached",
            "not reached",
        ),
        (
            ProviderError::NoAnswer {
                cause: "timed out".into(),
            },
            "unknown",
            "no answer",
        ),
    ] {
        let shown = error.to_string();
        let error = JobError::from(SendError::Provider(error));
        assert_eq!(said(&error), (kind, code.to_owned()), "{shown}");
        let provider = error.answer().provider.as_deref();
        // A mail that waits says nothing of Postmark's health.
        assert_eq!(provider, (kind != "waits").then_some("postmark"));
    }
}

#[test]
fn a_200_is_an_acceptance_only_with_error_code_0() {
    let of = |response: Box<Response>| super::super::accepted(*response);
    let good = r#"{"To":"a@example.com","SubmittedAt":"2026-11-23T12:00:00Z","MessageID":"m-1","ErrorCode":0,"Message":"OK"}"#;
    let accepted = of(response(200, good)).expect("accepted");
    assert_eq!(accepted.message_id.as_deref(), Some("m-1"));
    for (answer, kind, code) in [
        (coded(200, 406), "permanent", "406 inactive recipient"),
        (coded(200, 10), "unauthorized", "10 bad token"),
        (coded(200, 9999), "permanent", "9999"),
        (response(200, "<html>Sign in"), "unknown", "HTTP 200"),
        (response(200, "{}"), "unknown", "HTTP 200"),
        (response(202, good), "unknown", "HTTP 202"),
    ] {
        let error = JobError::from(of(answer).expect_err("not accepted"));
        assert_eq!(said(&error), (kind, code.to_owned()));
    }
}

#[test]
fn reasons_name_no_person() {
    let quoting =
        r#"{"ErrorCode":406,"Message":"You tried to send to ada@example.com, which is inactive."}"#;
    let error = JobError::from(SendError::Provider(rejected(response(422, quoting))));
    assert_eq!(
        error.reason(),
        "Postmark answered 422: You tried to send to [email], which is inactive. (406)"
    );
}

#[test]
fn a_template_that_postmark_lacks_waits_for_sendgrid() {
    let error = JobError::from(SendError::Provider(rejected(coded(422, 1101))));
    let JobError::Throttled { retry_after, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*retry_after, Duration::from_secs(60));
    assert_eq!(
        error.reason(),
        "the mail waits for SendGrid: template not found: Postmark answered 422: Because. (1101)"
    );
}
