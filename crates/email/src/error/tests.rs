use std::time::Duration;

use longshore_provider::{HeaderMap, HeaderValue};

use super::*;

const BAD_ADDRESS: &str = r#"{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":"http://sendgrid.com/docs"}]}"#;

fn response(status: u16, body: &str) -> Box<Response> {
    let id = HeaderValue::from_static("msg-1");
    Box::new(Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::from_iter([("x-message-id".parse().expect("a name"), id)]),
        body: body.into(),
        complete: true,
    })
}

/// The variant, the code and the reason.
fn said(error: &JobError) -> (&'static str, String, String) {
    let kind = match error {
        JobError::Permanent { .. } => "permanent",
        JobError::Throttled { .. } => "throttled",
        JobError::Transient { .. } => "transient",
        JobError::NotReached { .. } => "not_reached",
        JobError::OutcomeUnknown { .. } => "unknown",
        JobError::Unauthorized { .. } => "unauthorized",
    };
    let code = error.answer().code.clone().unwrap_or_default();
    (kind, code, error.reason().to_owned())
}

#[test]
fn answers_become_outcomes() {
    let rejected = |status, body| ProviderError::Rejected {
        response: response(status, body),
    };
    let unavailable = |status, body| ProviderError::Unavailable {
        response: response(status, body),
    };
    let null_field = r#"{"errors":[{"message":"too many requests","field":null,"help":null}]}"#;
    let no_field = r#"{"errors":[{"message":"oops"}]}"#;
    let two = r#"{"errors":[{"message":"First."},{"message":"Second.","field":"from.email"}]}"#;
    for (error, kind, code, reason) in [
        (
            rejected(400, BAD_ADDRESS),
            "permanent",
            "400 personalizations.to.email",
            "SendGrid answered 400: Does not contain a valid address. (personalizations.0.to.0.email)",
        ),
        (
            rejected(400, two),
            "permanent",
            "400 from.email",
            "SendGrid answered 400: First. Second. (from.email)",
        ),
        (
            rejected(400, ""),
            "permanent",
            "400",
            "SendGrid answered 400",
        ),
        (
            rejected(404, "<h1>Not\nfound</h1>"),
            "permanent",
            "404",
            "SendGrid answered 404: <h1>Not found</h1>",
        ),
        (
            rejected(413, r#"{"errors":[]}"#),
            "permanent",
            "413",
            r#"SendGrid answered 413: {"errors":[]}"#,
        ),
        (
            rejected(422, ""),
            "permanent",
            "422",
            "SendGrid answered 422",
        ),
        (
            rejected(403, no_field),
            "unauthorized",
            "403",
            "SendGrid answered 403: oops",
        ),
        (
            ProviderError::Unauthorized {
                response: response(401, no_field),
            },
            "unauthorized",
            "401",
            "SendGrid answered 401: oops",
        ),
        (
            ProviderError::Throttled {
                retry_after: Duration::from_secs(7),
                response: response(429, null_field),
            },
            "throttled",
            "429",
            "SendGrid answered 429: too many requests",
        ),
        (
            unavailable(500, no_field),
            "transient",
            "500",
            "SendGrid answered 500: oops",
        ),
        (
            unavailable(503, "upstream of ada@example.com is down"),
            "transient",
            "503",
            "SendGrid answered 503: upstream of [email] is down",
        ),
        (
            ProviderError::Unexpected {
                response: response(302, ""),
            },
            "transient",
            "302",
            "SendGrid answered 302",
        ),
        (
            ProviderError::NeverSent {
                cause: "cannot connect: refused".into(),
            },
            "not_reached",
            "not reached",
            "SendGrid was not reached: cannot connect: refused",
        ),
        (
            ProviderError::NoAnswer {
                cause: "timed out".into(),
            },
            "unknown",
            "no answer",
            "the mail was sent to SendGrid and no answer came: timed out",
        ),
    ] {
        let expected = (kind, code.to_owned(), reason.to_owned());
        let error = JobError::from(SendError::Provider(error));
        assert_eq!(error.answer().provider.as_deref(), Some("sendgrid"));
        assert_eq!(said(&error), expected);
    }
}

#[test]
fn a_throttle_is_about_the_whole_provider_and_keeps_its_time() {
    let wait = Duration::from_secs(7);
    let error = JobError::from(SendError::Provider(ProviderError::Throttled {
        retry_after: wait,
        response: response(429, ""),
    }));
    let JobError::Throttled {
        retry_after, scope, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((retry_after, scope), (wait, Scope::Provider));
}

#[test]
fn a_success_that_is_none_is_unknown() {
    let error = JobError::from(SendError::NotUnderstood(response(200, "<html>Sign in")));
    let (kind, code, reason) = said(&error);
    assert_eq!((kind, code.as_str()), ("unknown", "200"));
    assert_eq!(reason, "SendGrid answered 200: <html>Sign in");
    let Answer {
        status, request_id, ..
    } = error.answer();
    assert_eq!((*status, request_id.as_deref()), (Some(200), Some("msg-1")));
}

#[test]
fn reasons_name_no_person() {
    let quoting = r#"{"errors":[{"message":"We found the first duplicate instance of [ada@example.com] in the field.","field":"personalizations.0"}]}"#;
    let error = JobError::from(SendError::Provider(ProviderError::Rejected {
        response: response(400, quoting),
    }));
    let (_, code, reason) = said(&error);
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
