use std::time::{Duration, SystemTime};

use longshore_job::{JobError, Scope};
use longshore_provider::{
    CallError, HeaderMap, HeaderValue, ProviderError, Purpose, StatusCode, header,
};

use super::*;

const BAD_ADDRESS: &str = r#"{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":"http://sendgrid.com/docs"}]}"#;

/// What an answer means, as the client sorts it.
fn meant(status: u16, body: &str) -> JobError {
    let mut headers = HeaderMap::new();
    headers.insert(MESSAGE_ID, HeaderValue::from_static("msg-1"));
    if status == 429 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
    }
    let response = Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        body: body.into(),
        complete: true,
    };
    let error = match ProviderError::check(response, SystemTime::UNIX_EPOCH) {
        Err(error) => CallError::Provider(error),
        Ok(response) => CallError::NotUnderstood {
            response: Box::new(response),
            why: String::new(),
        },
    };
    Answers.job_error(Purpose::Effect, &error)
}

/// The variant, the code and the reason.
fn parts_of(error: &JobError) -> (&'static str, &str, &str) {
    let kind = match error {
        JobError::Permanent {
            blame: Blame::Ours, ..
        } => "ours",
        JobError::Permanent {
            blame: Blame::Theirs,
            ..
        } => "theirs",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    };
    let code = error.answer().code.as_deref().unwrap_or_default();
    (kind, code, error.reason())
}

#[test]
fn answers_become_outcomes() {
    let null_field = r#"{"errors":[{"message":"too many requests","field":null,"help":null}]}"#;
    let no_field = r#"{"errors":[{"message":"oops"}]}"#;
    let two = r#"{"errors":[{"message":"First."},{"message":"Second.","field":"from.email"}]}"#;
    for (status, body, kind, code, reason) in [
        (
            400,
            BAD_ADDRESS,
            "theirs",
            "400 personalizations.to.email",
            "SendGrid answered 400: Does not contain a valid address. (personalizations.0.to.0.email)",
        ),
        (
            400,
            two,
            "ours",
            "400 from.email",
            "SendGrid answered 400: First. Second. (from.email)",
        ),
        (400, "", "ours", "400", "SendGrid answered 400"),
        (
            404,
            "<h1>Not\nfound</h1>",
            "ours",
            "404",
            "SendGrid answered 404: <h1>Not found</h1>",
        ),
        (
            413,
            r#"{"errors":[]}"#,
            "ours",
            "413",
            "SendGrid answered 413",
        ),
        (422, "", "ours", "422", "SendGrid answered 422"),
        (
            403,
            no_field,
            "unauthorized",
            "403",
            "SendGrid answered 403: oops",
        ),
        (
            401,
            no_field,
            "unauthorized",
            "401",
            "SendGrid answered 401: oops",
        ),
        (
            429,
            null_field,
            "throttled",
            "429",
            "SendGrid answered 429: too many requests",
        ),
        (
            500,
            no_field,
            "unknown",
            "500",
            "SendGrid answered 500: oops",
        ),
        (504, "", "unknown", "504", "SendGrid answered 504"),
        (
            503,
            "upstream of ada@example.com is down",
            "transient",
            "503",
            "SendGrid answered 503: upstream of [email] is down",
        ),
        (302, "", "unknown", "302", "SendGrid answered 302"),
        (
            200,
            "<html>Sign in",
            "unknown",
            "200 not understood",
            "SendGrid answered 200: <html>Sign in",
        ),
    ] {
        let error = meant(status, body);
        assert_eq!(parts_of(&error), (kind, code, reason));
        let answer = error.answer();
        assert_eq!(answer.provider.as_deref(), Some("sendgrid"));
        assert_eq!(answer.status, Some(status));
        assert_eq!(answer.request_id.as_deref(), Some("msg-1"));
    }
}

#[test]
fn a_throttle_is_about_the_whole_provider_and_keeps_its_time() {
    let JobError::Throttled {
        retry_after, scope, ..
    } = meant(429, "")
    else {
        panic!("not throttled");
    };
    assert_eq!(
        (retry_after, scope),
        (Duration::from_secs(7), Scope::Provider)
    );
}

#[test]
fn reasons_name_no_person() {
    let quoting = r#"{"errors":[{"message":"We found the first duplicate instance of [ada@example.com] in the field.","field":"personalizations.0"}]}"#;
    let error = meant(400, quoting);
    let (_, code, reason) = parts_of(&error);
    assert_eq!(code, "400 personalizations");
    assert!(reason.contains("instance of [[email]] in"), "{reason}");
    assert!(!reason.contains("ada"), "{reason}");
}

#[test]
fn fields_are_the_same_for_every_mail() {
    for (field, code) in [
        (
            "personalizations.0.to.0.email",
            Some("personalizations.to.email"),
        ),
        (
            "personalizations[12].to[3].email",
            Some("personalizations.to.email"),
        ),
        ("template_id", Some("template_id")),
        ("0", None),
        ("", None),
        ("personalizations.ada@example.com", None),
        ("the field of Ada", None),
        (&*"x".repeat(101), None),
    ] {
        assert_eq!(stable(field).as_deref(), code, "{field:?}");
    }
}
